#pragma once

#include <algorithm>
#include <chrono>

namespace claudio {

/// A token bucket that is refilled continuously. Its level may go below zero: what was used beyond it has to be
/// refilled first. The clock is passed in, and never goes back.
class token_bucket {
public:
  using time_point = std::chrono::steady_clock::time_point;

  token_bucket() = default;
  token_bucket(double capacity, double per_second, double level, time_point now) noexcept
      : capacity_(capacity), per_second_(per_second), level_(level), now_(now) {}

  double level(time_point now) noexcept {
    if (now > now_) {
      add(per_second_ * std::chrono::duration<double>(now - now_).count());
      now_ = now;
    }
    return level_;
  }

  /// Puts into the bucket, or takes out of it.
  void add(double amount) noexcept { level_ = std::min(level_ + amount, capacity_); }
  void set_level(double level) noexcept { level_ = std::min(level, capacity_); }

  void resize(double capacity, double per_second) noexcept {
    capacity_ = capacity;
    per_second_ = per_second;
    level_ = std::min(level_, capacity_);
  }

  /// How long until `amount` is there, or would be if the bucket could hold it; 0: it is now.
  std::chrono::nanoseconds time_until(double amount, time_point now) noexcept {
    // As much as rounding may lose.
    auto const missing = amount - level(now) - 1e-6;
    if (missing <= 0)
      return std::chrono::nanoseconds(0);
    constexpr double longest = 24 * 3600;
    return std::chrono::ceil<std::chrono::nanoseconds>(
        std::chrono::duration<double>(std::min((missing + 1e-6) / per_second_, longest)));
  }

  double capacity() const noexcept { return capacity_; }
  double per_second() const noexcept { return per_second_; }

private:
  double capacity_ = 0;
  double per_second_ = 0;
  double level_ = 0;
  time_point now_;
};

} // namespace claudio
