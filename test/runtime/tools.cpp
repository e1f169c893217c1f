#include "support/tools.hpp"

#include "support/test.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::test::calls;
using claudio::test::json;
using claudio::test::wait;
using claudio::test::weather_tools;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;
using boost::json::object;

namespace {

class tools_fixture {
public:
  tools_fixture() : claude(test::model_at(client::make(context.get_executor(), test::quick(server), serial).value())) {}

  result<tool_run> run(toolbox tools, run_tools_options options = run_tools_options(),
                       chat_request request = test::hello()) {
    return test::run(context, run_tools(claude, std::move(request), std::move(tools), std::move(options)));
  }

  // The content of the last user turn of the nth request, from 0.
  boost::json::array results(std::size_t n) {
    auto const body = json(server.requests().at(n).body);
    return body.at("messages").as_array().back().at("content").as_array();
  }

  // What one call's result was on the wire.
  boost::json::value one_result(toolbox tools, std::string name, std::string input) {
    server.script({calls({{std::move(name), std::move(input)}}), reply::answer("done")});
    auto const before = server.requests().size();
    auto const outcome = run(std::move(tools));
    BOOST_REQUIRE(outcome.has_value());
    BOOST_TEST(outcome->response.text() == "done");
    return results(before + 1).at(0);
  }

  fake_server server;
  asio::io_context context;
  model claude;
};

std::string failure_of(boost::json::value const& outcome) {
  BOOST_TEST(outcome.at("is_error").as_bool());
  return std::string(outcome.at("content").as_string());
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(tools, tools_fixture)

BOOST_AUTO_TEST_CASE(two_turns_with_two_tools_side_by_side) {
  server.script({calls({{"weather", R"({"city":"slow"})"}, {"time", "{}"}}), calls({{"weather", R"({"city":"Rome"})"}}),
                 reply::answer("Sunny.")});
  std::vector<std::string> steps;
  run_tools_options options;
  options.on_step = [&](tool_step const& step) {
    steps.push_back(std::to_string(step.turn) + " " +
                    (step.response ? std::string(step.response->finish_reason())
                                   : std::string(step.tool) + " " + std::string(step.arguments)));
    BOOST_TEST((step.response == nullptr) == (step.result != nullptr));
    BOOST_TEST(step.duration.count() > 0);
  };
  auto const run = this->run(weather_tools(), options);
  BOOST_REQUIRE(run.has_value());
  BOOST_TEST(run->response.text() == "Sunny.");
  BOOST_TEST((run->end == tool_run_end::answered));
  BOOST_TEST(run->turns == 3u);
  BOOST_TEST(run->usage.total_tokens == 30 + run->response.usage().total_tokens);
  BOOST_TEST((steps == std::vector<std::string>{"1 tool_calls", "1 time {}", R"(1 weather {"city":"slow"})",
                                                "2 tool_calls", R"(2 weather {"city":"Rome"})", "3 stop"}));
  // In the order of the calls, not of their ends.
  BOOST_TEST(
      boost::json::serialize(results(1)) ==
      R"([{"type":"tool_result","tool_use_id":"t1","content":"sunny in slow"},{"type":"tool_result","tool_use_id":"t2","content":"{\"hour\":12}"}])");
  auto const first = json(server.requests().at(0).body);
  BOOST_TEST(
      boost::json::serialize(first.at("tools")) ==
      R"([{"name":"weather","description":"The weather in a city.","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}},{"name":"time","input_schema":{"type":"object","properties":{}}}])");

  // The chat goes on from there, without a second set of tools.
  auto request = run->request;
  BOOST_TEST(request.json().at("messages").as_array().size() == 8u);
  server.script({reply::answer("Still sunny.")});
  BOOST_REQUIRE(this->run(weather_tools(), options, request.user("And now?")).has_value());
  BOOST_TEST(json(server.requests().at(3).body).at("tools") == first.at("tools"));
}

