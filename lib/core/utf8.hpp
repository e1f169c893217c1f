#pragma once

#include <cstddef>
#include <string_view>

namespace claudio {

/// The bytes of one character, or of what should have been one.
struct utf8_sequence {
  std::size_t size = 0;
  bool valid = false;
};

/// The sequence at the front of a text, which is not empty. One that is ill-formed ends before the first byte that
/// can't belong to it, so that the next character is not lost with it.
utf8_sequence first_utf8_sequence(std::string_view text) noexcept;

/// Whether a text is well-formed UTF-8 (RFC 3629 4).
bool is_utf8(std::string_view text) noexcept;

/// At most so many bytes of it from its begin on, and no part of a character.
inline std::string_view shortened(std::string_view text, std::size_t bytes) noexcept {
  if (text.size() <= bytes)
    return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
    --bytes;
  return text.substr(0, bytes);
}

} // namespace claudio
