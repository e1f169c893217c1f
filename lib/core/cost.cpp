#include <claudio/cost.hpp>

#include <cstdlib>
#include <limits>

namespace claudio {

cost& cost::operator+=(cost other) noexcept {
  using limits = std::numeric_limits<std::int64_t>;
  if (__builtin_add_overflow(picodollars_, other.picodollars_, &picodollars_))
    picodollars_ = other.picodollars_ > 0 ? limits::max() : limits::min();
  return *this;
}

std::string to_string(cost amount) {
  auto const micro_dollars = amount.micro_dollars();
  auto const fraction = std::to_string(1'000'000 + std::abs(micro_dollars % 1'000'000));
  std::string text = micro_dollars < 0 ? "-$" : "$";
  text.append(std::to_string(std::abs(micro_dollars / 1'000'000))).append(".").append(fraction, 1);
  constexpr std::size_t dropped_at_most = 4;
  for (std::size_t i = 0; i < dropped_at_most && text.back() == '0'; ++i)
    text.pop_back();
  return text;
}

} // namespace claudio