BOOST_AUTO_TEST_CASE(a_coroutine_awaits_it_as_documented) {
  server.script({calls({{"time", "{}"}}), reply::answer("Noon.")});
  auto const tools = weather_tools();
  auto work = [&]() -> asio::awaitable<result<tool_run>> {
    auto run = co_await run_tools(claude, test::hello(), tools);
    co_return run;
  };
  BOOST_TEST(test::run(context, work()).value().response.text() == "Noon.");
}

BOOST_AUTO_TEST_CASE(no_tools_and_no_calls) {
  server.script({reply::answer("Hi.")});
  auto const run = this->run(toolbox());
  BOOST_REQUIRE(run.has_value());
  BOOST_TEST(run->turns == 1u);
  BOOST_TEST(!run->request.json().contains("tools"));
  BOOST_TEST(run->request.json().at("messages").as_array().back().at("content") == "Hi.");
}

BOOST_AUTO_TEST_CASE(no_more_at_once_than_allowed) {
  std::vector<std::pair<std::string, std::string>> many(9, {"work", "{}"});
  for (unsigned const most : {1u, 3u, 20u}) {
    server.script({calls(many), reply::answer("done")});
    unsigned now = 0, peak = 0, total = 0;
    toolbox tools;
    tools.add("work", "", object(), [&](object) -> asio::awaitable<tool_result> {
      peak = std::max(peak, ++now);
      auto waiting = wait(2ms);
      co_await std::move(waiting);
      --now;
      co_return std::to_string(++total);
    });
    run_tools_options options;
    options.max_parallel = most;
    BOOST_REQUIRE(run(tools, options).has_value());
    BOOST_TEST(total == 9u);
    BOOST_TEST(peak == std::min(most, 9u));
  }
}

BOOST_AUTO_TEST_CASE(what_goes_wrong_with_a_tool_goes_back_to_the_model) {
  auto tools = weather_tools();
  tools.add("error", "", object(),
            [](object) -> result<tool_result> { return error(errc::connect, "the station is silent"); });
  tools.add("cancelled", "", object(), [](object) -> result<tool_result> { return error(errc::cancelled, "gave up"); });
  tools.add("exception", "", object(), [](object) -> std::string { throw std::runtime_error("out of range"); });
  tools.add("odd", "", object(), [](object) -> std::string { throw 7; });
  tools.add("aborted", "", object(), [](object) -> asio::awaitable<tool_result> {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, 1h);
    asio::post(executor, [&] { timer.cancel(); });
    co_await timer.async_wait(asio::use_awaitable);
    co_return "never";
  });
  tools.add("failure", "", object(), [](object) { return tool_result::failure("no such town"); });
  BOOST_TEST(
      failure_of(one_result(tools, "wether", "{}")) ==
      "there is no tool \"wether\"; there are: weather, time, error, cancelled, exception, odd, aborted, failure");
  BOOST_TEST(failure_of(one_result(tools, "weather", "{}")) == "arguments.city: missing");
  BOOST_TEST(failure_of(one_result(tools, "weather", R"({"city":7})")) == "arguments.city: expected a string, got 7");
  BOOST_TEST(failure_of(one_result(tools, "error", "{}")) == "the tool failed: the station is silent");
  BOOST_TEST(failure_of(one_result(tools, "cancelled", "{}")) == "the tool failed: gave up");
  BOOST_TEST(failure_of(one_result(tools, "exception", "{}")) == "the tool failed: out of range");
  BOOST_TEST(failure_of(one_result(tools, "odd", "{}")) == "the tool failed: unknown exception");
  BOOST_TEST(failure_of(one_result(tools, "aborted", "{}")).starts_with("the tool failed: Operation canceled"));
  BOOST_TEST(failure_of(one_result(tools, "failure", "{}")) == "no such town");
}

