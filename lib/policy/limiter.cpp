#include "policy/limiter.hpp"

#include "core/error_kinds.hpp"
#include "core/request_size.hpp"
#include "core/saturating_time.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace claudio {
namespace {

using std::chrono::nanoseconds;

// Beyond it models share their limits: the names come from the callers, and could be any number.
constexpr std::size_t most_models = 256;
// Of so many answers one is looked at for limits while none is kept: reading them costs as much as all the rest here.
constexpr unsigned looked_at = 4;
// Of what one refusal tells, for all.
constexpr std::chrono::seconds longest_block{60};
// Of these turns in a row the batch lane gets one.
constexpr unsigned turns_in_a_row = 8;

constexpr double usual_tokens_per_byte = 0.25;
constexpr double usual_answer = 512; // tokens
constexpr double memory = 0.998;     // of an average for its past, call by call

// What most calls don't exceed: the mean of their ratios, weighted, and twice its deviation. Reserving too much costs
// little, since what was not used is given back; too little is a 429.
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
  double weights_ = 0;
  double sum_ = 0;
  double squares_ = 0;
  double value_;
};

// One key's limits for one model.
class key_limits {
public:
  key_limits(rate_limits const& configured, pacing_options const& pacing)
      : kinds{paced_limit(false, configured.rpm), paced_limit(false, configured.itpm),
              paced_limit(true, configured.otpm)},
        share(to_nanoseconds(pacing.ramp)) {}

  std::array<paced_limit, rate_limit_kinds> kinds;
  ramp share;
  unsigned answers = 0; // while no limit was kept
  limiter::time_point blocked_since;
  limiter::time_point blocked_until;
};

} // namespace

class limiter::paced_model {
public:
  paced_model(std::string_view given, limiter_options const& options) : name(given) {
    for (auto const& configured : options.limits)
      keys.emplace_back(configured, options.pacing);
  }

  std::array<double, rate_limit_kinds> estimate(demand const& wanted) const noexcept {
    return {1, wanted.bytes * tokens_per_byte.value(), std::min(answer.value(), wanted.max_tokens)};
  }

  std::string const name;
  std::vector<key_limits> keys;
  usual_ratio tokens_per_byte{usual_tokens_per_byte};
  usual_ratio answer{usual_answer};
  std::array<std::list<waiter*>, 2> lanes;                           // by call_lane
  std::array<std::array<double, rate_limit_kinds>, 2> waiting_for{}; // what they need, in all
  unsigned turns = 0; // of the interactive lane, while the other one waited
};

struct limiter::ticket::attempt {
  paced_model* model = nullptr;
  std::size_t key = 0;
  double bytes = 0;
  amounts reserved{};
  std::array<paced_limit::mark, rate_limit_kinds> marks;
  circuit_breaker::pass pass;
  std::optional<time_point> sent_at;
  bool on_trial = false; // tries a key again
  bool own_key = false;
  bool settled = false;
};

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
  waiting.position_ = model.lanes[lane].insert(model.lanes[lane].end(), &waiting);
  waiting.needed_ = model.estimate(waiting.wanted);
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
    model.waiting_for[lane][kind] += waiting.needed_[kind];
  ++waiting_;
}

void limiter::remove(waiter& waiting) noexcept {
  auto& model = *waiting.wanted.model;
  auto const lane = static_cast<std::size_t>(waiting.wanted.lane);
  model.lanes[lane].erase(waiting.position_);
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
    model.waiting_for[lane][kind] -= waiting.needed_[kind];
  --waiting_;
}

