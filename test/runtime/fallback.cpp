// A model that fails, and those that answer in its place.
#include "core/lower_case.hpp"
#include "support/call.hpp"
#include "support/cancel.hpp"
#include "support/log_capture.hpp"
#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <map>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

constexpr auto opus = "claude-opus-4-6";
constexpr auto sonnet = "claude-sonnet-4-6";
constexpr auto haiku = "claude-haiku-4-5";

translation_target target_of(std::string name) {
  translation_target target;
  target.capabilities = capabilities_of(name);
  target.model = std::move(name);
  return target;
}

std::string model_of(testing::received_request const& request) {
  return std::string(test::json(request.body).at("model").as_string());
}

/// A server that answers each model as it is told to, and a model `opus` there, of which a failure is final at once.
class setting {
public:
  setting() {
    options = test::quick(server);
    options.retry.max_retries = 0;
    server.on_request([this](testing::received_request const& request) {
      auto const told = replies.find(model_of(request));
      return told == replies.end() ? reply::answer() : told->second;
    });
  }

  fallback_route route(std::string name, std::vector<errc> on = model_fallback().on) const {
    fallback_route made;
    made.endpoint = client::make(context.get_executor(), options, serial).value();
    made.target = target_of(std::move(name));
    made.on = std::move(on);
    return made;
  }

  model falls_back_to(std::vector<fallback_route> fallbacks) const {
    return model(route(opus).endpoint, target_of(opus), std::move(fallbacks));
  }

  result<chat_response> invoke(model claude, call_options call = call_options(), chat_request request = test::hello()) {
    return test::run(context, claude.invoke(std::move(request), std::move(call)));
  }

  std::vector<std::string> asked() const {
    std::vector<std::string> models;
    for (auto const& request : server.requests())
      models.push_back(model_of(request));
    return models;
  }

  std::map<std::string, reply> replies;
  fake_server server;
  provider_options options;
  mutable asio::io_context context;
};

using names = std::vector<std::string>;

// A stream read to its end: how it ended, and what had arrived.
class stream_outcome {
public:
  stream_outcome() = default;

  std::optional<error> failure;
  chat_response response;
};

asio::awaitable<result<stream_outcome>> read_all(model claude, call_options call) {
  auto opening = claude.stream(test::hello(), std::move(call));
  auto stream = co_await std::move(opening);
  if (!stream)
    co_return stream.error();
  stream_outcome read;
  while (true) {
    auto const chunk = co_await stream->next();
    if (!chunk)
      read.failure = chunk.error();
    if (!chunk || !*chunk)
      break;
  }
  read.response = stream->response();
  co_return read;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

} // namespace

BOOST_AUTO_TEST_SUITE(fallbacks)

BOOST_AUTO_TEST_CASE(a_fallback_answers) {
  setting all;
  all.options.retry.max_retries = 1;
  all.replies[opus] = reply::status(529).header("retry-after-ms", "20");
  auto const claude = all.falls_back_to({all.route(haiku)});
  auto const response = all.invoke(claude, call_options(), test::hello().model(opus));
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST((all.asked() == names{opus, opus, haiku}));
  BOOST_TEST(contains(response->text(), "Hello!"));
  BOOST_TEST(response->model() == haiku);
  BOOST_REQUIRE(response->warnings().size() == 1u);
  BOOST_TEST(response->warnings().front() ==
             "claude-opus-4-6 failed with overloaded (HTTP 529): claude-haiku-4-5 answered instead");
  auto const& info = response->info();
  BOOST_TEST(info.attempts == 3u);
  BOOST_TEST(info.fallbacks == 1u);
  BOOST_TEST(info.served_model == haiku);
  BOOST_TEST(info.request_id == "req_01fake000000000000000003");
  BOOST_TEST((info.backoff >= 20ms));
  BOOST_TEST((info.total >= info.backoff + info.first_byte));
  BOOST_TEST(contains(describe(info), "3 tries, "));
  BOOST_TEST(describe(info).ends_with(" of backoff, 1 fallback"));
  BOOST_TEST(contains(test::captured_log(), " to=claude-haiku-4-5 error="));
  BOOST_TEST(claude.name() == opus);
}

BOOST_AUTO_TEST_CASE(a_model_that_answers_needs_none) {
  setting all;
  auto const response = all.invoke(all.falls_back_to({all.route(haiku)}));
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST((all.asked() == names{opus}));
  BOOST_TEST(response->warnings().empty());
  BOOST_TEST(response->info().fallbacks == 0u);
  BOOST_TEST(response->info().attempts == 1u);
}

