// The metrics' text, read back: what it lists, that it counts right, and that it stays small and consistent.
#include "support/allocations.hpp"
#include "support/test.hpp"

#include <claudio/metrics.hpp>
#include <claudio/version.hpp>

#include <array>
#include <atomic>
#include <charconv>
#include <malloc.h>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;
using labels = std::map<std::string, std::string>;

class sample {
public:
  sample() = default;

  std::string name;
  labels of;
  std::string value;
};

class family {
public:
  family() = default;

  std::string name;
  std::string type;
  std::vector<sample> samples;
};

// Reads Prometheus' text format as strictly as a scraper: a line that is none, a sample of another family, or one that
// comes twice is an error.
class exposition_reader {
public:
  explicit exposition_reader(std::string const& text) {
    BOOST_REQUIRE(!text.empty());
    BOOST_REQUIRE(text.back() == '\n');
    for (std::size_t at = 0; at < text.size();) {
      auto const end = text.find('\n', at);
      read_line(std::string_view(text).substr(at, end - at));
      at = end + 1;
    }
  }

  family const& of(std::string_view name) const {
    for (auto const& one : families)
      if (one.name == name)
        return one;
    BOOST_REQUIRE_MESSAGE(false, "no metric " << name);
    return families.front();
  }
  // Of the one sample that has these labels, maybe among others; "" without one.
  std::string value(std::string_view metric, labels const& with = labels(), std::string_view suffix = {}) const {
    std::string found;
    for (auto const& one : of(metric).samples)
      if (one.name.size() == metric.size() + suffix.size() && one.name.ends_with(suffix) && has(one.of, with)) {
        BOOST_TEST(found.empty(), "more than one " << metric);
        found = one.value;
      }
    return found;
  }
  // Of a histogram: its buckets, "le=count", and none that is like the one before.
  texts buckets(std::string_view metric, labels const& with = labels()) const {
    texts all;
    std::string last;
    for (auto const& one : of(metric).samples)
      if (one.name.ends_with("_bucket") && has(one.of, with) && one.value != std::exchange(last, one.value))
        all.push_back(one.of.at("le") + "=" + one.value);
    return all;
  }

  std::vector<family> families;

private:
  static bool has(labels const& all, labels const& wanted) {
    for (auto const& [label, value] : wanted) {
      auto const found = all.find(label);
      if (found == all.end() || found->second != value)
        return false;
    }
    return true;
  }

  void read_line(std::string_view line) {
    if (line.starts_with("# HELP ")) {
      line.remove_prefix(7);
      auto const space = line.find(' ');
      BOOST_REQUIRE(space != std::string_view::npos);
      families.emplace_back().name = line.substr(0, space);
      return;
    }
    BOOST_REQUIRE(!families.empty());
    auto& current = families.back();
    if (line.starts_with("# TYPE ")) {
      BOOST_REQUIRE(line.substr(7).starts_with(current.name + " "));
      BOOST_REQUIRE(current.type.empty());
      current.type = line.substr(8 + current.name.size());
      return;
    }
    read_sample(line, current);
  }

  void read_sample(std::string_view line, family& current) {
    sample made;
    auto at = line.find_first_of("{ ");
    BOOST_REQUIRE(at != std::string_view::npos);
    made.name = line.substr(0, at);
    if (line[at] == '{') {
      ++at;
      while (true) {
        auto const equals = line.find("=\"", at);
        BOOST_REQUIRE(equals != std::string_view::npos);
        std::string const label(line.substr(at, equals - at));
        std::string value;
        for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
          if (line[at] != '\\') {
            value += line[at];
            continue;
          }
          ++at;
          BOOST_REQUIRE(at < line.size());
          BOOST_REQUIRE((line[at] == '\\' || line[at] == '"' || line[at] == 'n'));
          value += line[at] == 'n' ? '\n' : line[at];
        }
        BOOST_REQUIRE(at + 1 < line.size());
        BOOST_TEST(made.of.emplace(label, value).second);
        at += 2;
        if (line[at - 1] == '}')
          break;
        BOOST_REQUIRE(line[at - 1] == ',');
      }
      BOOST_REQUIRE(at < line.size());
    }
    BOOST_REQUIRE(line[at] == ' ');
    made.value = line.substr(at + 1);
    BOOST_REQUIRE(!made.value.empty());
    double number = 0;
    auto const read = std::from_chars(made.value.data(), made.value.data() + made.value.size(), number);
    BOOST_TEST((read.ec == std::errc() && read.ptr == made.value.data() + made.value.size()), made.value);
    auto const suffix = std::string_view(made.name).substr(std::min(current.name.size(), made.name.size()));
    BOOST_TEST(made.name.starts_with(current.name));
    bool const of_histogram = suffix == "_bucket" || suffix == "_sum" || suffix == "_count";
    BOOST_TEST(of_histogram == (current.type == "histogram"), made.name);
    BOOST_TEST((of_histogram || suffix.empty()), made.name);
    BOOST_TEST(seen_.emplace(std::pair(made.name, made.of), true).second, "twice: " << line);
    current.samples.push_back(std::move(made));
  }

  std::map<std::pair<std::string, labels>, bool> seen_;
};

