#include "core/saturating_time.hpp"
#include "observe/metrics_registry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace claudio {
namespace {

using clock = std::chrono::steady_clock;
using recording = counter_epoch::recording;

std::size_t index_of(errc code) noexcept { return static_cast<std::size_t>(code); }

} // namespace

metrics::metrics(std::size_t most_series) : registry_(std::make_unique<registry>(most_series)) {}
metrics::~metrics() = default;

void metrics::note_event_loop_lag(std::chrono::nanoseconds lag) noexcept {
  recording const turn(registry_->epoch);
  registry_->lag.add(turn, lag.count());
}

void metrics::call_begun(observed_call const& call) noexcept {
  recording const turn(registry_->epoch);
  registry_->provider_of(call.endpoint).in_flight.add(turn);
}

void metrics::call_ended(call_event const& event) noexcept {
  auto const& info = *event.info;
  auto const failure = event.failure ? event.failure->code() : errc::none;
  auto const served_by = event.answer ? event.answer->model() : std::string_view();
  recording const turn(registry_->epoch);
  auto& operation = registry_->operation_of(*event.call, served_by, failure);
  auto& provider = registry_->provider_of(event.call->endpoint);
  provider.in_flight.add(turn, -1);
  if (info.replays > 0)
    provider.replays.add(turn, info.replays);
  operation.duration.add(turn, info.total.count());
  if (!event.answer)
    return;
  auto const used = event.answer->usage();
  auto const amount = [](std::uint64_t tokens) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(tokens, std::numeric_limits<std::int32_t>::max()));
  };
  auto& model = registry_->models.find({event.call->endpoint->provider, event.call->model});
  auto const uncached = amount(used.input_tokens);
  auto const read = amount(used.cache_read_input_tokens);
  auto const written = amount(used.cache_creation_input_tokens);
  auto const output = amount(used.output_tokens);
  // Tokens have no error's label, also those of a stream that failed half-way. Anthropic's input tokens are those
  // beside the cache; OpenTelemetry's are all.
  auto& tokens = event.failure ? registry_->operation_of(*event.call, served_by, errc::none) : operation;
  tokens.input.add(turn, uncached + read + written);
  tokens.output.add(turn, output);
  model.uncached.add(turn, uncached);
  model.cache_read.add(turn, read);
  model.cache_write.add(turn, written);
  model.output.add(turn, output);
  if (info.cost) {
    model.micro_dollars.add(turn, info.cost->picodollars() / 1'000'000);
    model.picodollars.add(turn, info.cost->picodollars() % 1'000'000);
  } else if (!event.failure) {
    model.without_price.add(turn);
  }
}

void metrics::attempt_ended(attempt_event const& event) noexcept {
  auto const& attempt = *event.attempt;
  auto const failure = attempt.failure ? attempt.failure->code() : errc::none;
  recording const turn(registry_->epoch);
  auto& provider = registry_->provider_of(event.call->endpoint);
  provider.outcomes[index_of(failure)].add(turn);
  if (attempt.retry_in)
    provider.retries[index_of(failure)].add(turn);
  if (attempt.suppressed)
    provider.suppressed.add(turn);
}

void metrics::stream_ended(stream_event const& event) noexcept {
  if (event.chunks == 0)
    return;
  recording const turn(registry_->epoch);
  auto& operation = registry_->operation_of(*event.call, event.served_by, errc::none);
  operation.first_chunk.add(turn, event.first_chunk->count());
  operation.output_chunk.add(turn, event.intervals.counts, event.intervals.sum.count());
}

void metrics::waited(wait_event const& event) noexcept {
  recording const turn(registry_->epoch);
  auto& provider = registry_->provider_of(event.endpoint);
  (event.reason == wait_reason::pacing ? provider.pacing_wait : provider.session_wait)
      .add(turn, event.duration.count());
}

void metrics::session_opened(session_event const& event) noexcept {
  recording const turn(registry_->epoch);
  registry_->provider_of(event.endpoint).opened[static_cast<std::size_t>(event.handshake)].add(turn);
}

void metrics::session_closed(session_event const& event) noexcept {
  recording const turn(registry_->epoch);
  registry_->provider_of(event.endpoint).closed[static_cast<std::size_t>(event.end)].add(turn);
}

void metrics::pool_changed(pool_event const& event) noexcept {
  auto const change = [](std::size_t before, std::size_t now) {
    return static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before);
  };
  recording const turn(registry_->epoch);
  auto& provider = registry_->provider_of(event.endpoint);
  // Changes, since several clients may have the same provider.
  if (auto const opened = change(event.before.open, event.now.open); opened != 0)
    provider.open.add(turn, opened);
  if (auto const idle = change(event.before.idle, event.now.idle); idle != 0)
    provider.idle.add(turn, idle);
  if (auto const waiting = change(event.before.waiting, event.now.waiting); waiting != 0)
    provider.waiting.add(turn, waiting);
}

void metrics::pacing_changed(pacing_event const& event) noexcept {
  number_text const key(event.key + 1);
  registry_->pacing.find({event.endpoint->provider, event.model, key}).put(event.limits);
  if (!event.used)
    return;
  auto const ratio = [](double reserved, std::uint64_t used) {
    return static_cast<std::int64_t>(
        std::llround(1000 * reserved / static_cast<double>(std::max<std::uint64_t>(used, 1))));
  };
  recording const turn(registry_->epoch);
  auto& provider = registry_->provider_of(event.endpoint);
  if (event.limits[1].per_minute > 0)
    provider.input_ratio.add(
        turn, ratio(event.reserved[1], event.used->input_tokens + event.used->cache_creation_input_tokens));
  if (event.limits[2].per_minute > 0)
    provider.output_ratio.add(turn, ratio(event.reserved[2], event.used->output_tokens));
}

void metrics::breaker_changed(breaker_event const& event) noexcept {
  recording const turn(registry_->epoch);
  auto& provider = registry_->provider_of(event.endpoint);
  bool const open = event.state == breaker_state::open;
  provider.breaker_open_until = open ? saturating_add(clock::now(), event.open_for).time_since_epoch().count() : 0;
  if (open)
    provider.openings.add(turn);
}

void metrics::key_changed(key_event const& event) noexcept {
  recording const turn(registry_->epoch);
  auto& provider = registry_->provider_of(event.endpoint);
  provider.set_aside.add(turn, event.failure ? 1 : -1);
  if (!event.gone)
    provider.key_changes.add(turn);
}

void metrics::fell_back(fallback_event const& event) noexcept {
  recording const turn(registry_->epoch);
  registry_->provider_of(event.endpoint).fallbacks[index_of(event.failure->code())].add(turn);
}

} // namespace claudio