limiter::waiter* limiter::next_waiter(paced_model& model) const noexcept {
  auto const& interactive = model.lanes[0];
  auto const& batch = model.lanes[1];
  if (batch.empty())
    return interactive.empty() ? nullptr : interactive.front();
  if (interactive.empty() || model.turns + 1 >= turns_in_a_row)
    return batch.front();
  return interactive.front();
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

namespace {

// What speaks for the endpoint being down, or overloaded; not what the caller or a limit did.
bool counts_against_endpoint(error const& failure) noexcept {
  // Of a time limit, that of a phase: the whole may be as short as the caller likes.
  if (failure.code() == errc::timeout && failure.param() == "timeout_ms.total")
    return false;
  return kind_of(failure.code()).has(error_kind::endpoint_at_fault);
}

// Else an absurd answer would stop a model for good.
bool is_plausible(message_usage const& usage) noexcept {
  constexpr std::uint64_t most = 100'000'000;
  return usage.input_tokens < most && usage.cache_creation_input_tokens < most && usage.output_tokens < most;
}

bool explains_refusal(rate_limit_headers const& told, std::array<double, rate_limit_kinds> const& needed) noexcept {
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
    if (auto const limit = told.find(static_cast<rate_limit_kind>(kind)))
      if (limit->remaining < std::max(needed[kind], 1.0) || limit->remaining < limit->limit / 100)
        return true;
  return false;
}

} // namespace

limiter::changes limiter::note_answer(ticket const& given, rate_limit_headers const& told, error const* failure,
                                      time_point now) {
  changes made;
  auto& answered = *given.held_;
  if (!answered.own_key) {
    if (options_.pacing.enabled)
      observe(answered, told, failure, now);
    note_key(answered, failure, made, now);
  }
  note_endpoint(answered, failure, made, now);
  return made;
}

void limiter::observe(ticket::attempt& answered, rate_limit_headers const& told, error const* failure, time_point now) {
  auto& limits = answered.model->keys[answered.key];
  bool const refused = failure && failure->http_status() == 429 && !is_spend_limit(*failure);
  if (refused)
    settle(answered, amounts(), now); // before its place is compared with what is left
  bool const may_rise = limits.share.share(now) == 1;
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind) {
    auto const which = static_cast<rate_limit_kind>(kind);
    auto const limit = told.find(which);
    if (!limit)
      continue;
    auto& kept = limits.kinds[kind];
    if (refused || options_.pacing.ramp.count() > 0 || limit->remaining * 2 < limit->limit)
      kept.keep_from_now_on();
    kept.observe(*limit, answered.marks[kind], refused, may_rise, now);
    if (kept.heeds_reset(*limit))
      if (auto const time = told.time_to_reset(which))
        kept.heed_reset(*limit, *time, now);
  }
  if (refused && !explains_refusal(told, answered.reserved)) {
    limits.share.cut(answered.sent_at.value_or(now), now);
    auto const pause = std::min<nanoseconds>(
        to_nanoseconds(failure->retry_after().value_or(std::chrono::milliseconds(0))), longest_block);
    limits.blocked_since = now;
    limits.blocked_until = std::max(limits.blocked_until, now + pause);
  } else if (!failure && answered.sent_at && *answered.sent_at > limits.blocked_since) {
    limits.blocked_until = time_point();
  }
}

void limiter::note_key(ticket::attempt& answered, error const* failure, changes& made, time_point now) {
  bool const on_trial = std::exchange(answered.on_trial, false);
  if (failure && key_ring::is_at_fault(*failure))
    made.key_set_aside = keys_.set_aside(answered.key, *failure, on_trial, now);
  else if (on_trial && (!failure || (failure->http_status() >= 400 && failure->http_status() < 500)))
    made.key_restored = keys_.restore(answered.key);
  else if (on_trial)
    keys_.abandon_trial(answered.key, now);
}

void limiter::note_endpoint(ticket::attempt const& answered, error const* failure, changes& made, time_point now) {
  bool const failed = failure && counts_against_endpoint(*failure);
  // Without an answer, and for a reason of ours, it says nothing of the endpoint.
  if (failure && !failed && failure->http_status() == 0)
    return;
  if (failed)
    last_failure_ = *failure;
  bool const was_open = breaker_.now_in(now) == circuit_breaker::state::open;
  made.circuit_closed = breaker_.record(answered.pass, !failed, now);
  made.circuit_opened = !was_open && breaker_.now_in(now) == circuit_breaker::state::open;
  if (made.circuit_closed)
    for (auto& model : models_)
      for (auto& key : model->keys)
        key.share.resume(now);
}