message answer_of(std::uint64_t input, std::uint64_t output, std::uint64_t read = 0, std::uint64_t written = 0,
                  std::string_view model = "claude-sonnet-4-6-served") {
  boost::json::object usage;
  usage.emplace("input_tokens", input);
  usage.emplace("output_tokens", output);
  usage.emplace("cache_read_input_tokens", read);
  usage.emplace("cache_creation_input_tokens", written);
  boost::json::object made;
  made.emplace("model", boost::json::string_view(model));
  made.emplace("usage", std::move(usage));
  return message(std::move(made));
}

// A provider whose events are fed by hand.
class provider {
public:
  explicit provider(metrics& to, std::string name = "anthropic") : measured(to) {
    endpoint.provider = std::move(name);
    endpoint.server_address = "api.example.com";
    endpoint.server_port = 443;
    call.endpoint = &endpoint;
    call.model = "claude-sonnet-4-6";
    info.total = 15ms;
  }
  provider(provider const&) = delete;
  provider& operator=(provider const&) = delete;

  void begin() { measured.call_begun(call); }
  void end(message const* answer, error const* failure = nullptr) {
    call_event event;
    event.call = &call;
    event.info = &info;
    event.failure = failure;
    event.answer = answer;
    measured.call_ended(event);
  }
  void attempt(std::optional<error> failure, bool again = false, bool suppressed = false) {
    attempt_info made;
    made.failure = std::move(failure);
    if (again)
      made.retry_in = 1s;
    made.suppressed = suppressed;
    attempt_event event;
    event.call = &call;
    event.attempt = &made;
    measured.attempt_ended(event);
  }
  template <class Event>
  Event make() const {
    Event event;
    event.endpoint = &endpoint;
    return event;
  }

  metrics& measured;
  endpoint_info endpoint;
  observed_call call;
  call_info info;
};

error failure_of(errc code) { return error(code, "said by the server"); }

// Of everything, at least one.
void feed_all(provider& to) {
  auto const answer = answer_of(1, 2);
  to.begin();
  to.attempt(failure_of(errc::overloaded), true);
  to.end(&answer);
  stream_event streamed;
  streamed.call = &to.call;
  streamed.served_by = "claude-sonnet-4-6-served";
  streamed.chunks = 2;
  streamed.first_chunk = 1ms;
  streamed.intervals.add(1ms);
  to.measured.stream_ended(streamed);
  for (auto const reason : {wait_reason::pacing, wait_reason::session, wait_reason::handshake}) {
    auto wait = to.make<wait_event>();
    wait.reason = reason;
    wait.duration = 1ms;
    to.measured.waited(wait);
  }
  to.measured.session_opened(to.make<session_event>());
  to.measured.session_closed(to.make<session_event>());
  to.measured.pool_changed(to.make<pool_event>());
  auto pacing = to.make<pacing_event>();
  pacing.model = "claude-sonnet-4-6";
  for (auto& limit : pacing.limits)
    limit.per_minute = limit.left = 60;
  pacing.used.emplace();
  to.measured.pacing_changed(pacing);
  to.measured.breaker_changed(to.make<breaker_event>());
  to.measured.key_changed(to.make<key_event>());
  auto const failure = failure_of(errc::overloaded);
  auto fallback = to.make<fallback_event>();
  fallback.failure = &failure;
  to.measured.fell_back(fallback);
  to.measured.note_event_loop_lag(1ms);
}

std::int64_t integer(std::string const& text) { return text.empty() ? 0 : std::stoll(text); }

// In nanoseconds, exact.
std::int64_t nanoseconds_in(std::string const& seconds) {
  auto const point = seconds.find('.');
  auto fraction = point == std::string::npos ? std::string() : seconds.substr(point + 1);
  fraction.resize(9, '0');
  return std::stoll(seconds.substr(0, point)) * 1'000'000'000 + std::stoll(fraction);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int many_events = 200'000;
#else
constexpr int many_events = 10'000'000;
#endif

std::string const duration = "gen_ai_client_operation_duration_seconds";
std::string const tokens = "gen_ai_client_token_usage";

} // namespace

