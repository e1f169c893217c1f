#include "core/retry_after.hpp"

#include "core/wire_time.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace claudio {
namespace {

using std::chrono::milliseconds;

// Beyond this a number is nonsense, and sums with it could overflow.
constexpr double longest_wait_ms = 30.0 * 24 * 3600 * 1000;

std::optional<double> parse_decimal(std::string_view text) {
  double value = 0;
  auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return value;
}

} // namespace

std::optional<milliseconds> parse_retry_after(std::string_view retry_after_ms, std::string_view retry_after,
                                              std::chrono::system_clock::time_point now, std::string_view date) {
  auto const here = std::chrono::floor<std::chrono::seconds>(now);
  auto wait_ms = parse_decimal(retry_after_ms);
  if (!wait_ms) {
    if (auto const seconds = parse_decimal(retry_after))
      wait_ms = *seconds * 1000;
    else if (auto const when = parse_http_date(retry_after, here)) {
      // In seconds: a time_point in nanoseconds ends in the year 2262.
      auto const wait = *when - parse_http_date(date, here).value_or(here);
      wait_ms = std::max(0.0, std::chrono::duration<double, std::milli>(wait).count());
    }
  }
  if (!wait_ms)
    return std::nullopt;
  return milliseconds(std::llround(std::min(*wait_ms, longest_wait_ms)));
}

} // namespace claudio
