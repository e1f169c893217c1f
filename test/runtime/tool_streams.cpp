// run_tools() with streamed answers, and in Anthropic's own format.
#include "support/test.hpp"
#include "support/tools.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::test::json;
using claudio::test::weather_tools;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;
using boost::json::object;

namespace {

class tool_streams_fixture {
public:
  tool_streams_fixture() : endpoint(client::make(context.get_executor(), test::quick(server), serial).value()) {}

  result<tool_run> chat(run_tools_options options) {
    return test::run(context, run_tools(test::model_at(endpoint), test::hello(), weather_tools(), std::move(options)));
  }
  result<native_tool_run> native(run_tools_options options = run_tools_options(),
                                 message_request request = test::native_hello()) {
    return test::run(context, run_tools(endpoint, std::move(request), weather_tools(), std::move(options)));
  }
  boost::json::value sent(std::size_t n) { return json(server.requests().at(n).body); }

  fake_server server;
  asio::io_context context;
  client endpoint;
};

reply let_me_see() { return reply::answer("Let me see.").tool_call("weather", {{"city", "Rome"}}, "t1"); }

} // namespace

BOOST_FIXTURE_TEST_SUITE(tool_streams, tool_streams_fixture)

BOOST_AUTO_TEST_CASE(chunks_of_all_turns_are_handed_over) {
  server.script({let_me_see(), reply::answer("Sunny.")});
  std::string text;
  unsigned ends = 0;
  run_tools_options options;
  options.on_chunk = [&](chat_chunk const& chunk) {
    text += chunk.text();
    ends += chunk.finish_reason().empty() ? 0 : 1;
  };
  std::vector<std::string> steps;
  options.on_step = [&](tool_step const& step) {
    steps.push_back(step.response ? std::string(step.response->text()) : std::string(step.tool));
  };
  auto const run = chat(options);
  BOOST_TEST(run.value().response.text() == "Sunny.");
  BOOST_TEST(run->turns == 2u);
  BOOST_TEST(run->usage.total_tokens > run->response.usage().total_tokens);
  BOOST_TEST(text == "Let me see.Sunny.");
  BOOST_TEST(ends == 2u);
  BOOST_TEST((steps == std::vector<std::string>{"Let me see.", "weather", "Sunny."}));
  BOOST_TEST(sent(0).at("stream").as_bool());
  BOOST_TEST(sent(1).at("stream").as_bool());
  // The conversation is the one that goes on without a stream.
  BOOST_TEST(!run->request.json().contains("stream"));
  server.script({let_me_see(), reply::answer("Sunny.")});
  auto const whole = chat(run_tools_options());
  BOOST_TEST(whole.value().request.json().at("messages") == run->request.json().at("messages"));
  BOOST_TEST(!sent(2).as_object().contains("stream"));
}

BOOST_AUTO_TEST_CASE(a_coroutine_is_awaited_for_each_chunk) {
  server.script({let_me_see(), reply::answer("Sunny.")});
  std::string text;
  bool busy = false;
  run_tools_options options;
  options.on_chunk = [&](chat_chunk const& chunk) -> asio::awaitable<void> {
    BOOST_TEST(!busy);
    busy = true;
    co_await asio::post(asio::use_awaitable);
    text += chunk.text();
    busy = false;
  };
  BOOST_TEST(chat(options).has_value());
  BOOST_TEST(text == "Let me see.Sunny.");
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_is_the_runs_error) {
  server.script({let_me_see(), reply::answer("Sunny.").cut_after_events(3)});
  run_tools_options options;
  options.on_chunk = [](chat_chunk const&) {};
  BOOST_TEST(chat(options).error().code() == errc::stream_truncated);
}

