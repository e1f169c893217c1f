#include "async/parse_in_slices.hpp"
#include "support/call.hpp"
#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>

using namespace claudio;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;

namespace {

constexpr std::size_t megabyte = 1024 * 1024;

std::string body_with(std::string const& block) {
  return R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[)" + block +
         R"(],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}})";
}

std::string text_block(std::string const& text) { return R"({"type":"text","text":")" + text + R"("})"; }

std::string repeat(std::string_view text, std::size_t bytes) {
  std::string made;
  while (made.size() < bytes)
    made += text;
  return made;
}

std::string sse(std::string const& data) { return "data: " + data + "\n\n"; }

std::string stream_of(std::string const& events) {
  return sse(R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",)"
             R"("model":"claude-sonnet-4-6","content":[],"usage":{"input_tokens":1,"output_tokens":1}}})") +
         events + sse(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}})") +
         sse(R"({"type":"message_stop"})");
}

std::string begin_block(std::string const& block) {
  return sse(R"({"type":"content_block_start","index":0,"content_block":)" + block + "}");
}

std::string delta(std::string const& type, std::string const& member, std::string const& text) {
  return sse(R"({"type":"content_block_delta","index":0,"delta":{"type":")" + type + R"(",")" + member + R"(":")" +
             text + R"("}})");
}

std::string const end_block = sse(R"({"type":"content_block_stop","index":0})");

reply stream_reply(std::string const& events) { return reply::status(200, stream_of(events), "text/event-stream"); }

asio::awaitable<result<message>> read_stream(client endpoint) {
  auto stream = co_await endpoint.stream(test::native_hello());
  if (!stream)
    co_return stream.error();
  while (true) {
    auto event = co_await stream->next();
    if (!event)
      co_return event.error();
    if (!*event)
      break;
  }
  co_return stream->response();
}

class fixture {
public:
  explicit fixture(provider_options options)
      : endpoint(client::make(context.get_executor(), std::move(options), serial).value()) {}

  result<message> create() { return test::run(context, endpoint.create(test::native_hello())); }
  result<message> stream() { return test::run(context, read_stream(endpoint)); }

  asio::io_context context;
  client endpoint;
};

provider_options limited(fake_server const& server, std::uint64_t limit) {
  auto options = test::quick(server);
  options.max_answer_bytes = limit;
  return options;
}

void check_too_large(result<message> const& outcome, std::uint64_t limit) {
  BOOST_REQUIRE(outcome.has_error());
  BOOST_TEST(outcome.error().code() == errc::protocol);
  BOOST_TEST(outcome.error().param() == "max_answer_bytes");
  BOOST_TEST(outcome.error().message() ==
             "the answer is larger than " + std::to_string(limit) +
                 " bytes (max_answer_bytes); ask for less (max_tokens), or raise the limit");
  BOOST_TEST(outcome.error().info().attempts == 1u);
}

// Calls `turn` each time that the context gets to it, until it says that it is enough.
asio::awaitable<void> keep_taking_turns(std::function<bool()> turn) {
  auto const executor = co_await asio::this_coro::executor;
  while (turn())
    co_await asio::post(executor, asio::use_awaitable);
}

} // namespace

BOOST_AUTO_TEST_SUITE(large_answers)

BOOST_AUTO_TEST_CASE(other_work_runs_between_the_slices) {
  asio::io_context context;
  std::string const text = "[" + repeat("0,", megabyte) + "0]";
  bool over = false;
  unsigned turns = 0;
  auto parse = [&]() -> asio::awaitable<bool> {
    sliced_json document(text);
    auto work = detail::parse_in_slices(document);
    co_await std::move(work);
    over = true;
    co_return document.take().has_error();
  };
  asio::co_spawn(context, keep_taking_turns([&] { return !over && ++turns; }), asio::detached);
  BOOST_TEST(test::run(context, parse())); // for its number of values
  BOOST_TEST(turns >= sliced_json::most_values * 2 / sliced_json::slice);
}

// Its session is idle as soon as all has arrived.
BOOST_AUTO_TEST_CASE(other_work_runs_while_an_answer_is_parsed) {
  fake_server server;
  auto const text = repeat("0123456789", 2 * megabyte);
  server.script({reply::status(200, body_with(text_block(text)))});
  fixture at(test::quick(server));
  bool over = false;
  unsigned turns = 0;
  asio::co_spawn(at.context, keep_taking_turns([&] {
                   turns += at.endpoint.pool().idle > 0 ? 1 : 0;
                   return !over;
                 }),
                 asio::detached);
  auto call = [&]() -> asio::awaitable<result<message>> {
    auto outcome = co_await at.endpoint.create(test::native_hello());
    over = true;
    co_return outcome;
  };
  auto const answer = test::run(at.context, call());
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST((answer->text() == text));
  BOOST_TEST(answer->info().served_model == "claude-sonnet-4-6");
  BOOST_TEST(turns >= text.size() / sliced_json::slice);
}

