#include "core/request_size.hpp"
#include "core/saturating_time.hpp"
#include "policy/limiter_state.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace claudio {
namespace {

using std::chrono::nanoseconds;

// Beyond it models share their limits: the names come from the callers, and could be any number.
constexpr std::size_t most_models = 256;
// Of these turns in a row the batch lane gets one.
constexpr unsigned turns_in_a_row = 8;

} // namespace

limiter::limiter(limiter_options options)
    : options_(std::move(options)), keys_(options_.weights), breaker_(options_.breaker) {}

limiter::~limiter() = default;

limiter::paced_model& limiter::model_named(std::string_view name) {
  for (auto const& known : models_)
    if (known->name == name)
      return *known;
  if (models_.size() == most_models)
    return *models_.back();
  // The last one stands for all that come after it, and has nobody's name.
  bool const is_last = models_.size() + 1 == most_models;
  models_.push_back(std::make_unique<paced_model>(is_last ? std::string_view() : name, options_));
  return *models_.back();
}

limiter::demand limiter::measure(std::string_view serialized_request, call_lane lane,
                                 std::optional<std::size_t> text_bytes) {
  auto const size = measure_request(serialized_request, text_bytes);
  demand made;
  made.model = &model_named(size.model);
  made.bytes = static_cast<double>(size.bytes);
  made.max_tokens = size.max_tokens ? static_cast<double>(*size.max_tokens) : usual_answer;
  made.lane = lane;
  return made;
}

std::string_view limiter::model_of(demand const& wanted) noexcept { return wanted.model->name; }

// The key whose turn it is of those that need not wait, else how long the first of them has to.
limiter::choice limiter::choose(paced_model& model, demand const& wanted, time_point now) {
  choice made;
  auto const needed = model.estimate(wanted);
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    nanoseconds wait = keys_.time_to_trial(key, now);
    if (options_.pacing.enabled) {
      auto& limits = model.keys[key];
      auto const share = limits.share.share(now);
      wait = std::max(limits.blocked_until - now, wait);
      for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
        wait = std::max(wait, limits.kinds[kind].time_until(needed[kind], share, now));
    }
    if (wait.count() == 0 && (!made.key || keys_.before(key, *made.key)))
      made.key = key;
    made.wait = std::min(wait, made.wait);
  }
  return made;
}

limiter::ticket limiter::give(std::size_t key, demand const& wanted, time_point now) {
  if (free_.empty()) {
    attempts_.push_back(std::make_unique<ticket::attempt>());
    free_.push_back(attempts_.back().get());
  }
  auto& made = *free_.back();
  free_.pop_back();
  made = ticket::attempt();
  made.model = wanted.model;
  made.key = key;
  made.bytes = wanted.bytes;
  made.own_key = wanted.own_key;
  made.pass = breaker_.let_pass(now);
  if (!made.own_key) {
    auto& limits = wanted.model->keys[key];
    made.reserved = wanted.model->estimate(wanted);
    for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
      made.marks[kind] = limits.kinds[kind].reserve(made.reserved[kind], now);
    limits.share.note_use(now);
    made.on_trial = keys_.use(key);
  }
  ticket given;
  given.held_ = &made;
  given.key_ = key;
  return given;
}

error limiter::circuit_open(time_point now) const {
  auto const wait = std::chrono::ceil<std::chrono::milliseconds>(breaker_.time_to_probe(now));
  error_details details;
  details.message = "the endpoint failed too often just now; ";
  if (wait.count() > 0)
    details.message += "nothing is sent to it for another " + std::to_string(wait.count()) + " ms";
  else
    details.message += "it is being tried with a few calls";
  // Another call's: what its server said may quote its prompt.
  bool const is_ours = last_failure_.http_status() == 0;
  details.message += " (circuit_breaker). The last failure: ";
  details.message += is_ours ? last_failure_.to_string() : last_failure_.summary();
  details.param = "circuit_breaker";
  return error(errc::circuit_open, 0, std::move(details));
}

std::optional<error> limiter::refusal(demand const& wanted, time_point now) const {
  if (options_.breaker.enabled && !breaker_.would_let_pass(now))
    return circuit_open(now);
  if (!wanted.own_key && !keys_.any_usable(now))
    return keys_.none_usable(now);
  return std::nullopt;
}