BOOST_AUTO_TEST_CASE(the_native_form) {
  server.script({let_me_see().tool_call("time", object(), "t2"), reply::answer("Sunny.")});
  unsigned answers = 0;
  run_tools_options options;
  options.on_step = [&](tool_step const& step) {
    BOOST_TEST(!step.response);
    answers += step.answer ? 1 : 0;
  };
  auto const run = native(options);
  BOOST_TEST(run.value().response.text() == "Sunny.");
  BOOST_TEST((run->end == tool_run_end::answered));
  BOOST_TEST(run->turns == 2u);
  BOOST_TEST(answers == 2u);
  BOOST_TEST(run->usage.output_tokens > run->response.usage().output_tokens);
  BOOST_TEST(
      boost::json::serialize(sent(0).at("tools")) ==
      R"([{"name":"weather","description":"The weather in a city.","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}},{"name":"time","input_schema":{"type":"object"}}])");
  BOOST_TEST(boost::json::serialize(sent(1).at("messages").at(2)) ==
             R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"sunny in Rome"},)"
             R"({"type":"tool_result","tool_use_id":"t2","content":"{\"hour\":12}"}]})");
  BOOST_TEST(run->request.json().at("messages").as_array().size() == 4u);
  // The conversation goes on with the same tools.
  auto request = run->request;
  server.script({reply::answer("Still sunny.")});
  BOOST_TEST(native(run_tools_options(), request.user("And now?")).has_value());
  BOOST_TEST(sent(2).at("tools") == sent(0).at("tools"));
}

BOOST_AUTO_TEST_CASE(the_native_form_streams) {
  server.script({let_me_see(), reply::answer("Sunny.")});
  std::string text;
  run_tools_options options;
  options.on_event = [&](message_event const& event) { text += event.text(); };
  auto const run = native(options);
  BOOST_TEST(run.value().response.text() == "Sunny.");
  BOOST_TEST(text == "Let me see.Sunny.");
  BOOST_TEST(sent(1).at("stream").as_bool());
}

BOOST_AUTO_TEST_CASE(the_native_form_has_limits) {
  run_tools_options options;
  options.max_turns = 1;
  server.script({let_me_see()});
  auto run = native(options);
  BOOST_TEST((run.value().end == tool_run_end::max_turns));
  auto const& result = run->request.json().at("messages").as_array().back().at("content").at(0);
  BOOST_TEST(result.at("is_error").as_bool());
  options = run_tools_options();
  options.max_total_tokens = 1;
  server.script({let_me_see()});
  run = native(options);
  BOOST_TEST((run.value().end == tool_run_end::max_total_tokens));
  options.max_parallel = 0;
  BOOST_TEST(native(options).error().code() == errc::configuration);
}

BOOST_AUTO_TEST_CASE(a_paused_turn_goes_on) {
  auto const paused = R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6",
    "content":[{"type":"text","text":"Searching."}],"stop_reason":"pause_turn","usage":{"input_tokens":1,"output_tokens":1}})";
  server.script({reply::status(200, paused), reply::answer("Found.")});
  auto const run = native();
  BOOST_TEST(run.value().response.text() == "Found.");
  BOOST_TEST(run->turns == 2u);
  BOOST_TEST(sent(1).at("messages").as_array().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_forced_choice_holds_for_the_first_turn) {
  server.script({let_me_see(), reply::answer("Sunny.")});
  auto const choice = json(R"({"type":"any","disable_parallel_tool_use":true})");
  BOOST_TEST(native(run_tools_options(), test::native_hello().set("tool_choice", choice)).has_value());
  BOOST_TEST(sent(0).at("tool_choice") == choice);
  BOOST_TEST(sent(1).at("tool_choice") == json(R"({"type":"auto","disable_parallel_tool_use":true})"));
}

BOOST_AUTO_TEST_CASE(images_are_the_formats_own) {
  toolbox tools;
  tools.add("look", "", object(), [](object) { return tool_result::image("image/png", "iVBORw0KGgo="); });
  server.script({reply::answer("").tool_call("look", object(), "t1"), reply::answer("A cat.")});
  BOOST_TEST(test::run(context, run_tools(endpoint, test::native_hello(), tools)).has_value());
  BOOST_TEST(boost::json::serialize(sent(1).at("messages").at(2).at("content").at(0).at("content")) ==
             R"([{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}])");
}

BOOST_AUTO_TEST_SUITE_END()
