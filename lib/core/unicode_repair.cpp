#include "core/unicode_repair.hpp"

#include "core/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace claudio {

namespace {

constexpr std::size_t escape_size = 6; // \uXXXX

// The code unit of the escape at the front of `text`; nothing: there is none.
std::optional<unsigned> escaped_unit(std::string_view text) noexcept {
  if (text.size() < escape_size || !text.starts_with("\\u"))
    return std::nullopt;
  unsigned unit = 0;
  auto const* const end = text.data() + escape_size;
  auto const [read, failure] = std::from_chars(text.data() + 2, end, unit, 16);
  return failure == std::errc() && read == end ? std::optional(unit) : std::nullopt;
}

bool is_high_surrogate(std::optional<unsigned> unit) noexcept { return unit && *unit >= 0xd800 && *unit < 0xdc00; }
bool is_low_surrogate(std::optional<unsigned> unit) noexcept { return unit && *unit >= 0xdc00 && *unit < 0xe000; }

class piece {
public:
  std::size_t size;
  std::string_view replacement; // empty: the piece stays
};

// What begins with a backslash: an escape, or a pair of them that is one character.
piece escape_at_front(std::string_view text) noexcept {
  auto const unit = escaped_unit(text);
  if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(text.substr(escape_size))))
    return {2 * escape_size, {}};
  if (is_high_surrogate(unit) || is_low_surrogate(unit))
    return {escape_size, "\\ufffd"};
  return {unit ? escape_size : std::min<std::size_t>(2, text.size()), {}};
}

piece piece_at_front(std::string_view text) noexcept {
  if (text.front() == '\\')
    return escape_at_front(text);
  auto const sequence = first_utf8_sequence(text);
  return {sequence.size, sequence.valid ? std::string_view() : "\xef\xbf\xbd"};
}

} // namespace

std::optional<std::string> repair_unicode(std::string_view json) {
  std::optional<std::string> repaired;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < json.size();) {
    auto const next = piece_at_front(json.substr(i));
    if (!next.replacement.empty()) {
      if (!repaired)
        repaired.emplace();
      repaired->append(json, copied, i - copied).append(next.replacement);
      copied = i + next.size;
    }
    i += next.size;
  }
  if (repaired)
    repaired->append(json, copied);
  return repaired;
}

} // namespace claudio
