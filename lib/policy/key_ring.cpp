#include "policy/key_ring.hpp"

#include "core/error_kinds.hpp"

#include <algorithm>
#include <string>

namespace claudio {
namespace {

constexpr std::chrono::seconds first_pause{60};
constexpr std::chrono::seconds longest_pause{600};

} // namespace

key_ring::key_ring(std::vector<unsigned> const& weights) {
  for (auto const weight : weights) {
    entry made;
    made.weight = weight;
    keys_.push_back(std::move(made));
  }
}

bool key_ring::usable(std::size_t key, time_point now) const noexcept {
  auto const& one = keys_[key];
  return !one.fault || (!one.on_trial && now >= one.try_again);
}

std::chrono::nanoseconds key_ring::time_to_trial(std::size_t key, time_point now) const noexcept {
  auto const& one = keys_[key];
  if (!one.fault)
    return std::chrono::nanoseconds(0);
  return one.on_trial ? one.pause
                      : std::max<std::chrono::nanoseconds>(one.try_again - now, std::chrono::nanoseconds(0));
}

void key_ring::abandon_trial(std::size_t key, time_point now) noexcept {
  keys_[key].on_trial = false;
  keys_[key].try_again = now + keys_[key].pause;
}

bool key_ring::any_usable(time_point now) const noexcept {
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (usable(i, now))
      return true;
  return false;
}

bool key_ring::before(std::size_t first, std::size_t second) const noexcept {
  auto const& a = keys_[first];
  auto const& b = keys_[second];
  if (a.fault.has_value() != b.fault.has_value())
    return a.fault.has_value();
  return a.used < b.used;
}

bool key_ring::use(std::size_t key) noexcept {
  auto& one = keys_[key];
  one.used += 1 / one.weight;
  if (!one.fault)
    return false;
  one.on_trial = true;
  return true;
}

bool key_ring::is_at_fault(error const& failure) noexcept {
  return failure.http_status() == 401 || failure.http_status() == 402 || failure.code() == errc::billing ||
         is_spend_limit(failure);
}

bool key_ring::set_aside(std::size_t key, error const& reason, bool on_trial, time_point now) {
  auto& one = keys_[key];
  if (keys_.size() == 1 || (one.fault && !on_trial))
    return false; // the late answers to what was sent before
  bool const was_usable = !one.fault;
  one.fault = reason;
  one.on_trial = false;
  one.pause = was_usable ? first_pause : std::min(one.pause * 2, longest_pause);
  one.try_again = now + one.pause;
  return was_usable;
}

bool key_ring::restore(std::size_t key) noexcept {
  auto& one = keys_[key];
  if (!one.fault)
    return false;
  one.fault.reset();
  one.on_trial = false;
  // It does not make up for what the others did meanwhile.
  for (auto const& other : keys_)
    one.used = std::max(one.used, &other != &one && !other.fault ? other.used : 0);
  return true;
}

error key_ring::none_usable(time_point now) const {
  auto const next = std::min_element(keys_.begin(), keys_.end(),
                                     [](entry const& a, entry const& b) { return a.try_again < b.try_again; });
  auto const& reason = *next->fault;
  auto const seconds =
      std::chrono::ceil<std::chrono::seconds>(std::max(next->try_again - now, time_point::duration(0)));
  error_details details;
  details.type = reason.type();
  details.error_code = reason.error_code();
  details.request_id = reason.request_id();
  details.should_retry = false;
  details.param = "api_keys";
  // Not what the server said: it was another call's, and may quote its prompt.
  details.message = "all " + std::to_string(keys_.size()) + " API keys are set aside (api_keys), since the server " +
                    "refused them; key " + std::to_string(next - keys_.begin() + 1) + " is tried again in " +
                    std::to_string(seconds.count()) + " s";
  return error(reason.code(), reason.http_status(), std::move(details));
}

} // namespace claudio
