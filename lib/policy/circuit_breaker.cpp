#include "policy/circuit_breaker.hpp"

#include "core/saturating_time.hpp"

#include <algorithm>

namespace claudio {

circuit_breaker::state circuit_breaker::now_in(time_point now) const noexcept {
  return state_ == state::open && now >= open_until_ ? state::half_open : state_;
}

std::chrono::nanoseconds circuit_breaker::time_to_probe(time_point now) const noexcept {
  return now_in(now) == state::open ? open_until_ - now : std::chrono::nanoseconds(0);
}

bool circuit_breaker::would_let_pass(time_point now) const noexcept {
  switch (now_in(now)) {
  case state::closed:
    return true;
  case state::open:
    return false;
  case state::half_open:
    break;
  }
  // Later more of them, since an answer may take minutes, and a probe may be lost.
  return state_ == state::open || probes_begun_ < options_.probes ||
         now - probes_since_ >= to_nanoseconds(options_.open);
}

circuit_breaker::pass circuit_breaker::let_pass(time_point now) noexcept {
  if (state_ == state::open) {
    state_ = state::half_open;
    ++period_;
    probes_begun_ = 0;
    probes_succeeded_ = 0;
    probes_since_ = now;
  }
  if (state_ == state::half_open) {
    if (probes_begun_ >= options_.probes) {
      probes_begun_ = 0;
      probes_since_ = now;
    }
    ++probes_begun_;
  }
  pass made;
  made.period_ = period_;
  return made;
}

bool circuit_breaker::record(pass const& attempt, bool success, time_point now) noexcept {
  if (!options_.enabled || attempt.period_ != period_)
    return false;
  if (state_ == state::closed) {
    count(success, now);
    if (!success && has_failed_enough())
      open(now);
    return false;
  }
  if (!success) {
    open(now);
    return false;
  }
  if (++probes_succeeded_ < options_.probes)
    return false;
  state_ = state::closed;
  ++period_;
  slots_.fill(counts());
  return true;
}

void circuit_breaker::open(time_point now) noexcept {
  state_ = state::open;
  ++period_;
  open_until_ = saturating_add(now, options_.open);
}

void circuit_breaker::count(bool success, time_point now) noexcept {
  auto const length = std::max<std::chrono::nanoseconds>(
      to_nanoseconds(options_.window) / static_cast<std::int64_t>(slots), std::chrono::milliseconds(1));
  auto const current = now.time_since_epoch() / length;
  for (auto passed = std::min<std::int64_t>(current - slot_, slots); passed > 0; --passed)
    slots_[static_cast<std::size_t>((current - passed + 1) % static_cast<std::int64_t>(slots))] = counts();
  slot_ = std::max(slot_, current);
  auto& slot = slots_[static_cast<std::size_t>(slot_ % static_cast<std::int64_t>(slots))];
  ++(success ? slot.succeeded : slot.failed);
}

bool circuit_breaker::has_failed_enough() const noexcept {
  counts all;
  for (auto const& slot : slots_) {
    all.succeeded += slot.succeeded;
    all.failed += slot.failed;
  }
  auto const attempts = all.succeeded + all.failed;
  return attempts >= options_.min_attempts && all.failed >= options_.failure_ratio * attempts;
}

} // namespace claudio