BOOST_AUTO_TEST_SUITE(metrics_text)

BOOST_AUTO_TEST_CASE(names_types_labels_and_boundaries) {
  texts const durations{"0.01", "0.02", "0.04",  "0.08",  "0.16",  "0.32",  "0.64", "1.28",
                        "2.56", "5.12", "10.24", "20.48", "40.96", "81.92", "+Inf"};
  texts const token_counts{"1",     "4",      "16",      "64",      "256",      "1024",     "4096", "16384",
                           "65536", "262144", "1048576", "4194304", "16777216", "67108864", "+Inf"};
  texts const ratios{"0.25", "0.5", "0.75", "0.9", "1", "1.25", "2", "4", "10", "+Inf"};
  texts const lags{"0.0001", "0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.5", "2", "+Inf"};
  texts const operation{"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model",
                        "gen_ai_response_model", "server_address",       "server_port"};
  auto const with = [](texts of, std::string more) {
    of.push_back(std::move(more));
    std::sort(of.begin(), of.end());
    return of;
  };
  texts const of_provider{"provider"};
  texts const of_model{"model", "provider"};
  struct row {
    std::string name;
    std::string type;
    texts labels;
    texts boundaries;
  };
  row const rows[] = {
      {duration, "histogram", operation, durations},
      {tokens, "histogram", with(operation, "gen_ai_token_type"), token_counts},
      {"gen_ai_client_operation_time_to_first_chunk_seconds", "histogram", operation, durations},
      {"gen_ai_client_operation_time_per_output_chunk_seconds", "histogram", operation, durations},
      {"claudio_input_tokens_total", "counter", {"kind", "model", "provider"}, {}},
      {"claudio_output_tokens_total", "counter", of_model, {}},
      {"claudio_cost_dollars_total", "counter", of_model, {}},
      {"claudio_calls_without_price_total", "counter", of_model, {}},
      {"claudio_calls_in_flight", "gauge", of_provider, {}},
      {"claudio_attempts_total", "counter", with(of_provider, "outcome"), {}},
      {"claudio_retries_total", "counter", with(of_provider, "cause"), {}},
      {"claudio_retries_suppressed_total", "counter", of_provider, {}},
      {"claudio_replays_total", "counter", of_provider, {}},
      {"claudio_fallbacks_total", "counter", with(of_provider, "cause"), {}},
      {"claudio_sessions", "gauge", with(of_provider, "state"), {}},
      {"claudio_session_waiters", "gauge", of_provider, {}},
      {"claudio_sessions_opened_total", "counter", with(of_provider, "handshake"), {}},
      {"claudio_sessions_closed_total", "counter", with(of_provider, "reason"), {}},
      {"claudio_session_wait_seconds", "histogram", of_provider, durations},
      {"claudio_pacing_wait_seconds", "histogram", of_provider, durations},
      {"claudio_pacing_reservation_ratio", "histogram", with(of_provider, "limit"), ratios},
      {"claudio_circuit_breaker_state", "gauge", with(of_provider, "state"), {}},
      {"claudio_circuit_breaker_openings_total", "counter", of_provider, {}},
      {"claudio_api_keys_set_aside", "gauge", of_provider, {}},
      {"claudio_key_changes_total", "counter", of_provider, {}},
      {"claudio_pacing_limit_per_minute", "gauge", {"key", "limit", "model", "provider"}, {}},
      {"claudio_pacing_tokens_left", "gauge", {"key", "limit", "model", "provider"}, {}},
      {"claudio_event_loop_lag_seconds", "histogram", {}, lags},
      {"claudio_build_info", "gauge", {"version"}, {}},
  };
  metrics measured;
  provider one(measured);
  feed_all(one);
  exposition_reader const read(measured.text());
  BOOST_REQUIRE(read.families.size() == std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i)
    BOOST_TEST_CONTEXT(rows[i].name) {
      auto const& got = read.families[i];
      BOOST_TEST(got.name == rows[i].name);
      BOOST_TEST(got.type == rows[i].type);
      BOOST_REQUIRE(!got.samples.empty());
      texts boundaries;
      for (auto const& sample : got.samples) {
        texts names;
        for (auto const& [label, value] : sample.of)
          if (label != "le")
            names.push_back(label);
        BOOST_TEST(names == rows[i].labels, boost::test_tools::per_element());
        auto series = sample.of;
        series.erase("le");
        auto first = got.samples.front().of;
        first.erase("le");
        if (series == first && sample.of.contains("le"))
          boundaries.push_back(sample.of.at("le"));
      }
      BOOST_TEST(boundaries == rows[i].boundaries, boost::test_tools::per_element());
    }
  auto const& labelled = read.of(duration).samples.front().of;
  BOOST_TEST(labelled.at("gen_ai_operation_name") == "chat");
  BOOST_TEST(labelled.at("gen_ai_provider_name") == "anthropic");
  BOOST_TEST(labelled.at("server_address") == "api.example.com");
  BOOST_TEST(labelled.at("server_port") == "443");
  BOOST_TEST(labelled.at("gen_ai_request_model") == "claude-sonnet-4-6");
  BOOST_TEST(labelled.at("gen_ai_response_model") == "claude-sonnet-4-6-served");
  BOOST_TEST(read.value("claudio_build_info", {{"version", CLAUDIO_VERSION}}) == "1");
}