BOOST_AUTO_TEST_CASE(a_call_without_a_model) {
  auto const tools = weather_tools();
  auto call = [&](char const* name, char const* arguments) {
    return test::run(context, tools.call(name, arguments)).value();
  };
  BOOST_TEST(call("weather", R"({"city":"Oslo"})").content() == "sunny in Oslo");
  BOOST_TEST(call("weather", "{").content() == "the arguments are not valid JSON at byte 1: incomplete JSON");
  BOOST_TEST(call("weather", "[]").content() == "arguments: expected an object, got an array");
  BOOST_TEST(test::run(context, toolbox().call("x", "{}"))->content() == "there is no tool \"x\"; there are: none");
}

BOOST_AUTO_TEST_CASE(images_and_several_parts_on_the_wire) {
  toolbox tools;
  tools.add("map", "", object(),
            [](object) { return tool_result("a map").add(tool_result::image("image/png", "iVBORw0KGgo=")); });
  tools.add("nothing", "", object(), [](object) { return tool_result(); });
  BOOST_TEST(
      boost::json::serialize(one_result(tools, "map", "{}")) ==
      R"({"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"a map"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]})");
  BOOST_TEST(boost::json::serialize(one_result(tools, "nothing", "{}")) ==
             R"({"type":"tool_result","tool_use_id":"t1"})");
}

BOOST_AUTO_TEST_CASE(names_are_there_once) {
  auto tools = weather_tools();
  auto const handler = [](object) { return "x"; };
  BOOST_CHECK_THROW(tools.add("time", "", object(), handler), configuration_error);
  BOOST_CHECK_THROW(tools.add("", "", object(), handler), configuration_error);
  BOOST_TEST(tools.definitions().size() == 2u);
  // Any name does: the wire has another spelling, the call comes back with its own.
  tools.add("über.tool", "", object(), handler);
  std::string spelling;
  server.on_request([&](testing::received_request const& request) {
    if (request.body.find("tool_result") != std::string::npos)
      return reply::answer("done");
    spelling = json(request.body).at("tools").at(2).at("name").as_string();
    return calls({{spelling, "{}"}});
  });
  BOOST_REQUIRE(run(tools).has_value());
  BOOST_TEST(spelling != "über.tool");
  BOOST_TEST(results(1).at(0).at("content") == "x");
}

BOOST_AUTO_TEST_CASE(handlers_of_every_kind) {
  toolbox tools;
  auto owned = std::make_unique<std::string>("moved in");
  tools.add("a", "", object(), [owned = std::move(owned)](object) { return *owned; });
  tools.add("b", "", object(), [](object) -> asio::awaitable<char const*> { co_return "b"; });
  tools.add("c", "", object(), [](object) -> asio::awaitable<result<boost::json::value>> { co_return object(); });
  tools.add("d", "", object(), [](object) -> result<boost::json::array> { return boost::json::array(2); });
  std::string said;
  for (char const* name : {"a", "b", "c", "d"})
    said += std::string(test::run(context, tools.call(name, "{}"))->content().as_string()) + " ";
  BOOST_TEST(said == "moved in b {} [null,null] ");
  auto gives_nothing = [](object) {};
  auto takes_nothing = [] { return "x"; };
  static_assert(!tool_handler<decltype(gives_nothing)>);
  static_assert(!tool_handler<decltype(takes_nothing)>);
}

