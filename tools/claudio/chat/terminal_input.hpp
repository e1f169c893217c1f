#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace claudio::tool {

/// The characters that a terminal sends, and the texts that are pasted there (bracketed paste: between `ESC [ 2 0 0 ~`
/// and `ESC [ 2 0 1 ~`).
class terminal_input {
public:
  enum class event { input, interrupted, end };

  explicit terminal_input(int descriptor) : descriptor_(descriptor) {}

  /// Waits for input and reads it, or until `other` is readable.
  event wait(int other);

  /// The next character, unless a paste is next or nothing whole is there. Bytes that are not UTF-8 become U+FFFD.
  std::optional<char32_t> take_character();
  /// A whole paste, if one is next: line breaks are line feeds, other control characters but tabs are left out.
  std::optional<std::u32string> take_paste();

private:
  bool is_unfinished() const;

  int descriptor_;
  std::string bytes_;
  bool is_settled_ = false; // what has come is not the begin of more
};

/// Takes the first character off a text, which is not empty; U+FFFD for bytes that are not UTF-8.
char32_t take_utf8(std::string_view& text);
void append_utf8(char32_t character, std::string& out);

} // namespace claudio::tool