BOOST_AUTO_TEST_CASE(nothing_has_happened) {
  metrics measured;
  exposition_reader const read(measured.text());
  BOOST_TEST(read.families.size() == 29u);
  BOOST_TEST(read.of(duration).samples.empty());
}

BOOST_AUTO_TEST_CASE(a_call) {
  metrics measured;
  provider one(measured);
  one.begin();
  one.begin();
  BOOST_TEST(exposition_reader(measured.text()).value("claudio_calls_in_flight") == "2");
  auto const answer = answer_of(5, 7, 100, 20);
  one.info.replays = 2;
  one.end(&answer);
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value("claudio_calls_in_flight") == "1");
  BOOST_TEST(read.value("claudio_replays_total") == "2");
  BOOST_TEST(read.value(duration, {}, "_sum") == "0.015");
  BOOST_TEST(read.value(duration, {}, "_count") == "1");
  texts const expected{"0.01=0", "0.02=1"};
  BOOST_TEST(read.buckets(duration) == expected, boost::test_tools::per_element());
  labels const input{{"gen_ai_token_type", "input"}};
  BOOST_TEST(read.value(tokens, input, "_sum") == "125"); // with what the cache read and wrote
  texts const in_buckets{"1=0", "256=1"};
  BOOST_TEST(read.buckets(tokens, input) == in_buckets, boost::test_tools::per_element());
  BOOST_TEST(read.value(tokens, {{"gen_ai_token_type", "output"}}, "_sum") == "7");
  BOOST_TEST(read.value("claudio_input_tokens_total", {{"kind", "uncached"}}) == "5");
  BOOST_TEST(read.value("claudio_input_tokens_total", {{"kind", "cache_read"}}) == "100");
  BOOST_TEST(read.value("claudio_input_tokens_total", {{"kind", "cache_write"}}) == "20");
  BOOST_TEST(read.value("claudio_output_tokens_total") == "7");
  BOOST_TEST(read.value("claudio_calls_without_price_total") == "1");
  // Reading changes nothing.
  BOOST_TEST(measured.text() == measured.text());
}

BOOST_AUTO_TEST_CASE(durations_at_and_beside_the_boundaries) {
  metrics measured;
  provider one(measured);
  for (auto const time : {10ms, 11ms, 81'920ms, 81'921ms}) {
    one.info.total = time;
    one.end(nullptr);
  }
  texts const expected{"0.01=1", "0.02=2", "81.92=3", "+Inf=4"};
  exposition_reader const read(measured.text());
  BOOST_TEST(read.buckets(duration) == expected, boost::test_tools::per_element());
  BOOST_TEST(read.value(duration, {}, "_sum") == "163.862");
}

BOOST_AUTO_TEST_CASE(costs_add_up_exactly) {
  metrics measured;
  provider one(measured);
  auto const answer = answer_of(1, 1);
  // A third of a micro-dollar, so that rounding each would lose or invent some.
  one.info.cost = cost::of_picodollars(333'334);
  for (int i = 0; i < 3000; ++i)
    one.end(&answer);
  BOOST_TEST(exposition_reader(measured.text()).value("claudio_cost_dollars_total") == "0.001");
  one.info.cost = cost::of_picodollars(9'000'000'000'000'000'000);
  for (int i = 0; i < 10; ++i)
    one.end(&answer);
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value("claudio_cost_dollars_total") == "90000000.001");
  BOOST_TEST(read.value("claudio_calls_without_price_total") == "0");
}

