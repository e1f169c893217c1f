#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace claudio {

/// The character that a text begins with.
class front_character {
public:
  enum class kind { plain, control, invalid };

  /// `text` must not be empty.
  explicit front_character(std::string_view text) noexcept;

  kind type() const noexcept { return type_; }
  std::size_t size() const noexcept { return size_; } ///< in bytes; 1 for a byte that is not UTF-8

private:
  kind type_ = kind::plain;
  std::size_t size_ = 1;
};

/// What stands for a byte that is not UTF-8 (U+FFFD).
constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// Whether a terminal and a line of a log may have the text as it is: well-formed UTF-8 without control characters
/// (U+0000 to U+001F, U+007F to U+009F) and without the line and paragraph separators U+2028 and U+2029.
bool is_printable_line(std::string_view text) noexcept;

/// Makes a text such: `in_place_of_control` replaces each control character and separator, U+FFFD each byte that is not
/// UTF-8.
std::string printable_line(std::string_view text, char in_place_of_control = ' ');

} // namespace claudio