BOOST_AUTO_TEST_CASE(only_the_chosen_kinds_in_order) {
  struct row {
    int opus_status;
    int sonnet_status;
    names asked;
    errc outcome;
  };
  row const rows[] = {
      {529, 200, {opus, sonnet}, errc::none},
      {429, 200, {opus, haiku}, errc::none},            // not what the first is there for
      {500, 200, {opus}, errc::server_error},           // nor the second
      {529, 429, {opus, sonnet, haiku}, errc::none},    // it is the last error that counts
      {529, 401, {opus, sonnet}, errc::authentication}, // the first one's no more
      {400, 200, {opus}, errc::invalid_request},
  };
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.opus_status << " " << row.sonnet_status) {
      setting all;
      all.replies[opus] = reply::status(row.opus_status);
      if (row.sonnet_status != 200)
        all.replies[sonnet] = reply::status(row.sonnet_status);
      auto const response = all.invoke(
          all.falls_back_to({all.route(sonnet, {errc::overloaded}), all.route(haiku, {errc::rate_limited})}));
      BOOST_TEST((response ? errc::none : response.error().code()) == row.outcome);
      BOOST_TEST((all.asked() == row.asked));
      auto const& info = response ? response->info() : response.error().info();
      BOOST_TEST(info.fallbacks == row.asked.size() - 1);
    }
}

BOOST_AUTO_TEST_CASE(the_last_error_tells_of_those_before) {
  setting all;
  all.replies[opus] = reply::status(529);
  all.replies[sonnet] = reply::status(500);
  all.replies[haiku] = reply::status(429).header("retry-after", "7");
  auto const response = all.invoke(all.falls_back_to({all.route(sonnet), all.route(haiku)}));
  BOOST_REQUIRE(response.has_error());
  auto const& failure = response.error();
  BOOST_TEST(failure.code() == errc::rate_limited);
  BOOST_TEST(failure.http_status() == 429);
  BOOST_TEST(failure.retry_after().value().count() == 7000);
  BOOST_TEST(failure.request_id() == "req_01fake000000000000000003");
  BOOST_TEST(failure.message().ends_with(
      "; before it, claude-opus-4-6 failed with overloaded (HTTP 529, overloaded_error) [request id "
      "req_01fake000000000000000001], claude-sonnet-4-6 failed with server_error (HTTP 500, api_error) [request id "
      "req_01fake000000000000000002]"));
  BOOST_TEST(failure.info().attempts == 3u);
  BOOST_TEST(failure.info().fallbacks == 2u);
  BOOST_TEST(contains(describe(failure.info()), "2 fallbacks"));
}

BOOST_AUTO_TEST_CASE(all_of_it_has_the_time_of_one_call) {
  for (bool const by_total : {true, false})
    for (bool const streams : {true, false}) {
      setting all;
      all.replies[opus] = reply::stall();
      all.replies[sonnet] = reply::stall();
      // The limits of their own provider would allow more.
      std::vector<fallback_route> fallbacks{all.route(sonnet, {errc::timeout}), all.route(haiku, {errc::timeout})};
      all.options.limits.first_byte = 100ms;
      call_options call;
      if (by_total)
        all.options.limits.total = 600ms;
      else
        call.timeout(600ms);
      auto const claude = all.falls_back_to(std::move(fallbacks));
      auto const begin = steady::now();
      std::optional<error> failure;
      if (streams)
        failure = test::run(all.context, read_all(claude, call)).error();
      else
        failure = all.invoke(claude, call).error();
      BOOST_TEST(failure->code() == errc::timeout);
      BOOST_TEST((steady::now() - begin >= 590ms));
      BOOST_TEST((failure->info().total >= 590ms));
      BOOST_TEST(failure->info().fallbacks == 1u);
      BOOST_TEST((all.asked() == names{opus, sonnet}));
    }
}

BOOST_AUTO_TEST_CASE(a_stream_falls_back_until_its_first_event) {
  setting all;
  all.options.limits.total = 500ms;
  all.replies[opus] = reply::answer("no").error_after(0, "overloaded_error", "Overloaded");
  // The total binds until the first event only.
  all.replies[haiku] = reply::answer("one two three").pace(100ms);
  auto const read = test::run(all.context, read_all(all.falls_back_to({all.route(haiku)}), call_options()));
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(!read->failure.has_value());
  BOOST_TEST(read->response.text() == "one two three");
  BOOST_TEST(read->response.model() == haiku);
  BOOST_TEST(read->response.warnings().size() == 1u);
  auto const& info = read->response.info();
  BOOST_TEST(info.fallbacks == 1u);
  BOOST_TEST(info.attempts == 2u);
  BOOST_TEST(info.served_model == haiku);
  BOOST_TEST((info.total > 500ms));
}