BOOST_AUTO_TEST_CASE(errors_have_their_type) {
  metrics measured;
  provider one(measured);
  auto const overloaded = failure_of(errc::overloaded);
  auto const answer = answer_of(3, 1);
  one.end(nullptr, &overloaded);
  one.end(&answer);
  one.end(&answer, &overloaded); // a stream that failed half-way
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value(duration, {{"error_type", "overloaded"}, {"gen_ai_response_model", "claude-sonnet-4-6-served"}},
                        "_count") == "1");
  std::size_t without = 0;
  for (auto const& sample : read.of(duration).samples)
    without += sample.name.ends_with("_count") && !sample.of.contains("error_type") ? 1 : 0;
  BOOST_TEST(without == 1u);
  BOOST_TEST(read.value(tokens, {{"gen_ai_token_type", "input"}}, "_count") == "2");
  BOOST_TEST(read.value("claudio_calls_without_price_total") == "1");
}

BOOST_AUTO_TEST_CASE(attempts_and_fallbacks) {
  metrics measured;
  provider one(measured);
  one.attempt(failure_of(errc::overloaded), true);
  one.attempt(failure_of(errc::overloaded), false, true);
  one.attempt(std::nullopt);
  auto const timeout = failure_of(errc::timeout);
  auto fallback = one.make<fallback_event>();
  fallback.failure = &timeout;
  measured.fell_back(fallback);
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value("claudio_attempts_total", {{"outcome", "overloaded"}}) == "2");
  BOOST_TEST(read.value("claudio_attempts_total", {{"outcome", "ok"}}) == "1");
  BOOST_TEST(read.of("claudio_attempts_total").samples.size() == 2u);
  BOOST_TEST(read.value("claudio_retries_total") == "1");
  BOOST_TEST(read.value("claudio_retries_suppressed_total") == "1");
  BOOST_TEST(read.value("claudio_fallbacks_total", {{"cause", "timeout"}}) == "1");
}

// Each kind of error has a name, the last one of the enumeration too.
BOOST_AUTO_TEST_CASE(every_kind_of_error) {
  metrics measured;
  provider one(measured);
  std::size_t kinds = 0;
  for (std::size_t i = 1; i < 256 && to_string(static_cast<errc>(i)) != to_string(static_cast<errc>(255)); ++i, ++kinds)
    one.attempt(failure_of(static_cast<errc>(i)));
  BOOST_TEST(kinds > 15u);
  BOOST_TEST(exposition_reader(measured.text()).of("claudio_attempts_total").samples.size() == kinds);
}

BOOST_AUTO_TEST_CASE(streams) {
  metrics measured;
  provider one(measured);
  stream_event event;
  event.call = &one.call;
  event.served_by = "served";
  measured.stream_ended(event); // nothing of an answer came
  event.chunks = 4;
  event.first_chunk = 30ms;
  event.intervals.add(1ms, 2);
  event.intervals.add(100s);
  measured.stream_ended(event);
  exposition_reader const read(measured.text());
  auto const first = "gen_ai_client_operation_time_to_first_chunk_seconds";
  auto const between = "gen_ai_client_operation_time_per_output_chunk_seconds";
  BOOST_TEST(read.value(first, {{"gen_ai_response_model", "served"}}, "_count") == "1");
  BOOST_TEST(read.value(first, {}, "_sum") == "0.03");
  BOOST_TEST(read.value(between, {}, "_sum") == "100.002");
  texts const expected{"0.01=2", "+Inf=3"};
  BOOST_TEST(read.buckets(between) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(waits) {
  metrics measured;
  provider one(measured);
  auto event = one.make<wait_event>();
  event.duration = 20ms;
  measured.waited(event);
  event.reason = wait_reason::session;
  measured.waited(event);
  event.reason = wait_reason::handshake;
  measured.waited(event);
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value("claudio_pacing_wait_seconds", {}, "_sum") == "0.02");
  BOOST_TEST(read.value("claudio_session_wait_seconds", {}, "_sum") == "0.04");
}

BOOST_AUTO_TEST_CASE(sessions_of_several_clients_of_a_provider) {
  metrics measured;
  provider one(measured);
  auto opened = one.make<session_event>();
  for (auto const kind : {handshake::none, handshake::full, handshake::resumed, handshake::resumed}) {
    opened.handshake = kind;
    measured.session_opened(opened);
  }
  for (std::size_t end = 0; end <= static_cast<std::size_t>(session_end::shut_down); ++end) {
    opened.end = static_cast<session_end>(end);
    for (std::size_t i = 0; i <= end; ++i)
      measured.session_closed(opened);
  }
  auto changed = one.make<pool_event>();
  changed.now.open = 3;
  changed.now.idle = 1;
  changed.now.waiting = 2;
  measured.pool_changed(changed); // each has a pool of its own
  measured.pool_changed(changed);
  std::swap(changed.before, changed.now);
  changed.now.open = 1;
  measured.pool_changed(changed);
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value("claudio_sessions", {{"state", "in_use"}}) == "3");
  BOOST_TEST(read.value("claudio_sessions", {{"state", "idle"}}) == "1");
  BOOST_TEST(read.value("claudio_session_waiters") == "2");
  BOOST_TEST(read.value("claudio_sessions_opened_total", {{"handshake", "none"}}) == "1");
  BOOST_TEST(read.value("claudio_sessions_opened_total", {{"handshake", "full"}}) == "1");
  BOOST_TEST(read.value("claudio_sessions_opened_total", {{"handshake", "resumed"}}) == "2");
  texts const reasons{"idle_timeout", "surplus", "spent", "peer_closed", "not_kept", "broken", "shut_down"};
  for (std::size_t i = 0; i < reasons.size(); ++i)
    BOOST_TEST(read.value("claudio_sessions_closed_total", {{"reason", reasons[i]}}) == std::to_string(i + 1));
}

