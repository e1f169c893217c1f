#include "core/utf8.hpp"

namespace claudio {

utf8_sequence first_utf8_sequence(std::string_view text) noexcept {
  auto const lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80)
    return {1, true};
  if (lead < 0xc2 || lead > 0xf4)
    return {1, false};
  std::size_t const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // Overlong forms, surrogates, and what is beyond U+10FFFF (RFC 3629 4).
  unsigned least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (std::size_t k = 1; k < size; ++k) {
    auto const byte = k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
    if (byte < least || byte > most)
      return {k, false};
    least = 0x80;
    most = 0xbf;
  }
  return {size, true};
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    auto const first = first_utf8_sequence(text);
    if (!first.valid)
      return false;
    text.remove_prefix(first.size);
  }
  return true;
}

} // namespace claudio
