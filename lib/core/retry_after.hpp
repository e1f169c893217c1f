#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace claudio {

/// How long a server asks to wait, from `retry-after-ms` (milliseconds, read first) and `retry-after` (seconds, or an
/// HTTP date; RFC 9110 10.2.3). A date counts from the response's own `date`, since the server's clock and this
/// machine's may differ, and from `now` where that can't be read. All may be empty. A date in the past is zero; what
/// can't be read is nothing.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view retry_after_ms,
                                                           std::string_view retry_after,
                                                           std::chrono::system_clock::time_point now,
                                                           std::string_view date = std::string_view());

} // namespace claudio
