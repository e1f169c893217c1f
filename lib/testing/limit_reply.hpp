#pragma once

#include "testing/rate_limits.hpp"

#include <chrono>
#include <cstdint>

namespace claudio::testing {

/// What a limited server says where the judge says `judged`: an answer with the headers that tell how the limits stand,
/// or a 429 in its place. Other replies pass as they are. Pure.
/// @param number of the request, which makes its id
/// @param now what the limits go by
/// @param date the wall clock's time, for the headers
reply limit_reply(enforced_limits& limits, reply judged, received_request const& request, std::uint64_t number,
                  std::chrono::steady_clock::time_point now, std::chrono::system_clock::time_point date);

} // namespace claudio::testing