bool limiter::heeds_limits(ticket const& given, error const* failure) noexcept {
  if (!options_.pacing.enabled || given.held_->own_key)
    return false;
  auto& limits = given.held_->model->keys[given.key_];
  return failure || options_.pacing.ramp.count() > 0 || limits.kinds[0].kept() || limits.kinds[1].kept() ||
         limits.kinds[2].kept() || limits.answers++ % looked_at == 0;
}

bool limiter::has_other_key(ticket const& given, error const& failure, time_point now) const noexcept {
  return keys_.size() > 1 && !given.held_->own_key && key_ring::is_at_fault(failure) && keys_.any_usable(now);
}

std::optional<limiter::reservation> limiter::reservation_of(ticket const& given) const noexcept {
  if (!given.open())
    return std::nullopt;
  auto const& held = *given.held_;
  auto const& kinds = held.model->keys[held.key].kinds;
  bool const kept = std::any_of(kinds.begin(), kinds.end(), [](auto const& limit) { return limit.kept(); });
  if (held.own_key || !options_.pacing.enabled || !kept)
    return std::nullopt;
  reservation made;
  made.model = held.model->name;
  made.limits = held.model;
  made.key = held.key;
  made.amounts = held.reserved;
  return made;
}

std::array<limit_level, rate_limit_kinds> limiter::levels_of(reservation const& held, time_point now) noexcept {
  std::array<limit_level, rate_limit_kinds> levels;
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind) {
    auto& limit = held.limits->keys[held.key].kinds[kind];
    if (!limit.kept())
      continue;
    levels[kind].per_minute = limit.per_minute();
    levels[kind].left = std::max(limit.room(now), 0.0);
  }
  return levels;
}

void limiter::note_sent(ticket const& given, time_point now) {
  auto& sent = *given.held_;
  sent.sent_at = now;
  if (sent.own_key)
    return;
  auto& kinds = sent.model->keys[sent.key].kinds;
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
    kinds[kind].send(sent.reserved[kind], now);
}

void limiter::settle(ticket::attempt& ended, amounts const& used, time_point now) {
  if (ended.own_key || std::exchange(ended.settled, true))
    return;
  auto& kinds = ended.model->keys[ended.key].kinds;
  for (std::size_t kind = 0; kind < rate_limit_kinds; ++kind)
    if (ended.sent_at)
      kinds[kind].settle(ended.reserved[kind], used[kind], now);
    else
      kinds[kind].give_back(ended.reserved[kind]);
}

void limiter::forget(ticket& given, time_point now) {
  if (given.held_->on_trial)
    keys_.abandon_trial(given.key_, now);
  free_.push_back(std::exchange(given.held_, nullptr));
}

void limiter::end(ticket& given, std::optional<message_usage> const& usage, time_point now) {
  if (!given.open())
    return;
  auto& ended = *given.held_;
  amounts used = ended.reserved;
  if (usage && is_plausible(*usage)) {
    // What is read from the cache is not counted (Anthropic API, rate limits).
    used[1] = static_cast<double>(usage->input_tokens + usage->cache_creation_input_tokens);
    used[2] = static_cast<double>(usage->output_tokens);
    ended.model->tokens_per_byte.add(used[1], std::max(ended.bytes, 1.0));
    ended.model->answer.add(used[2], 1);
  }
  settle(ended, used, now);
  forget(given, now);
}

void limiter::end_uncounted(ticket& given, time_point now) {
  if (!given.open())
    return;
  settle(*given.held_, amounts(), now);
  forget(given, now);
}

} // namespace claudio