BOOST_AUTO_TEST_CASE(limits_end_the_loop_with_the_last_answer) {
  server.on_request([](testing::received_request const&) { return calls({{"time", "{}"}, {"time", "{}"}}); });
  run_tools_options options;
  options.max_turns = 2;
  auto const turns = run(weather_tools(), options);
  BOOST_REQUIRE(turns.has_value());
  BOOST_TEST((turns->end == tool_run_end::max_turns));
  BOOST_TEST(turns->turns == 2u);
  BOOST_TEST(turns->response.tool_calls().size() == 2u);
  auto const& last = turns->request.json().at("messages").as_array().back();
  BOOST_TEST(
      boost::json::serialize(last) ==
      R"({"role":"tool","tool_call_id":"t2","content":"not carried out: the limit on turns was reached","is_error":true})");

  options.max_turns = 16;
  options.max_total_tokens = 45;
  auto const tokens = run(weather_tools(), options);
  BOOST_REQUIRE(tokens.has_value());
  BOOST_TEST((tokens->end == tool_run_end::max_total_tokens));
  BOOST_TEST(tokens->turns == 3u);
  BOOST_TEST(tokens->usage.prompt_tokens == 30u);

  // What was not carried out is answered, so that the strict translation takes the conversation as well.
  auto request = tokens->request;
  options.call.translation = translation_mode::strict;
  options.max_turns = 1;
  BOOST_TEST(run(weather_tools(), options, request.user("Go on.")).has_value());

  options.max_turns = 0;
  BOOST_TEST(run(weather_tools(), options).error().code() == errc::configuration);
  options.max_turns = 1;
  options.max_parallel = 0;
  BOOST_TEST(run(weather_tools(), options).error().code() == errc::configuration);
}

BOOST_AUTO_TEST_CASE(calls_of_an_answer_that_was_cut_off_are_not_carried_out) {
  server.script({reply::status(200, R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6",
    "content":[{"type":"tool_use","id":"t1","name":"time","input":{}}],"stop_reason":"max_tokens",
    "usage":{"input_tokens":10,"output_tokens":5}})")});
  auto const run = this->run(weather_tools());
  BOOST_REQUIRE(run.has_value());
  BOOST_TEST((run->end == tool_run_end::answered));
  BOOST_TEST(run->response.finish_reason() == "length");
  BOOST_TEST(run->request.json().at("messages").as_array().back().at("content") ==
             "not carried out: the answer ended with finish_reason \"length\"");
}

BOOST_AUTO_TEST_CASE(a_forced_choice_holds_for_one_turn) {
  for (char const* choice : {R"("required")", R"({"type":"function","function":{"name":"time"}})",
                             R"({"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[
                               {"type":"function","function":{"name":"time"}}]}})"}) {
    auto const before = server.requests().size();
    server.script({calls({{"time", "{}"}}), reply::answer("Noon.")});
    BOOST_REQUIRE(
        run(weather_tools(), run_tools_options(), test::hello().set("tool_choice", json(choice))).has_value());
    auto const type = [&](std::size_t n) {
      return json(server.requests().at(before + n).body).at("tool_choice").at("type").as_string();
    };
    BOOST_TEST(type(0) != "auto");
    BOOST_TEST(type(1) == "auto");
  }
}

BOOST_AUTO_TEST_CASE(errors_of_the_model_end_the_loop) {
  server.script({calls({{"time", "{}"}}), reply::status(401)});
  BOOST_TEST(run(weather_tools()).error().code() == errc::authentication);
  BOOST_TEST(test::run(context, run_tools(model(), test::hello(), toolbox())).error().code() == errc::configuration);
}

BOOST_AUTO_TEST_CASE(the_deadline_passes_during_a_handler) {
  server.script({calls({{"time", "{}"}, {"hang", "{}"}, {"hang", "{}"}})});
  int begun = 0, cancelled = 0;
  auto tools = weather_tools();
  tools.add("hang", "", object(), [&](object) -> asio::awaitable<tool_result> {
    ++begun;
    try {
      auto waiting = wait(1h);
      co_await std::move(waiting);
    } catch (boost::system::system_error const&) {
      ++cancelled;
      throw;
    }
    co_return "never";
  });
  run_tools_options options;
  options.max_parallel = 2;
  options.call.timeout(300ms);
  int hanging = 0;
  options.on_step = [&](tool_step const& step) { hanging += step.tool == "hang"; };
  auto const late = run(tools, options);
  BOOST_REQUIRE(late.has_error());
  BOOST_TEST(late.error().code() == errc::timeout);
  BOOST_TEST(late.error().message() == "the deadline passed while tools were running: hang, hang");
  BOOST_TEST(begun == cancelled);
  BOOST_TEST(hanging == 0);
}

BOOST_AUTO_TEST_SUITE_END()
