#pragma once

#include <chrono>
#include <string>

namespace claudio::testing {

/// "Sun, 06 Nov 1994 08:49:37 GMT", as RFC 9110 wants dates.
std::string http_date(std::chrono::sys_seconds time);

/// "1994-11-06T08:49:37Z", as RFC 3339 does.
std::string internet_timestamp(std::chrono::sys_seconds time);

} // namespace claudio::testing
