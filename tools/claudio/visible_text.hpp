#pragma once

#include <string>
#include <string_view>

namespace claudio::tool {

/// Makes a text that comes in pieces safe to show on a terminal. What a terminal would obey is written out instead:
/// C0 controls as `^[`, C1 controls and those of the text's direction as `<U+202E>`, bytes that are not UTF-8 as
/// U+FFFD. Line breaks and tabs stay. A character may be cut by the end of a piece.
class visible_text {
public:
  visible_text() = default;

  /// What can be shown after this piece.
  std::string add(std::string_view piece);
  /// What was held back because its end had not come.
  std::string finish();

private:
  std::string held_; // a part of a character, or a carriage return whose line feed may follow
};

/// The same for a text that is whole.
std::string visible(std::string_view text);

} // namespace claudio::tool
