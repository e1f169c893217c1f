#include "core/error_kinds.hpp"
#include "core/saturating_time.hpp"
#include "observe/counters.hpp"
#include "observe/exposition.hpp"
#include "observe/series_table.hpp"

#include <claudio/metrics.hpp>
#include <claudio/version.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace claudio {
namespace {

using clock = std::chrono::steady_clock;
using recording = counter_epoch::recording;

constexpr auto& durations = duration_counts::bounds; // OpenTelemetry, semantic conventions for GenAI metrics
constexpr std::array<std::int64_t, 14> token_bounds{
    1, 4, 16, 64, 256, 1024, 4096, 16'384, 65'536, 262'144, 1'048'576, 4'194'304, 16'777'216, 67'108'864};
// In thousandths.
constexpr std::array<std::int64_t, 9> ratio_bounds{250, 500, 750, 900, 1000, 1250, 2000, 4000, 10'000};
constexpr std::array<std::int64_t, 9> lag_bounds{100'000,    1'000'000,   5'000'000,   10'000'000,   25'000'000,
                                                 50'000'000, 100'000'000, 500'000'000, 2'000'000'000};
constexpr unsigned nanoseconds_in_second = 9; // as a power of ten
constexpr unsigned thousandths = 3;

constexpr auto session_ends = static_cast<std::size_t>(session_end::shut_down) + 1;

constexpr std::array<std::string_view, 3> limit_names{"requests", "input_tokens", "output_tokens"};

using duration_histogram = histogram<durations.size()>;
using token_histogram = histogram<token_bounds.size()>;
using ratio_histogram = histogram<ratio_bounds.size()>;

// Copied while nothing is added.
template <std::size_t Count>
std::array<std::int64_t, Count> take(std::array<counter, Count>& counters, std::size_t behind) {
  std::array<std::int64_t, Count> taken{};
  for (std::size_t i = 0; i < Count; ++i)
    taken[i] = counters[i].take(behind);
  return taken;
}

// By server, models and error: OpenTelemetry's.
class operation_series {
public:
  class copy {
  public:
    histogram_counts<durations.size()> duration, first_chunk, output_chunk;
    histogram_counts<token_bounds.size()> input, output;
  };
  copy take(std::size_t behind) {
    copy taken;
    taken.duration = duration.take(behind);
    taken.first_chunk = first_chunk.take(behind);
    taken.output_chunk = output_chunk.take(behind);
    taken.input = input.take(behind);
    taken.output = output.take(behind);
    return taken;
  }

  duration_histogram duration{durations};
  duration_histogram first_chunk{durations};
  duration_histogram output_chunk{durations};
  token_histogram input{token_bounds};
  token_histogram output{token_bounds};
};

// By provider and model.
class model_series {
public:
  class copy {
  public:
    std::int64_t uncached, cache_read, cache_write, output, micro_dollars, picodollars, without_price;
  };
  copy take(std::size_t behind) {
    return {uncached.take(behind),      cache_read.take(behind),  cache_write.take(behind),  output.take(behind),
            micro_dollars.take(behind), picodollars.take(behind), without_price.take(behind)};
  }

  counter uncached, cache_read, cache_write, output;
  counter micro_dollars;
  counter picodollars; // what is left beside them, so that nothing is rounded away and nothing overflows
  counter without_price;
};

// By provider.
class provider_series {
public:
  class copy {
  public:
    std::int64_t in_flight, open, idle, waiting, suppressed, replays, openings, set_aside, key_changes;
    std::array<std::int64_t, 3> opened;
    std::array<std::int64_t, session_ends> closed;
    std::array<std::int64_t, error_kind_count> outcomes, retries, fallbacks;
    histogram_counts<durations.size()> session_wait, pacing_wait;
    histogram_counts<ratio_bounds.size()> input_ratio, output_ratio;
  };
  copy take(std::size_t behind) {
    copy taken;
    taken.in_flight = in_flight.take(behind);
    taken.open = open.take(behind);
    taken.idle = idle.take(behind);
    taken.waiting = waiting.take(behind);
    taken.suppressed = suppressed.take(behind);
    taken.replays = replays.take(behind);
    taken.openings = openings.take(behind);
    taken.set_aside = set_aside.take(behind);
    taken.key_changes = key_changes.take(behind);
    taken.opened = claudio::take(opened, behind);
    taken.closed = claudio::take(closed, behind);
    taken.outcomes = claudio::take(outcomes, behind);
    taken.retries = claudio::take(retries, behind);
    taken.fallbacks = claudio::take(fallbacks, behind);
    taken.session_wait = session_wait.take(behind);
    taken.pacing_wait = pacing_wait.take(behind);
    taken.input_ratio = input_ratio.take(behind);
    taken.output_ratio = output_ratio.take(behind);
    return taken;
  }

  breaker_state breaker() const noexcept {
    auto const until = breaker_open_until.load(std::memory_order_relaxed);
    if (until == 0)
      return breaker_state::closed;
    return clock::now().time_since_epoch().count() < until ? breaker_state::open : breaker_state::half_open;
  }

  counter in_flight, open, idle, waiting;
  counter suppressed, replays, openings, set_aside, key_changes;
  std::array<counter, 3> opened;            // by handshake
  std::array<counter, session_ends> closed; // by reason
  std::array<counter, error_kind_count> outcomes, retries, fallbacks;
  duration_histogram session_wait{durations};
  duration_histogram pacing_wait{durations};
  ratio_histogram input_ratio{ratio_bounds};
  ratio_histogram output_ratio{ratio_bounds};
  std::atomic<std::int64_t> breaker_open_until{0}; // 0: it is closed
};

// By provider, model and key. The last word counts: a writer that finds another at it lets that one have it.
class pacing_series {
public:
  class copy {
  public:
    std::array<limit_level, 3> limits;
    clock::time_point as_of;

    // What was left then, and what has been refilled since.
    double left_now(std::size_t kind, clock::time_point now) const noexcept {
      auto const& limit = limits[kind];
      auto const refilled = limit.per_minute / 60 * std::chrono::duration<double>(now - as_of).count();
      return std::min(limit.left + refilled, limit.per_minute);
    }
  };

  void put(std::array<limit_level, 3> const& limits) noexcept {
    if (busy_.test_and_set(std::memory_order_acquire))
      return;
    last_.limits = limits;
    last_.as_of = clock::now();
    busy_.clear(std::memory_order_release);
  }
  copy last() noexcept {
    while (busy_.test_and_set(std::memory_order_acquire))
      std::this_thread::yield();
    auto const taken = last_;
    busy_.clear(std::memory_order_release);
    return taken;
  }

private:
  std::atomic_flag busy_;
  copy last_;
};

std::size_t index_of(errc code) noexcept { return static_cast<std::size_t>(code); }

// A number as a label's value, without an allocation.
class number_text {
public:
  explicit number_text(std::size_t number) noexcept {
    do
      *--begin_ = static_cast<char>('0' + number % 10);
    while ((number /= 10) > 0);
  }
  operator std::string_view() const noexcept {
    return {begin_, static_cast<std::size_t>(text_.data() + text_.size() - begin_)};
  }

private:
  std::array<char, 20> text_;
  char* begin_ = text_.data() + text_.size();
};

template <class Table, class Series>
class copied {
public:
  typename Table::entry* entry;
  typename Series::copy numbers;
};

} // namespace

class metrics::registry {
public:
  explicit registry(std::size_t most)
      : operations(most), models(most), providers(std::max<std::size_t>(most / 10, 10)), pacing(most) {}

  using operation_table = series_table<operation_series, 5>; // server address, port, models asked and serving, error
  using model_table = series_table<model_series, 2>;
  using provider_table = series_table<provider_series, 1>;
  using pacing_table = series_table<pacing_series, 3>;

  operation_series& operation_of(observed_call const& call, std::string_view served_by, errc failure) {
    auto const& endpoint = *call.endpoint;
    number_text const port(endpoint.server_port);
    return operations.find({endpoint.server_address, port, call.model, served_by,
                            failure == errc::none ? std::string_view() : to_string(failure)});
  }
  provider_series& provider_of(endpoint_info const* endpoint) { return providers.find({endpoint->provider}); }

  counter_epoch epoch;
  operation_table operations;
  model_table models;
  provider_table providers;
  pacing_table pacing;
  histogram<lag_bounds.size()> lag{lag_bounds};
};

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

namespace {

using operation_copies = std::vector<copied<series_table<operation_series, 5>, operation_series>>;
using model_copies = std::vector<copied<series_table<model_series, 2>, model_series>>;
using provider_copies = std::vector<copied<series_table<provider_series, 1>, provider_series>>;

template <std::size_t Bounds>
bool any(histogram_counts<Bounds> const& counts) {
  return std::any_of(counts.counts.begin(), counts.counts.end(), [](std::int64_t count) { return count != 0; });
}

// OpenTelemetry, semantic conventions for GenAI metrics; labels by Prometheus' rules.
void write_operations(exposition& out, operation_copies const& all) {
  auto const write = [&](auto const& counts, auto const& bounds, unsigned unit, auto const& one,
                         std::string_view token_type, std::string_view failure) {
    auto const& [address, port, model, served_by, error] = one.entry->labels;
    if (any(counts))
      out.histogram({{"gen_ai_operation_name", "chat"},
                     {"gen_ai_provider_name", "anthropic"},
                     {"gen_ai_token_type", token_type},
                     {"gen_ai_request_model", model},
                     {"gen_ai_response_model", served_by},
                     {"server_address", address},
                     {"server_port", port},
                     {"error_type", failure}},
                    bounds, counts, unit);
  };
  out.family("gen_ai_client_operation_duration_seconds", "histogram",
             "Time of a call from its begin to the end of its answer, with all attempts and waits.");
  for (auto const& one : all)
    write(one.numbers.duration, durations, nanoseconds_in_second, one, "", one.entry->labels[4]);
  out.family("gen_ai_client_token_usage", "histogram",
             "Tokens of an answered call; input has those that the prompt cache read or wrote.");
  for (auto const& one : all) {
    write(one.numbers.input, token_bounds, 0, one, "input", "");
    write(one.numbers.output, token_bounds, 0, one, "output", "");
  }
  out.family("gen_ai_client_operation_time_to_first_chunk_seconds", "histogram",
             "Time of a streaming call from its begin to the first piece of its answer.");
  for (auto const& one : all)
    write(one.numbers.first_chunk, durations, nanoseconds_in_second, one, "", "");
  out.family("gen_ai_client_operation_time_per_output_chunk_seconds", "histogram",
             "Time between two pieces of a streamed answer.");
  for (auto const& one : all)
    write(one.numbers.output_chunk, durations, nanoseconds_in_second, one, "", "");
}

void write_models(exposition& out, model_copies const& all) {
  out.family("claudio_input_tokens_total", "counter", "Input tokens by what the prompt cache had to do with them.");
  for (auto const& [entry, numbers] : all) {
    auto const& [provider, model] = entry->labels;
    out.sample({{"provider", provider}, {"model", model}, {"kind", "uncached"}}, numbers.uncached);
    out.sample({{"provider", provider}, {"model", model}, {"kind", "cache_read"}}, numbers.cache_read);
    out.sample({{"provider", provider}, {"model", model}, {"kind", "cache_write"}}, numbers.cache_write);
  }
  out.family("claudio_output_tokens_total", "counter", "Output tokens.");
  for (auto const& [entry, numbers] : all)
    out.sample({{"provider", entry->labels[0]}, {"model", entry->labels[1]}}, numbers.output);
  out.family("claudio_cost_dollars_total", "counter",
             "What answers cost by the provider's price table, in US dollars.");
  for (auto const& [entry, numbers] : all) {
    auto const micro_dollars = numbers.micro_dollars + numbers.picodollars / 1'000'000;
    out.sample({{"provider", entry->labels[0]}, {"model", entry->labels[1]}}, exposition::decimal(micro_dollars, 6));
  }
  out.family("claudio_calls_without_price_total", "counter", "Answered calls whose price is not known.");
  for (auto const& [entry, numbers] : all)
    out.sample({{"provider", entry->labels[0]}, {"model", entry->labels[1]}}, numbers.without_price);
}

class provider_writer {
public:
  provider_writer(exposition& out, provider_copies const& all) : out_(out), all_(all) {}

  void number(std::string_view name, std::string_view type, std::string_view help,
              std::int64_t provider_series::copy::*which) {
    out_.family(name, type, help);
    for (auto const& [entry, numbers] : all_)
      out_.sample({{"provider", entry->labels[0]}}, numbers.*which);
  }

  // One for each kind that there has been.
  template <std::size_t Count, class Name>
  void kinds(std::string_view name, std::string_view help, std::string_view label,
             std::array<std::int64_t, Count> provider_series::copy::*which, Name&& name_of) {
    out_.family(name, "counter", help);
    for (auto const& [entry, numbers] : all_)
      for (std::size_t i = 0; i < Count; ++i)
        if ((numbers.*which)[i] > 0)
          out_.sample({{"provider", entry->labels[0]}, {label, name_of(i)}}, (numbers.*which)[i]);
  }

  void waits(std::string_view name, std::string_view help,
             histogram_counts<durations.size()> provider_series::copy::*which) {
    out_.family(name, "histogram", help);
    for (auto const& [entry, numbers] : all_)
      out_.histogram({{"provider", entry->labels[0]}}, durations, numbers.*which, nanoseconds_in_second);
  }

private:
  exposition& out_;
  provider_copies const& all_;
};

void write_providers(exposition& out, provider_copies const& all) {
  using copy = provider_series::copy;
  auto const error_name = [](std::size_t i) { return i == 0 ? "ok" : to_string(static_cast<errc>(i)); };
  provider_writer write(out, all);
  write.number("claudio_calls_in_flight", "gauge", "Calls that have begun and not ended.", &copy::in_flight);
  write.kinds("claudio_attempts_total", "Attempts that have ended, by what came of them.", "outcome", &copy::outcomes,
              error_name);
  write.kinds("claudio_retries_total", "Attempts that were followed by another, by their failure.", "cause",
              &copy::retries, error_name);
  write.number("claudio_retries_suppressed_total", "counter", "Retries that the retry budget did not allow.",
               &copy::suppressed);
  write.number("claudio_replays_total", "counter",
               "Requests that were sent again because a kept-alive session had died under them.", &copy::replays);
  write.kinds("claudio_fallbacks_total", "Calls that went on to a fallback model, by the failure before.", "cause",
              &copy::fallbacks, error_name);

  out.family("claudio_sessions", "gauge", "Open HTTPS sessions; those being opened are in use.");
  for (auto const& [entry, numbers] : all) {
    out.sample({{"provider", entry->labels[0]}, {"state", "in_use"}}, numbers.open - numbers.idle);
    out.sample({{"provider", entry->labels[0]}, {"state", "idle"}}, numbers.idle);
  }
  write.number("claudio_session_waiters", "gauge", "Calls that wait for a session.", &copy::waiting);
  write.kinds("claudio_sessions_opened_total", "Sessions opened, by their TLS handshake.", "handshake", &copy::opened,
              [](std::size_t i) { return to_string(static_cast<handshake>(i)); });
  write.kinds("claudio_sessions_closed_total", "Sessions closed, by the reason.", "reason", &copy::closed,
              [](std::size_t i) { return to_string(static_cast<session_end>(i)); });
  write.waits("claudio_session_wait_seconds", "Waits for a session, or for a turn to shake hands.",
              &copy::session_wait);
  write.waits("claudio_pacing_wait_seconds", "Waits for a turn under the rate limits.", &copy::pacing_wait);

  out.family("claudio_pacing_reservation_ratio", "histogram",
             "Tokens reserved for an attempt, divided by those that it used.");
  for (auto const& [entry, numbers] : all) {
    out.histogram({{"provider", entry->labels[0]}, {"limit", limit_names[1]}}, ratio_bounds, numbers.input_ratio,
                  thousandths);
    out.histogram({{"provider", entry->labels[0]}, {"limit", limit_names[2]}}, ratio_bounds, numbers.output_ratio,
                  thousandths);
  }

  out.family("claudio_circuit_breaker_state", "gauge", "1 for the state that the circuit breaker is in.");
  for (auto const& [entry, numbers] : all) {
    auto const state = entry->series.breaker();
    for (auto const& [which, name] :
         {std::pair(breaker_state::closed, "closed"), std::pair(breaker_state::open, "open"),
          std::pair(breaker_state::half_open, "half_open")})
      out.sample({{"provider", entry->labels[0]}, {"state", name}}, state == which ? 1 : 0);
  }
  write.number("claudio_circuit_breaker_openings_total", "counter", "How often the circuit breaker has opened.",
               &copy::openings);
  write.number("claudio_api_keys_set_aside", "gauge", "API keys that are set aside.", &copy::set_aside);
  write.number("claudio_key_changes_total", "counter", "How often an API key was set aside or worked again.",
               &copy::key_changes);
}

} // namespace

std::string metrics::text() const {
  auto& all = *registry_;
  operation_copies operations;
  model_copies models;
  provider_copies providers;
  histogram_counts<lag_bounds.size()> lag;
  all.epoch.snapshot([&](std::size_t behind) {
    all.operations.for_each([&](auto& entry) { operations.push_back({&entry, entry.series.take(behind)}); });
    all.models.for_each([&](auto& entry) { models.push_back({&entry, entry.series.take(behind)}); });
    all.providers.for_each([&](auto& entry) { providers.push_back({&entry, entry.series.take(behind)}); });
    lag = all.lag.take(behind);
  });

  exposition out;
  write_operations(out, operations);
  write_models(out, models);
  write_providers(out, providers);

  auto const now = clock::now();
  std::vector<std::pair<registry::pacing_table::entry*, pacing_series::copy>> pacing;
  all.pacing.for_each([&](auto& entry) { pacing.emplace_back(&entry, entry.series.last()); });
  auto const write_limits = [&](std::string_view name, std::string_view help, auto&& value_of) {
    out.family(name, "gauge", help);
    for (auto const& [entry, last] : pacing)
      for (std::size_t kind = 0; kind < limit_names.size(); ++kind)
        if (last.limits[kind].per_minute > 0)
          out.sample({{"provider", entry->labels[0]},
                      {"model", entry->labels[1]},
                      {"key", entry->labels[2]},
                      {"limit", limit_names[kind]}},
                     static_cast<std::int64_t>(std::llround(value_of(last, kind))));
  };
  write_limits("claudio_pacing_limit_per_minute", "A rate limit that calls are paced by.",
               [](auto const& last, std::size_t kind) { return last.limits[kind].per_minute; });
  write_limits("claudio_pacing_tokens_left", "What is left of a rate limit, by all that is known.",
               [&](auto const& last, std::size_t kind) { return last.left_now(kind, now); });

  out.family("claudio_event_loop_lag_seconds", "histogram", "How late the event loop comes to a timer that is due.");
  out.histogram({}, lag_bounds, lag, nanoseconds_in_second);
  out.family("claudio_build_info", "gauge", "1, with the version of claudio.");
  out.sample({{"version", CLAUDIO_VERSION}}, 1);
  return out.take();
}

} // namespace claudio
