#include "visible_text.hpp"

#include "core/printable.hpp"
#include "core/utf8.hpp"

#include <cstdint>
#include <cstdio>

namespace claudio::tool {
namespace {

std::uint32_t code_point(std::string_view character) {
  auto const first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1)
    return first;
  std::uint32_t code = first & (0x7fu >> character.size());
  for (char const c : character.substr(1))
    code = (code << 6) | (static_cast<unsigned char>(c) & 0x3fu);
  return code;
}

// Controls of C1, of the text's direction, and of lines (Unicode 15, UAX 9).
bool is_obeyed(std::uint32_t code) {
  return (code >= 0x80 && code < 0xa0) || code == 0x61c || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || (code >= 0xfff9 && code <= 0xfffb);
}

void append_visible(std::string_view character, std::string& out) {
  auto const code = code_point(character);
  if (code == '\n' || code == '\t' || (code >= 0x20 && code < 0x7f)) {
    out += character;
  } else if (code < 0x80) {
    out += '^';
    out += static_cast<char>(code ^ 0x40);
  } else if (is_obeyed(code)) {
    char name[16];
    std::snprintf(name, sizeof name, "<U+%04X>", static_cast<unsigned>(code));
    out += name;
  } else {
    out += character;
  }
}

// How many bytes a character has that begins so; 0: none begins so.
std::size_t announced_size(char first) {
  auto const byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;
}

// Whether the next piece may make a character of it.
bool is_begun(std::string_view text, utf8_sequence sequence) {
  return !sequence.valid && sequence.size == text.size() && text.size() < announced_size(text.front());
}

} // namespace

std::string visible_text::add(std::string_view piece) {
  held_ += piece;
  std::string_view text = held_;
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (text.front() == '\r') {
      if (text.size() == 1)
        break;
      if (text[1] != '\n')
        out += "^M";
      text.remove_prefix(1);
      continue;
    }
    auto const sequence = first_utf8_sequence(text);
    if (is_begun(text, sequence))
      break;
    if (sequence.valid)
      append_visible(text.substr(0, sequence.size), out);
    else
      out += replacement_character;
    text.remove_prefix(sequence.size);
  }
  held_.erase(0, held_.size() - text.size());
  return out;
}

std::string visible_text::finish() {
  std::string const out(held_.empty() ? std::string_view() : held_ == "\r" ? "^M" : replacement_character);
  held_.clear();
  return out;
}

std::string visible(std::string_view text) {
  visible_text filter;
  auto out = filter.add(text);
  out += filter.finish();
  return out;
}

} // namespace claudio::tool