BOOST_AUTO_TEST_CASE(pacing) {
  metrics measured;
  provider one(measured);
  auto event = one.make<pacing_event>();
  event.model = "claude-sonnet-4-6";
  event.key = 1;
  event.limits[0].per_minute = 1000;
  event.limits[0].left = 1000;
  event.limits[1].per_minute = 1; // refills too slowly to be seen
  event.limits[1].left = -20;
  event.reserved = {1, 150, 100};
  measured.pacing_changed(event);
  event.used.emplace();
  event.used->input_tokens = 60;
  event.used->cache_creation_input_tokens = 40;
  event.used->cache_read_input_tokens = 1000; // counts towards no limit
  event.used->output_tokens = 10;
  measured.pacing_changed(event);
  exposition_reader const read(measured.text());
  labels const requests{{"limit", "requests"}, {"key", "2"}, {"model", "claude-sonnet-4-6"}};
  BOOST_TEST(read.value("claudio_pacing_limit_per_minute", requests) == "1000");
  BOOST_TEST(read.value("claudio_pacing_tokens_left", requests) == "1000"); // never more
  BOOST_TEST(read.value("claudio_pacing_tokens_left", {{"limit", "input_tokens"}}) == "-20");
  BOOST_TEST(read.value("claudio_pacing_limit_per_minute", {{"limit", "output_tokens"}}).empty());
  labels const input{{"limit", "input_tokens"}};
  BOOST_TEST(read.value("claudio_pacing_reservation_ratio", input, "_sum") == "1.5");
  BOOST_TEST(read.value("claudio_pacing_reservation_ratio", input, "_count") == "1");
  // No such limit is kept.
  BOOST_TEST(read.value("claudio_pacing_reservation_ratio", {{"limit", "output_tokens"}}, "_count") == "0");
}

BOOST_AUTO_TEST_CASE(what_is_left_of_a_limit_grows) {
  metrics measured;
  provider one(measured);
  auto event = one.make<pacing_event>();
  event.limits[1].per_minute = 600'000'000; // ten thousand in a millisecond
  measured.pacing_changed(event);
  std::this_thread::sleep_for(2ms);
  auto const left = integer(exposition_reader(measured.text()).value("claudio_pacing_tokens_left"));
  BOOST_TEST(left >= 20'000);
  BOOST_TEST(left < 600'000'000);
}

BOOST_AUTO_TEST_CASE(breakers_and_keys) {
  metrics measured;
  provider one(measured);
  auto const states = [&] {
    exposition_reader const read(measured.text());
    std::string now;
    for (char const* state : {"closed", "open", "half_open"})
      now += read.value("claudio_circuit_breaker_state", {{"state", state}});
    return now;
  };
  one.begin();
  BOOST_TEST(states() == "100");
  auto event = one.make<breaker_event>();
  event.state = breaker_state::open;
  event.open_for = 1h;
  measured.breaker_changed(event);
  BOOST_TEST(states() == "010");
  event.open_for = 1ms;
  measured.breaker_changed(event);
  std::this_thread::sleep_for(2ms);
  BOOST_TEST(states() == "001");
  event.state = breaker_state::closed;
  measured.breaker_changed(event);
  BOOST_TEST(states() == "100");

  auto const refused = failure_of(errc::authentication);
  auto key = one.make<key_event>();
  key.failure = &refused;
  measured.key_changed(key);
  measured.key_changed(key);
  key.failure = nullptr;
  measured.key_changed(key);
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value("claudio_circuit_breaker_openings_total") == "2");
  BOOST_TEST(read.value("claudio_api_keys_set_aside") == "1");
  BOOST_TEST(read.value("claudio_key_changes_total") == "3");
}

