#include "observe/exposition.hpp"
#include "observe/metrics_registry.hpp"

#include <claudio/version.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace claudio {
namespace {

constexpr unsigned nanoseconds_in_second = 9; // as a power of ten
constexpr unsigned thousandths = 3;

constexpr std::array<std::string_view, 3> limit_names{"requests", "input_tokens", "output_tokens"};

template <class Table, class Series>
class copied {
public:
  typename Table::entry* entry;
  typename Series::copy numbers;
};

using operation_copies = std::vector<copied<operation_table, operation_series>>;
using model_copies = std::vector<copied<model_table, model_series>>;
using provider_copies = std::vector<copied<provider_table, provider_series>>;

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
    write(one.numbers.duration, duration_bounds, nanoseconds_in_second, one, "", one.entry->labels[4]);
  out.family("gen_ai_client_token_usage", "histogram",
             "Tokens of an answered call; input has those that the prompt cache read or wrote.");
  for (auto const& one : all) {
    write(one.numbers.input, token_bounds, 0, one, "input", "");
    write(one.numbers.output, token_bounds, 0, one, "output", "");
  }
  out.family("gen_ai_client_operation_time_to_first_chunk_seconds", "histogram",
             "Time of a streaming call from its begin to the first piece of its answer.");
  for (auto const& one : all)
    write(one.numbers.first_chunk, duration_bounds, nanoseconds_in_second, one, "", "");
  out.family("gen_ai_client_operation_time_per_output_chunk_seconds", "histogram",
             "Time between two pieces of a streamed answer.");
  for (auto const& one : all)
    write(one.numbers.output_chunk, duration_bounds, nanoseconds_in_second, one, "", "");
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
             histogram_counts<duration_bounds.size()> provider_series::copy::*which) {
    out_.family(name, "histogram", help);
    for (auto const& [entry, numbers] : all_)
      out_.histogram({{"provider", entry->labels[0]}}, duration_bounds, numbers.*which, nanoseconds_in_second);
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

  auto const now = std::chrono::steady_clock::now();
  std::vector<std::pair<pacing_table::entry*, pacing_series::copy>> pacing;
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
