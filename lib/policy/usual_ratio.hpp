#pragma once

#include <algorithm>
#include <cmath>

namespace claudio {

/// What most calls don't exceed: the mean of their ratios, weighted, and twice its deviation. Reserving too much costs
/// little, since what was not used is given back; too little is a 429.
class usual_ratio {
public:
  /// @param assumed before anything is known
  explicit usual_ratio(double assumed) noexcept : value_(assumed) {}

  void add(double amount, double weight) noexcept {
    weights_ = weights_ * memory + weight;
    sum_ = sum_ * memory + amount;
    squares_ = squares_ * memory + amount * amount / weight;
    auto const mean = sum_ / weights_;
    value_ = mean + 2 * std::sqrt(std::max(squares_ / weights_ - mean * mean, 0.0));
  }
  double value() const noexcept { return value_; }

private:
  static constexpr double memory = 0.998; // of an average for its past, call by call

  double weights_ = 0;
  double sum_ = 0;
  double squares_ = 0;
  double value_;
};

} // namespace claudio
