#include "core/printable.hpp"

#include "core/utf8.hpp"

#include <algorithm>

namespace claudio {
namespace {

bool is_plain_ascii(char c) noexcept { return c >= 0x20 && c < 0x7f; }

// U+0080 to U+009F, U+2028 and U+2029.
bool is_wide_control(std::string_view character) noexcept {
  return (character.size() == 2 && character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0) ||
         character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9";
}

} // namespace

front_character::front_character(std::string_view text) noexcept {
  if (is_plain_ascii(text.front()))
    return;
  if (static_cast<unsigned char>(text.front()) < 0x80) {
    type_ = kind::control;
    return;
  }
  for (size_ = 2; size_ <= std::min<std::size_t>(text.size(), 4); ++size_)
    if (auto const character = text.substr(0, size_); is_utf8(character)) {
      type_ = is_wide_control(character) ? kind::control : kind::plain;
      return;
    }
  type_ = kind::invalid;
  size_ = 1;
}

bool is_printable_line(std::string_view text) noexcept {
  while (!text.empty()) {
    front_character const next(text);
    if (next.type() != front_character::kind::plain)
      return false;
    text.remove_prefix(next.size());
  }
  return true;
}

std::string printable_line(std::string_view text, char in_place_of_control) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    front_character const next(text);
    if (next.type() == front_character::kind::plain)
      line += text.substr(0, next.size());
    else if (next.type() == front_character::kind::control)
      line += in_place_of_control;
    else
      line += replacement_character;
    text.remove_prefix(next.size());
  }
  return line;
}

} // namespace claudio
