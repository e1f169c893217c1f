#pragma once

#include "core/saturating_time.hpp"

#include <algorithm>
#include <chrono>

namespace claudio {

/// The share of its limits that a client uses: rises to all of them after a cold start, and again after the server has
/// refused what they allow. The clock is passed in.
class ramp {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `duration` 0: all from the beginning.
  explicit ramp(std::chrono::nanoseconds duration) noexcept : duration_(duration) {}

  /// Something is sent. A pause makes the start a cold one again.
  void note_use(time_point now) noexcept {
    if (starts_cold(now))
      begin(coldest, duration_, now);
    used_ = true;
    last_use_ = now;
  }

  /// What is within the limits was refused: with half of it from now on. One refusal is heeded of those that answer to
  /// what was sent before it was noticed.
  void cut(time_point sent, time_point now) noexcept {
    if (sent <= last_cut_)
      return;
    last_cut_ = now;
    begin(std::max(share(now) / 2, least), std::max<std::chrono::nanoseconds>(duration_, recovery), now);
  }

  /// The endpoint takes calls again, after it did not for a while.
  void resume(time_point now) noexcept { begin(coldest, std::max<std::chrono::nanoseconds>(duration_, warm_up), now); }

  double share(time_point now) const noexcept {
    if (starts_cold(now))
      return coldest;
    if (now >= saturating_add(begun_, rise_))
      return 1;
    auto const passed = std::chrono::duration<double>(now - begun_) / std::chrono::duration<double>(rise_);
    return first_ + (1 - first_) * std::max(passed, 0.0);
  }

private:
  static constexpr double coldest = 0.1;
  static constexpr double least = 1.0 / 16;
  static constexpr std::chrono::seconds cold_after{60};
  static constexpr std::chrono::seconds recovery{60};
  static constexpr std::chrono::seconds warm_up{10};

  bool starts_cold(time_point now) const noexcept {
    return duration_.count() > 0 && (!used_ || now - last_use_ >= cold_after);
  }

  void begin(double share, std::chrono::nanoseconds rise, time_point now) noexcept {
    first_ = share;
    rise_ = rise;
    begun_ = now;
  }

  std::chrono::nanoseconds duration_;
  double first_ = 1;
  std::chrono::nanoseconds rise_{0};
  time_point begun_;
  time_point last_use_;
  time_point last_cut_;
  bool used_ = false;
};

} // namespace claudio
