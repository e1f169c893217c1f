#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace claudio {

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7, IMF-fixdate); nothing for another text.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) noexcept;

/// `1994-11-06T08:49:37Z`, with or without a fraction (which is dropped) and an offset instead of `Z` (RFC 3339);
/// nothing for another text.
std::optional<std::chrono::sys_seconds> parse_rfc3339(std::string_view text) noexcept;

} // namespace claudio
