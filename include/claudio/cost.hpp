#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace claudio {

/// An amount of US dollars, exact. A picodollar is a millionth of a micro-dollar, so that a million tokens for a dollar
/// are a million picodollars each.
class cost {
public:
  cost() = default;
  static constexpr cost of_picodollars(std::int64_t picodollars) noexcept { return cost(picodollars); }

  constexpr std::int64_t picodollars() const noexcept { return picodollars_; }
  /// Rounded, half a micro-dollar up.
  constexpr std::int64_t micro_dollars() const noexcept {
    auto const whole = picodollars_ / 1'000'000;
    auto const rest = picodollars_ % 1'000'000;
    return whole + (rest >= 500'000 ? 1 : 0) - (rest < -500'000 ? 1 : 0);
  }

  /// Ends at ± 9.2 million dollars, the most that is told apart: a sum beyond stays there.
  cost& operator+=(cost other) noexcept;
  auto operator<=>(cost const&) const = default;

private:
  explicit constexpr cost(std::int64_t picodollars) noexcept : picodollars_(picodollars) {}

  std::int64_t picodollars_ = 0;
};

/// Dollars to the micro-dollar, with at least two decimals: "$12.50", "$0.001234", "-$0.10".
std::string to_string(cost amount);

} // namespace claudio