BOOST_AUTO_TEST_CASE(a_stream_that_has_begun_fails_as_it_does) {
  setting all;
  all.replies[opus] = reply::status(529);
  all.replies[haiku] = reply::answer("one two three").error_after(4, "overloaded_error", "Overloaded");
  auto const claude = all.falls_back_to({all.route(haiku), all.route(sonnet)});
  auto const read = test::run(all.context, read_all(claude, call_options()));
  BOOST_REQUIRE(read.has_value());
  BOOST_REQUIRE(read->failure.has_value());
  BOOST_TEST(read->failure->code() == errc::overloaded);
  BOOST_TEST(read->failure->info().fallbacks == 1u);
  BOOST_TEST(read->failure->info().attempts == 2u);
  BOOST_TEST((all.asked() == names{opus, haiku}));
}

BOOST_AUTO_TEST_CASE(each_model_gets_the_request_as_it_takes_it) {
  setting all;
  all.replies[opus] = reply::status(529);
  auto fallback = all.route(haiku);
  fallback.target.capabilities->sampling = sampling_support::none;
  fallback.target.max_tokens = 77;
  chat_request const request = chat_request{}.model(opus).user("Hello!").temperature(0.5);
  auto const response = all.invoke(all.falls_back_to({fallback}), call_options(), request);
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->warnings().size() == 2u);
  auto const sent = test::json(all.server.requests().at(1).body).as_object();
  BOOST_TEST(!sent.contains("temperature"));
  BOOST_TEST(sent.at("max_tokens") == 77);

  // One that refuses it is passed over.
  fallback.target.mode = translation_mode::strict;
  auto const next = all.invoke(all.falls_back_to({fallback, all.route(sonnet)}), call_options(), request);
  BOOST_REQUIRE(next.has_value());
  BOOST_TEST(next->model() == sonnet);
  BOOST_TEST(next->info().fallbacks == 1u);
  BOOST_TEST(contains(test::captured_log(), "fallback_refused model=claude-haiku-4-5 field=temperature"));
  auto const none = all.invoke(all.falls_back_to({fallback}), call_options(), request);
  BOOST_TEST(none.error().code() == errc::overloaded);
  BOOST_TEST(none.error().info().fallbacks == 0u);
  BOOST_TEST(!contains(none.error().message(), "before it"));
}

BOOST_AUTO_TEST_CASE(what_the_model_itself_refuses_is_sent_nowhere) {
  setting all;
  auto const claude = all.falls_back_to({all.route(haiku, {errc::model_not_found})});
  BOOST_TEST(all.invoke(claude, call_options(), test::hello().model(haiku)).error().code() == errc::model_not_found);
  call_options strict;
  strict.translation = translation_mode::strict;
  BOOST_TEST(all.invoke(claude, strict, test::hello().set("seed", 1)).error().code() == errc::transformation);
  BOOST_TEST(all.asked().empty());
}

BOOST_AUTO_TEST_CASE(betas_and_headers_of_one_model_are_not_the_nexts) {
  setting all;
  all.replies[opus] = reply::status(529);
  call_options call;
  call.headers.emplace_back("anthropic-beta", "mine");
  auto const response = all.invoke(all.falls_back_to({all.route(haiku)}), call, test::hello().set("speed", "fast"));
  BOOST_REQUIRE(response.has_value());
  for (auto const& request : all.server.requests())
    BOOST_TEST(request.header("anthropic-beta") == "mine,fast-mode-2026-02-01");
}

BOOST_AUTO_TEST_CASE(a_stream_without_an_event_falls_back) {
  setting all;
  all.replies[opus] = reply::status(200, "", "text/event-stream");
  auto const read = test::run(all.context, read_all(all.falls_back_to({all.route(haiku)}), call_options()));
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(!read->failure.has_value());
  BOOST_TEST((all.asked() == names{opus, haiku}));
}

