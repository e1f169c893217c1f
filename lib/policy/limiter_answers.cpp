#include "core/error_kinds.hpp"
#include "policy/limiter_state.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

// What becomes of an attempt that was let through: what its answer tells of limits, keys and endpoint, and what it has
// used at its end.

namespace claudio {
namespace {

using std::chrono::nanoseconds;

// Of so many answers one is looked at for limits while none is kept: reading them costs as much as all the rest here.
constexpr unsigned looked_at = 4;
// Of what one refusal tells, for all.
constexpr std::chrono::seconds longest_block{60};

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
