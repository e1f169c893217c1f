#include "display.hpp"

#include <iostream>
#include <unistd.h>

namespace claudio::tool {

answer_output::answer_output() : is_terminal_(::isatty(STDOUT_FILENO) == 1) {}

void answer_output::write(std::string_view piece) {
  if (piece.empty())
    return;
  in_line_ = piece.back() != '\n' || !is_terminal_;
  if (is_terminal_)
    std::cout << filter_.add(piece) << std::flush;
  else
    std::cout << piece << std::flush;
}

void answer_output::end_line() {
  std::cout << filter_.finish();
  if (in_line_)
    std::cout << '\n';
  in_line_ = false;
  std::cout.flush();
}

} // namespace claudio::tool