BOOST_AUTO_TEST_CASE(a_call_is_cancelled_while_its_answer_is_parsed) {
  fake_server server;
  server.script({reply::status(200, body_with(text_block(repeat("0123456789", 2 * megabyte))))});
  fixture at(test::quick(server));
  asio::cancellation_signal cancel;
  std::optional<result<message>> outcome;
  asio::co_spawn(at.context, at.endpoint.create(test::native_hello()),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failure, result<message> got) {
                   BOOST_TEST(!failure);
                   outcome.emplace(std::move(got));
                 }));
  asio::co_spawn(at.context, keep_taking_turns([&] {
                   if (outcome || at.endpoint.pool().idle == 0)
                     return !outcome;
                   cancel.emit(asio::cancellation_type::terminal);
                   return false;
                 }),
                 asio::detached);
  at.context.run();
  BOOST_REQUIRE(outcome.has_value());
  BOOST_REQUIRE(outcome->has_error());
  BOOST_TEST(outcome->error().code() == errc::cancelled);
  BOOST_TEST(at.create().has_value());
}

BOOST_AUTO_TEST_CASE(a_large_event_is_like_a_small_one) {
  fake_server server;
  auto const text = repeat("0123456789", sliced_json::small);
  auto const input = "{\\\"a\\\":\\\"" + text + "\\\"}";
  std::string const streams[] = {begin_block(text_block("")) + delta("text_delta", "text", text) + end_block,
                                 begin_block(text_block("")) + delta("text_delta", "text", "\\u0030" + text.substr(1)) +
                                     end_block,
                                 begin_block(text_block(text)) + end_block,
                                 begin_block(R"({"type":"tool_use","id":"t","name":"n","input":{}})") +
                                     delta("input_json_delta", "partial_json", input) + end_block,
                                 begin_block(R"({"type":"tool_use","id":"t","name":"n","input":{}})") +
                                     delta("input_json_delta", "partial_json", input.substr(0, 1000)) +
                                     delta("input_json_delta", "partial_json", input.substr(1000, 100'000)) +
                                     delta("input_json_delta", "partial_json", input.substr(101'000)) + end_block};
  fixture at(test::quick(server));
  for (auto const& events : streams) {
    server.script({stream_reply(events)});
    auto const answer = at.stream();
    BOOST_REQUIRE(answer.has_value());
    BOOST_TEST(answer->stop_reason() == "end_turn");
    BOOST_REQUIRE(answer->content().size() == 1u);
    auto const& block = answer->content()[0].as_object();
    auto const& got = block.contains("text") ? block.at("text") : block.at("input").at("a");
    BOOST_TEST((got.as_string() == boost::json::string_view(text)));
  }
  BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(an_event_of_too_many_values_ends_the_stream) {
  fake_server server;
  auto const list = "[" + repeat("[],", megabyte * 2) + "[]]";
  server.script({stream_reply(begin_block(R"({"type":"x","y":)" + list + "}"))});
  fixture at(test::quick(server));
  auto const outcome = at.stream();
  BOOST_REQUIRE(outcome.has_error());
  BOOST_TEST(outcome.error().code() == errc::protocol);
  BOOST_TEST(outcome.error().message().find("an event that is JSON with more than 500000 values") != std::string::npos);
  BOOST_TEST(server.requests().size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_answer_of_too_many_values_is_refused_once) {
  fake_server server;
  server.script({reply::status(200, body_with(repeat("[],", megabyte * 2) + "[]"))});
  fixture at(test::quick(server));
  auto const outcome = at.create();
  BOOST_REQUIRE(outcome.has_error());
  BOOST_TEST(outcome.error().code() == errc::protocol);
  BOOST_TEST(outcome.error().http_status() == 200);
  BOOST_TEST(outcome.error().message().find("more than 500000 values") != std::string::npos);
  BOOST_TEST(server.requests().size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_answer_above_the_limit_is_refused_once) {
  fake_server server;
  auto const body = body_with(text_block("0123456789"));
  fixture fits(limited(server, body.size()));
  fixture at(limited(server, body.size() - 1));
  server.script({reply::status(200, body)});
  BOOST_TEST(fits.create().has_value());
  server.script({reply::status(200, body), reply::answer("again")});
  check_too_large(at.create(), body.size() - 1);
  server.clear_script();
}

// One event, and all of them together.
BOOST_AUTO_TEST_CASE(a_stream_above_the_limit_ends) {
  constexpr std::uint64_t limit = 10'000;
  fake_server server;
  fixture at(limited(server, limit));
  auto const piece = delta("text_delta", "text", std::string(100, 'x'));
  server.script({stream_reply(begin_block(text_block("")) + delta("text_delta", "text", std::string(limit, 'x')))});
  check_too_large(at.stream(), limit);
  server.script({stream_reply(begin_block(text_block("")) + repeat(piece, piece.size() * 90) + end_block)});
  BOOST_TEST(at.stream().has_value());
  server.script({stream_reply(begin_block(text_block("")) + repeat(piece, piece.size() * 100) + end_block)});
  check_too_large(at.stream(), limit);
}

BOOST_AUTO_TEST_CASE(of_a_large_error_its_begin_is_told) {
  fake_server server;
  fixture at(limited(server, 1000));
  auto const large = "<html>no such thing " + repeat("x", 3 * megabyte);
  server.script({reply::status(404, large, "text/html")});
  auto const outcome = at.create();
  BOOST_REQUIRE(outcome.has_error());
  BOOST_TEST(outcome.error().code() == errc::model_not_found);
  BOOST_TEST(outcome.error().message().find("<html>no such thing xxx") != std::string::npos);
  BOOST_TEST(at.endpoint.pool().idle == 0u);
  BOOST_TEST(at.create().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
