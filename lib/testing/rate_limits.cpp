#include "testing/rate_limits.hpp"

#include <algorithm>

namespace claudio::testing {

namespace {

using std::chrono::microseconds;

constexpr std::array<std::string_view, 3> names{"requests", "input-tokens", "output-tokens"};
constexpr std::size_t requests = 0;
constexpr std::size_t output = 2;

constexpr std::int64_t shares_of_one = 60'000'000; // the microseconds of a minute
constexpr std::uint64_t largest = 10'000'000'000;  // whose shares, twice over, are far from an overflow
constexpr std::int64_t rounded_from = 10'000;

std::optional<std::int64_t> checked(std::optional<std::uint64_t> limit) {
  if (!limit)
    return std::nullopt;
  return static_cast<std::int64_t>(std::clamp<std::uint64_t>(*limit, 1, largest));
}

std::int64_t shares(std::uint64_t count) { return static_cast<std::int64_t>(std::min(count, largest)) * shares_of_one; }

// Until so many shares have been refilled.
microseconds time_of(std::int64_t count, std::int64_t limit) {
  return microseconds(count / limit + (count % limit > 0 ? 1 : 0));
}

std::uint64_t remaining_of(std::size_t kind, std::int64_t level, std::int64_t limit) {
  std::int64_t const unit = kind != requests && limit >= rounded_from ? 1000 : 1;
  std::int64_t const half = unit / 2 * shares_of_one;
  std::int64_t const whole = (std::max<std::int64_t>(level, 0) + half) / (unit * shares_of_one) * unit;
  return static_cast<std::uint64_t>(std::min(whole, limit));
}

} // namespace

std::chrono::seconds enforced_limits::verdict::retry_after() const noexcept {
  return std::max(std::chrono::ceil<std::chrono::seconds>(wait), std::chrono::seconds(1));
}

enforced_limits::enforced_limits(rate_limits const& options, std::size_t pairs)
    : limits_{checked(options.rpm), checked(options.itpm), checked(options.otpm)}, pairs_(pairs) {}

enforced_limits::verdict enforced_limits::admit(std::string_view key, std::string_view model,
                                                std::uint64_t input_tokens, std::uint64_t output_tokens,
                                                std::chrono::steady_clock::time_point now) {
  auto& pair = find(key, model, std::chrono::floor<microseconds>(now));
  std::array<std::int64_t, 3> const taken{shares(1), shares(input_tokens), shares(output_tokens)};
  verdict made;
  for (std::size_t kind = 0; kind < names.size(); ++kind) {
    if (!limits_[kind])
      continue;
    std::int64_t const capacity = *limits_[kind] * shares_of_one;
    std::int64_t const needed = kind == output ? 1 : std::min(taken[kind], capacity);
    auto const wait = time_of(std::max<std::int64_t>(needed - (capacity - pair.missing[kind]), 0), *limits_[kind]);
    if (wait > made.wait) {
      made.wait = wait;
      made.refused_by = names[kind];
    }
  }
  for (std::size_t kind = 0; kind < names.size(); ++kind) {
    if (!limits_[kind])
      continue;
    if (made.admitted())
      pair.missing[kind] += taken[kind];
    state& now_is = made.states.emplace_back();
    now_is.name = names[kind];
    now_is.limit = static_cast<std::uint64_t>(*limits_[kind]);
    now_is.remaining = remaining_of(kind, *limits_[kind] * shares_of_one - pair.missing[kind], *limits_[kind]);
    now_is.until_full = time_of(pair.missing[kind], *limits_[kind]);
  }
  return made;
}

bool enforced_limits::any() const noexcept {
  return std::any_of(limits_.begin(), limits_.end(), [](auto const& limit) { return limit.has_value(); });
}

void enforced_limits::refill(pair_buckets& pair, time_point now) const {
  auto const elapsed = now - pair.refilled;
  for (std::size_t kind = 0; kind < names.size(); ++kind)
    if (auto& missing = pair.missing[kind]; missing > 0) // of a limited kind
      missing = elapsed >= time_of(missing, *limits_[kind]) ? 0 : missing - elapsed.count() * *limits_[kind];
  pair.refilled = now;
}

microseconds enforced_limits::until_full(pair_buckets const& pair) const {
  microseconds longest{0};
  for (std::size_t kind = 0; kind < names.size(); ++kind)
    if (limits_[kind])
      longest = std::max(longest, time_of(pair.missing[kind], *limits_[kind]));
  return longest;
}

enforced_limits::pair_buckets& enforced_limits::find(std::string_view key, std::string_view model, time_point now) {
  std::string name(key);
  name.append("\n").append(model); // a header's value has no line break
  if (buckets_.size() >= pairs_ && !buckets_.contains(name))
    forget(now);
  auto const [found, added] = buckets_.try_emplace(std::move(name));
  if (added)
    found->second.refilled = now;
  refill(found->second, now);
  return found->second;
}

void enforced_limits::forget(time_point now) {
  auto const full_at = [&](pair_buckets const& pair) { return pair.refilled + until_full(pair); };
  std::erase_if(buckets_, [&](auto const& entry) { return full_at(entry.second) <= now; });
  if (buckets_.size() < pairs_)
    return;
  auto const first = std::min_element(buckets_.begin(), buckets_.end(), [&](auto const& left, auto const& right) {
    return full_at(left.second) < full_at(right.second);
  });
  if (first != buckets_.end())
    buckets_.erase(first);
}

} // namespace claudio::testing