// What a caller gives for one provider is not another's to see; what carries no credential goes along.
BOOST_AUTO_TEST_CASE(credentials_of_a_call_stay_with_the_models_own_provider) {
  for (bool const streams : {false, true}) {
    setting all;
    all.replies[opus] = reply::status(529);
    all.replies[sonnet] = reply::status(529);
    auto const first = all.route(opus);
    auto own = all.route(haiku); // of the same provider as the model itself
    own.endpoint = first.endpoint;
    model const claude(first.endpoint, target_of(opus), {all.route(sonnet), own});
    call_options call;
    header_list const credentials{{"X-Api-Key", "tenant-key-12345"},     {"authorization", "Bearer tenant-token"},
                                  {"Proxy-Authorization", "Basic YTpi"}, {"Cookie", "session=1"},
                                  {"x-team-credential", "team"},         {"x-gateway", "bearer of-the-gateway"},
                                  {"x-forwarded", "sk-ant-other"}};
    call.headers = credentials;
    call.headers.emplace_back("x-tenant", "blue");
    call.headers.emplace_back("anthropic-beta", "mine");
    if (streams)
      BOOST_TEST(test::run(all.context, read_all(claude, call)).has_value());
    else
      BOOST_TEST(all.invoke(claude, call).has_value());
    auto const requests = all.server.requests();
    BOOST_REQUIRE((all.asked() == names{opus, sonnet, haiku}));
    for (auto const& [name, value] : credentials)
      BOOST_TEST_CONTEXT(name) {
        auto const configured = name == "X-Api-Key" ? std::string(all.options.api_key.reveal()) : std::string();
        BOOST_TEST(requests[0].header(lower_case(name)) == value);
        BOOST_TEST(requests[1].header(lower_case(name)) == configured);
        BOOST_TEST(requests[2].header(lower_case(name)) == value);
      }
    for (auto const& request : requests) {
      BOOST_TEST(request.header("x-tenant") == "blue");
      BOOST_TEST(request.header("anthropic-beta") == "mine");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_cancelled_call_does_not_fall_back) {
  setting all;
  all.replies[opus] = reply::stall();
  auto const claude = all.falls_back_to({all.route(haiku, {errc::cancelled, errc::timeout})});
  asio::cancellation_signal signal;
  std::optional<result<chat_response>> outcome;
  all.context.restart();
  asio::co_spawn(all.context, claude.invoke(test::hello()),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, result<chat_response> got) {
                   outcome.emplace(std::move(got));
                 }));
  while (all.asked().empty())
    all.context.run_one_for(10ms);
  signal.emit(asio::cancellation_type::terminal);
  all.context.run();
  BOOST_TEST(outcome.value().error().code() == errc::cancelled);
  BOOST_TEST((all.asked() == names{opus}));
}

BOOST_AUTO_TEST_CASE(cancelled_after_every_handler) {
  setting all;
  all.replies[opus] = reply::status(529);
  auto const begin = [&](asio::io_context& context, std::size_t) {
    test::ready_call<chat_response> call;
    call.caller = context.get_executor();
    call.endpoint = client::make(call.caller, all.options, serial).value();
    fallback_route fallback;
    fallback.endpoint = call.endpoint;
    fallback.target = target_of(haiku);
    call.work = model(call.endpoint, target_of(opus), {fallback}).invoke(test::hello());
    return call;
  };
  BOOST_TEST(test::cancel_after_every_handler<chat_response>(begin) > 5u);
}

BOOST_AUTO_TEST_CASE(tools_run_on_over_a_fallback) {
  setting all;
  all.server.script({reply::status(529), reply::answer().tool_call("add", {{"a", 1}}), reply::answer("done")});
  auto add = [](boost::json::object) -> asio::awaitable<result<tool_result>> { co_return tool_result("2"); };
  toolbox tools;
  boost::json::object schema;
  schema.emplace("type", "object");
  tools.add("add", "Adds.", schema, add);
  auto const done = test::run(all.context, run_tools(all.falls_back_to({all.route(haiku)}), test::hello(), tools));
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(done->response.text() == "done");
  BOOST_TEST((all.asked() == names{opus, haiku, opus}));
}

BOOST_AUTO_TEST_CASE(a_fallback_of_another_provider) {
  fake_server busy;
  fake_server const other;
  busy.on_request([](testing::received_request const&) { return reply::status(529); });
  configuration config;
  for (auto const& [name, server] : {std::pair<char const*, fake_server const*>{"busy", &busy}, {"other", &other}}) {
    provider_configuration provider;
    provider.name = name;
    provider.options = test::quick(*server);
    provider.options.retry.max_retries = 0;
    config.providers.push_back(provider);
  }
  provider_configuration broken = config.providers.back();
  broken.name = "broken";
  broken.options.ca_file = "/no/such/file";
  config.providers.push_back(broken);
  for (auto const& [name, provider] :
       {std::pair<char const*, char const*>{opus, "busy"}, {sonnet, "broken"}, {haiku, "other"}}) {
    model_configuration configured;
    configured.name = name;
    configured.provider_name = provider;
    configured.capabilities = capabilities_of(name);
    config.models.push_back(configured);
  }
  for (char const* name : {sonnet, haiku}) {
    model_fallback fallback;
    fallback.model = name;
    config.models.front().fallbacks.push_back(fallback);
  }
  asio::io_context context;
  model_manager const manager(context.get_executor(), config);
  auto const claude = manager.get_model_instance(opus).value();
  BOOST_TEST(contains(test::captured_log(),
                      R"(model "claude-opus-4-6" has to do without its fallback "claude-sonnet-4-6": )"));
  auto const response = test::run(context, claude.invoke(test::hello()));
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->model() == haiku);
  BOOST_TEST(busy.requests().size() == 1u);
  BOOST_TEST(other.requests().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
