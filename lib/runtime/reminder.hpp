#pragma once

#include <chrono>

namespace claudio::detail {

/// When a condition that lasts is logged again, so that it does not go on in silence, nor fill the log.
class reminder {
public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes period{10};

  /// `is_new`: the condition has begun, or is another one.
  bool is_due(bool is_new, clock::time_point now) {
    if (!is_new && now < logged_ + period)
      return false;
    logged_ = now;
    return true;
  }

private:
  clock::time_point logged_;
};

} // namespace claudio::detail
