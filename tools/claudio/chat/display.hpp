#pragma once

#include "../visible_text.hpp"

#include <string_view>

namespace claudio::tool {

/// Standard output as an answer is written to it: on a terminal made visible, elsewhere byte by byte.
class answer_output {
public:
  answer_output();

  void write(std::string_view piece);
  /// Ends the line, if anything is in it, and flushes.
  void end_line();
  bool is_terminal() const noexcept { return is_terminal_; }

private:
  bool is_terminal_;
  bool in_line_ = false;
  visible_text filter_;
};

} // namespace claudio::tool
