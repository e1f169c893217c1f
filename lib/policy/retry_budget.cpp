#include <claudio/retry_policy.hpp>

#include <algorithm>
#include <cmath>

namespace claudio {

retry_budget::retry_budget(double tokens, double ratio, bool counts_rate_limits) noexcept
    : most_(std::lround(tokens * unit)), refill_(std::lround(ratio * unit)), counts_rate_limits_(counts_rate_limits),
      left_(most_) {}

bool retry_budget::take(error const& failure) noexcept {
  if (!counts(failure))
    return true;
  long before = left_.load(std::memory_order_relaxed);
  long after = 0;
  do
    after = std::max(before - unit, 0l);
  while (!left_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  return after * 2 > most_;
}

void retry_budget::give() noexcept {
  long before = left_.load(std::memory_order_relaxed);
  while (before < most_ &&
         !left_.compare_exchange_weak(before, std::min(before + refill_, most_), std::memory_order_relaxed)) {
  }
}

} // namespace claudio
