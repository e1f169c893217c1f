#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace claudio {

/// The three formats of RFC 9110 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`; nothing for another text. A year of two digits that would be more than 50 years after
/// `now` is the last one before with these digits.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text, std::chrono::sys_seconds now) noexcept;

/// `1994-11-06T08:49:37Z`, with or without a fraction (which is dropped) and an offset instead of `Z` (RFC 3339);
/// nothing for another text.
std::optional<std::chrono::sys_seconds> parse_rfc3339(std::string_view text) noexcept;

} // namespace claudio