BOOST_AUTO_TEST_CASE(lag_of_the_event_loop) {
  metrics measured;
  measured.note_event_loop_lag(60ms);
  measured.note_event_loop_lag(0ms);
  exposition_reader const read(measured.text());
  texts const expected{"0.0001=1", "0.1=2"};
  BOOST_TEST(read.buckets("claudio_event_loop_lag_seconds") == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(names_from_outside) {
  metrics measured;
  provider one(measured);
  auto const answer = answer_of(1, 1);
  texts const shown{"", "with \"quotes\"", "two\nlines", "back\\slash\\n", "{a=\"b\"} 1", "ü", std::string(128, 'x')};
  for (auto const& name : shown) {
    one.call.model = name;
    one.end(&answer);
  }
  // One such name would make a scraper refuse everything.
  texts const hidden{std::string(129, 'y'), std::string(1'000'000, 'z'), "\xff", "cut \xc3", std::string("a\0b", 3)};
  for (auto const& name : hidden) {
    one.call.model = name;
    one.end(&answer);
  }
  exposition_reader const read(measured.text());
  std::map<std::string, std::string> counted;
  for (auto const& sample : read.of("claudio_output_tokens_total").samples) {
    auto const model = sample.of.find("model");
    counted[model == sample.of.end() ? "" : model->second] = sample.value;
  }
  BOOST_TEST(counted.size() == shown.size() + 1);
  for (auto const& name : shown)
    BOOST_TEST(counted[name] == "1", name);
  BOOST_TEST(counted["other"] == std::to_string(hidden.size()));
}

BOOST_AUTO_TEST_CASE(series_are_bounded) {
  metrics measured(50);
  provider one(measured);
  auto const answer = answer_of(1, 1);
  constexpr std::size_t models = 10'000;
  for (std::size_t i = 0; i < models; ++i) {
    auto const name = "model-" + std::to_string(i);
    one.call.model = name;
    one.begin();
    one.end(&answer);
  }
  exposition_reader const read(measured.text());
  auto const& output = read.of("claudio_output_tokens_total").samples;
  BOOST_TEST(output.size() == 51u);
  std::int64_t all = 0;
  for (auto const& sample : output)
    all += integer(sample.value);
  BOOST_TEST(all == static_cast<std::int64_t>(models));
  BOOST_TEST(read.value("claudio_output_tokens_total", {{"model", "other"}, {"provider", "other"}}) ==
             std::to_string(models - 50));
  BOOST_TEST(read.value(duration, {{"gen_ai_request_model", "other"}}, "_count") == std::to_string(models - 50));
  BOOST_TEST(read.value("claudio_calls_in_flight") == "0");
}

// Those that come too late, those that are too long, and those that are really called so are one series.
BOOST_AUTO_TEST_CASE(there_is_one_other) {
  metrics measured(10);
  std::string const endless(1000, 'x');
  provider one(measured, "other");
  provider two(measured, endless);
  one.call.model = "other";
  two.call.model = endless;
  auto const answer = answer_of(1, 1);
  for (auto* const each : {&one, &two}) {
    each->begin();
    each->end(&answer);
  }
  for (int i = 0; i < 200; ++i) {
    provider late(measured, "provider-" + std::to_string(i));
    late.begin();
    late.end(&answer);
  }
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value("claudio_output_tokens_total", {{"model", "other"}, {"provider", "other"}}) == "192");
}

BOOST_AUTO_TEST_CASE(every_text_is_of_one_moment) {
  metrics measured;
  constexpr int threads = 4;
  std::atomic<bool> stopped{false};
  std::atomic<std::int64_t> fed{0};
  auto const work = [&](int number) {
    // Each goes on to new series while it is read.
    std::string name;
    provider one(measured);
    one.info.total = 7ms;
    auto const answer = answer_of(1, 3);
    int i = 0;
    for (; !stopped; ++i) {
      if (i % 1000 == 0)
        name = "model-" + std::to_string(i / 1000 % 10) + "-" + std::to_string(number);
      one.call.model = name;
      one.begin();
      one.attempt(std::nullopt);
      one.end(&answer);
    }
    fed += i;
  };
  std::vector<std::thread> feeding;
  for (int number = 0; number < threads; ++number)
    feeding.emplace_back(work, number);
  auto const check = [&](std::int64_t between) {
    exposition_reader const read(measured.text());
    std::map<std::string, std::int64_t> last;
    std::int64_t calls = 0;
    std::int64_t output = 0;
    for (auto const& sample : read.of(duration).samples) {
      if (sample.name.ends_with("_bucket") && sample.of.at("le") == "+Inf")
        last["inf"] = integer(sample.value);
      if (sample.name.ends_with("_sum"))
        last["sum"] = nanoseconds_in(sample.value);
      if (!sample.name.ends_with("_count"))
        continue;
      BOOST_TEST(integer(sample.value) == last["inf"]);
      BOOST_TEST(last["sum"] == integer(sample.value) * 7'000'000);
      calls += integer(sample.value);
    }
    for (auto const& sample : read.of(tokens).samples) {
      if (sample.of.at("gen_ai_token_type") != "output")
        continue;
      if (sample.name.ends_with("_sum"))
        last["tokens"] = integer(sample.value);
      if (!sample.name.ends_with("_count"))
        continue;
      BOOST_TEST(last["tokens"] == 3 * integer(sample.value));
      output += integer(sample.value);
    }
    std::int64_t by_model = 0;
    for (auto const& sample : read.of("claudio_output_tokens_total").samples)
      by_model += integer(sample.value);
    BOOST_TEST(output == calls);
    BOOST_TEST(by_model == 3 * calls);
    auto const in_flight = integer(read.value("claudio_calls_in_flight"));
    auto const attempts = integer(read.value("claudio_attempts_total"));
    BOOST_TEST((in_flight >= 0 && in_flight <= between));
    BOOST_TEST((attempts >= calls && attempts <= calls + between));
    return calls;
  };
  std::int64_t before = 0;
  for (int texts_read = 0; texts_read < 50 || before == 0; ++texts_read) {
    auto const calls = check(threads);
    BOOST_TEST(calls >= before);
    before = calls;
  }
  stopped = true;
  for (auto& thread : feeding)
    thread.join();
  BOOST_TEST(before > 0);
  BOOST_TEST(check(0) == fed);
}

BOOST_AUTO_TEST_CASE(many_readers_at_once) {
  metrics measured;
  std::atomic<bool> stopped{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!stopped)
        measured.text();
    });
  provider one(measured);
  auto const answer = answer_of(1, 3);
  for (int i = 0; i < many_events / 1000; ++i) {
    one.begin();
    one.end(&answer);
  }
  stopped = true;
  for (auto& reader : readers)
    reader.join();
  exposition_reader const read(measured.text());
  BOOST_TEST(read.value(duration, {}, "_count") == std::to_string(many_events / 1000));
  BOOST_TEST(read.value("claudio_calls_in_flight") == "0");
}