result<std::optional<limiter::ticket>> limiter::try_admit(demand const& wanted, nanoseconds patience, time_point now) {
  if (auto const refused = refusal(wanted, now))
    return *refused;
  if (wanted.own_key)
    return std::optional(give(0, wanted, now));
  auto& model = *wanted.model;
  auto const chosen = choose(model, wanted, now);
  if (chosen.key && model.lanes[0].empty() && model.lanes[1].empty())
    return std::optional(give(*chosen.key, wanted, now));
  if (waiting_ >= options_.pacing.max_waiting) {
    error_details details;
    details.message = std::to_string(waiting_) + " calls wait for their turn under the rate limits already "
                                                 "(pacing.max_waiting)";
    details.param = "pacing.max_waiting";
    details.should_retry = false;
    return error(errc::rate_limited, 0, std::move(details));
  }
  auto const expected = std::max(expected_wait(wanted, now), chosen.wait);
  if (expected > patience) {
    auto const seconds = [](nanoseconds time) {
      return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
    };
    error_details details;
    details.message = "the call's turn under the rate limits would come in about " + seconds(expected) +
                      ", and it may wait for " + seconds(std::max(patience, nanoseconds(0)));
    details.param = "limits";
    details.should_retry = false;
    return error(errc::rate_limited, 0, std::move(details));
  }
  return std::optional<ticket>();
}

// By what all who come before it need, and what all keys together have and get.
nanoseconds limiter::expected_wait(demand const& wanted, time_point now) {
  auto& model = *wanted.model;
  auto needed = model.estimate(wanted);
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind) {
    needed[kind] += model.waiting_for[0][kind];
    if (wanted.lane == call_lane::batch)
      needed[kind] += model.waiting_for[1][kind];
  }
  nanoseconds wait(0);
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind) {
    double there = 0;
    double per_second = 0;
    bool kept = true;
    for (std::size_t key = 0; key < keys_.size(); ++key) {
      if (!keys_.usable(key, now))
        continue;
      auto& limit = model.keys[key].kinds[kind];
      kept = kept && limit.kept();
      there += kept ? limit.room(now) : 0;
      per_second += kept ? limit.per_second() : 0;
    }
    if (kept && needed[kind] > there && per_second > 0)
      wait = std::max(wait, std::chrono::ceil<nanoseconds>(
                                std::chrono::duration<double>(std::min((needed[kind] - there) / per_second, 1e6))));
  }
  // A key that is due to be tried again may come before.
  for (std::size_t key = 0; key < keys_.size(); ++key)
    if (auto const trial = keys_.time_to_trial(key, now); trial.count() > 0)
      wait = std::min(wait, trial);
  return wait;
}

void limiter::enqueue(waiter& waiting) {
  auto& model = *waiting.wanted.model;
  auto const lane = static_cast<std::size_t>(waiting.wanted.lane);
  model.lanes[lane].push_back(waiting);
  waiting.needed_ = model.estimate(waiting.wanted);
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
    model.waiting_for[lane][kind] += waiting.needed_[kind];
  ++waiting_;
}

void limiter::remove(waiter& waiting) noexcept {
  auto& model = *waiting.wanted.model;
  auto const lane = static_cast<std::size_t>(waiting.wanted.lane);
  waiting.unlink();
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
    model.waiting_for[lane][kind] -= waiting.needed_[kind];
  --waiting_;
}

limiter::waiter* limiter::next_waiter(paced_model& model) const noexcept {
  auto& interactive = model.lanes[0];
  auto& batch = model.lanes[1];
  if (batch.empty())
    return interactive.empty() ? nullptr : &interactive.front();
  if (interactive.empty() || model.turns + 1 >= turns_in_a_row)
    return &batch.front();
  return &interactive.front();
}

std::optional<limiter::time_point> limiter::serve(time_point now) {
  std::optional<time_point> again;
  if (waiting_ == 0)
    return again;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    auto& model = *models_[i];
    while (auto* const first = next_waiter(model)) {
      if (auto const refused = refusal(first->wanted, now)) {
        remove(*first);
        first->refused(*refused);
        continue;
      }
      auto const chosen = choose(model, first->wanted, now);
      if (!chosen.key) {
        again = std::min(saturating_add(now, chosen.wait), again.value_or(time_point::max()));
        break;
      }
      bool const was_batch = first->wanted.lane == call_lane::batch;
      model.turns = was_batch || model.lanes[1].empty() ? 0 : model.turns + 1;
      remove(*first);
      first->granted(give(*chosen.key, first->wanted, now));
    }
  }
  return again;
}

} // namespace claudio
