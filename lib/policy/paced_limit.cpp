#include "policy/paced_limit.hpp"

#include <algorithm>

namespace claudio {
namespace {

constexpr double seconds_of_a_minute = 60;

std::optional<double> as_double(std::optional<std::uint64_t> number) {
  return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
}

// A second's refill less than the server's: what it can't take in while its bucket is full, and a call is on its way.
double capacity_of(double limit) { return std::max(limit - limit / seconds_of_a_minute, std::min(limit, 1.0)); }

// To what the server rounds (Anthropic API, rate limits: tokens to the next thousand).
double rounding_of(double limit) { return limit >= 10'000 ? 1000 : 1; }

} // namespace

paced_limit::paced_limit(bool at_the_end, std::optional<std::uint64_t> configured)
    : at_the_end_(at_the_end), configured_(as_double(configured)) {
  if (configured_)
    keep(capacity_of(*configured_), time_point());
}

double paced_limit::limit() const noexcept {
  if (configured_ && told_)
    return std::min(*configured_, *told_);
  return configured_ ? *configured_ : *told_;
}

void paced_limit::keep(double level, time_point now) noexcept {
  kept_ = true;
  per_second_ = limit() / seconds_of_a_minute;
  bucket_ = token_bucket(capacity_of(limit()) * share_, per_second_ * share_, 0, now);
  bucket_.set_level(level);
}

void paced_limit::set_rate(double per_second) noexcept {
  per_second_ = per_second;
  bucket_.resize(capacity_of(limit()) * share_, per_second_ * share_);
}

std::chrono::nanoseconds paced_limit::time_until(double amount, double share, time_point now) noexcept {
  if (!kept_)
    return std::chrono::nanoseconds(0);
  if (share != share_) {
    share_ = share;
    set_rate(per_second_);
  }
  return bucket_.time_until(std::min(amount, bucket_.capacity()) + reserved_, now);
}

paced_limit::mark paced_limit::reserve(double amount, time_point now) noexcept {
  reserved_ += amount;
  outstanding_ += amount;
  taken_ += amount;
  mark made;
  made.when = now;
  made.kept = kept_;
  made.room = kept_ ? room(now) : 0;
  made.outstanding = outstanding_;
  made.raised = raised_;
  made.taken = taken_;
  return made;
}

void paced_limit::send(double reserved, time_point now) noexcept {
  reserved_ -= reserved;
  spend(reserved, now);
}

void paced_limit::give_back(double reserved) noexcept {
  reserved_ -= reserved;
  outstanding_ -= reserved;
  taken_ -= reserved;
}

void paced_limit::settle(double reserved, double used, time_point now) noexcept {
  outstanding_ -= reserved;
  taken_ += used - reserved;
  spend(used - reserved, now);
}

void paced_limit::spend(double amount, time_point now) noexcept {
  if (!kept_)
    return;
  bucket_.level(now);
  bucket_.add(-amount);
  raised_ += std::max(-amount, 0.0);
}

void paced_limit::correct(double difference) noexcept {
  bucket_.add(difference);
  raised_ += difference;
}

void paced_limit::observe(server_limit const& told, mark const& then, bool refused, bool may_rise,
                          time_point now) noexcept {
  bool const is_new = told_ != told.limit;
  bool const was_kept = kept_;
  told_ = told.limit;
  if (!kept_) {
    if (!wanted_)
      return;
    // What the server can't have counted yet when it said so.
    auto const uncounted = (at_the_end_ ? outstanding_ : std::max(taken_ - then.taken, 0.0)) - reserved_;
    keep(told.remaining - uncounted, now);
  }
  bucket_.level(now);
  if (is_new)
    set_rate(limit() / seconds_of_a_minute);
  if (!was_kept)
    return;

  auto const room_now = room(now);
  auto const rounding = rounding_of(told.limit);
  // What came in meanwhile: the room was never smaller than without it, and never larger than with it.
  auto const refilled = bucket_.per_second() * std::chrono::duration<double>(now - then.when).count();
  auto const came_in = refilled + raised_ - then.raised;
  auto const least = room_now - std::max(came_in, 0.0) - rounding;
  auto const held_back = limit() - capacity_of(limit());
  auto const most = then.room + then.outstanding + came_in + held_back + rounding;
  if (refused)
    correct(std::min(told.remaining - rounding - room_now, 0.0));
  else if (then.kept && told.remaining < least)
    correct(told.remaining - least);
  else if (then.kept && told.remaining > most && may_rise && limit() == told.limit)
    correct(told.remaining - most);
}

bool paced_limit::heeds_reset(server_limit const& told) const noexcept {
  return kept_ && told.remaining * 2 <= told.limit && limit() == told.limit;
}

void paced_limit::heed_reset(server_limit const& told, std::chrono::seconds time_to_reset, time_point now) noexcept {
  auto const usual = (1 - told.remaining / told.limit) * seconds_of_a_minute;
  auto const said = static_cast<double>(time_to_reset.count());
  bool const slower = said > usual * 1.25 + 2;
  auto const per_second = limit() / seconds_of_a_minute * (slower ? std::max(usual / said, 0.1) : 1);
  if (per_second == per_second_)
    return;
  bucket_.level(now);
  set_rate(per_second);
}

} // namespace claudio