BOOST_AUTO_TEST_CASE(events_take_no_memory) {
  metrics measured;
  provider one(measured);
  auto const answer = answer_of(1, 3);
  auto const overloaded = failure_of(errc::overloaded);
  attempt_info attempt;
  attempt.failure = overloaded;
  attempt_event tried;
  tried.call = &one.call;
  tried.attempt = &attempt;
  auto pool = one.make<pool_event>();
  pool.now.open = 1;
  auto wait = one.make<wait_event>();
  auto limits = one.make<pacing_event>();
  limits.model = one.call.model;
  limits.limits[1].per_minute = 60;
  limits.used.emplace();
  auto const feed = [&](int events) {
    for (int i = 0; i < events; i += 8) {
      one.begin();
      measured.attempt_ended(tried);
      measured.pool_changed(pool);
      measured.waited(wait);
      measured.pacing_changed(limits);
      one.end(&answer);
      one.begin();
      one.end(nullptr, &overloaded);
    }
  };
  feed(8);
  auto const allocations = test::allocations();
  auto const used = mallinfo2().uordblks;
  feed(many_events);
  BOOST_TEST(test::allocations() == allocations);
  BOOST_TEST(mallinfo2().uordblks == used);
  BOOST_TEST(integer(exposition_reader(measured.text()).value("claudio_attempts_total")) == many_events / 8 + 1);
}

BOOST_AUTO_TEST_SUITE_END()
