#pragma once

#include <cstddef>
#include <string_view>

namespace claudio {

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
