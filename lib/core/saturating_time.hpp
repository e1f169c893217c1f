#pragma once

#include <chrono>
#include <cstdint>
#include <type_traits>

/// Arithmetic with times that callers and configurations give: `time_point::max()` for "never", `milliseconds::max()`
/// for "no limit". The standard's operators overflow there, which is undefined; these end at the type's limits.
namespace claudio {

template <class Rep, class Period>
constexpr std::chrono::nanoseconds to_nanoseconds(std::chrono::duration<Rep, Period> duration) noexcept {
  static_assert(std::is_integral_v<Rep> && std::is_signed_v<Rep>);
  using std::chrono::nanoseconds;
  using given = std::chrono::duration<Rep, Period>;
  if (duration > std::chrono::duration_cast<given>(nanoseconds::max()))
    return nanoseconds::max();
  if (duration < std::chrono::duration_cast<given>(nanoseconds::min()))
    return nanoseconds::min();
  return duration;
}

/// `time + duration`
template <class Clock, class Rep, class Period>
constexpr std::chrono::time_point<Clock, std::chrono::nanoseconds>
saturating_add(std::chrono::time_point<Clock, std::chrono::nanoseconds> time,
               std::chrono::duration<Rep, Period> duration) noexcept {
  using time_point = std::chrono::time_point<Clock, std::chrono::nanoseconds>;
  auto const added = to_nanoseconds(duration).count();
  std::int64_t sum = 0;
  if (__builtin_add_overflow(time.time_since_epoch().count(), added, &sum))
    return added > 0 ? time_point::max() : time_point::min();
  return time_point(std::chrono::nanoseconds(sum));
}

/// `until - from`
template <class Clock>
constexpr std::chrono::nanoseconds
saturating_difference(std::chrono::time_point<Clock, std::chrono::nanoseconds> until,
                      std::chrono::time_point<Clock, std::chrono::nanoseconds> from) noexcept {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(until.time_since_epoch().count(), from.time_since_epoch().count(), &difference))
    return until > from ? std::chrono::nanoseconds::max() : std::chrono::nanoseconds::min();
  return std::chrono::nanoseconds(difference);
}

} // namespace claudio
