// Streams as bytes: the same ones through message_stream and chat_stream, ended and broken at every point.
#include "core/message_accumulator.hpp"
#include "support/call.hpp"
#include "support/log_capture.hpp"
#include "support/test.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::fake_server_options;
using claudio::testing::reply;
namespace asio = boost::asio;

namespace {

std::string event(std::string const& data, std::string const& name = std::string()) {
  return (name.empty() ? "" : "event: " + name + "\n") + "data: " + data + "\n\n";
}

std::string const begin = event(
    R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],)"
    R"("stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}})");
std::string const text =
    event(R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})") +
    event(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}})");
std::string const end =
    event(R"({"type":"content_block_stop","index":0})") +
    event(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}})") +
    event(R"({"type":"message_stop"})");

// What a consumer has seen of a stream.
class seen {
public:
  seen() = default;

  std::string text;
  std::vector<std::string> arguments; // of each tool call
  std::string finish_reason;          // of a chat stream
  std::string types;                  // of a message stream's events
  std::string answer;                 // its text
  std::vector<std::string> warnings;
  std::optional<error> failure;
};

asio::awaitable<seen> read_chunks(client endpoint) {
  seen got;
  auto opening = test::model_at(std::move(endpoint)).stream(test::hello());
  auto stream = co_await std::move(opening);
  if (!stream) {
    got.failure.emplace(stream.error());
    co_return got;
  }
  while (true) {
    auto reading = stream->next();
    auto const chunk = co_await std::move(reading);
    if (!chunk)
      got.failure.emplace(chunk.error());
    if (!chunk || !*chunk)
      break;
    got.text += (*chunk)->text();
    if ((*chunk)->begins_tool_call())
      got.arguments.emplace_back();
    else if (!(*chunk)->tool_arguments().empty())
      got.arguments.at((*chunk)->tool_index()) += (*chunk)->tool_arguments();
    got.finish_reason += (*chunk)->finish_reason();
  }
  got.answer = stream->response().text();
  got.warnings = stream->response().warnings();
  co_return got;
}

asio::awaitable<seen> read_events(client endpoint) {
  seen got;
  auto opening = endpoint.stream(test::native_hello());
  auto stream = co_await std::move(opening);
  if (!stream) {
    got.failure.emplace(stream.error());
    co_return got;
  }
  while (true) {
    auto reading = stream->next();
    auto const event = co_await std::move(reading);
    if (!event)
      got.failure.emplace(event.error());
    if (!event || !*event)
      break;
    got.types += std::string((*event)->type()) + " ";
    got.text += (*event)->text();
  }
  got.answer = stream->response().text();
  co_return got;
}

using reader = asio::awaitable<seen> (*)(client);
constexpr reader readers[] = {&read_chunks, &read_events};

class fixture {
public:
  explicit fixture(bool tls) : server(options_of(tls)) {
    auto options = test::quick(server);
    options.retry.max_retries = 0;
    options.limits.first_byte = 5s;
    // Whoever waits for more than there is gets an error.
    options.limits.between_bytes = 100ms;
    endpoint.emplace(client::make(context.get_executor(), std::move(options), serial).value());
  }

  seen read(reader how, reply made) {
    server.clear_script();
    server.script({std::move(made)});
    return test::run(context, how(*endpoint));
  }
  seen read(reader how, std::string const& stream) {
    return read(how, reply::status(200, stream, "text/event-stream"));
  }

  fake_server server;
  asio::io_context context;
  std::optional<client> endpoint;

private:
  static fake_server_options options_of(bool tls) {
    fake_server_options options;
    options.tls = tls;
    return options;
  }
};

std::string chunk(std::string const& bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx", bytes.size());
  return std::string(size) + "\r\n" + bytes + "\r\n";
}

std::string const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

// A response that is sent as these bytes, the first of which hold the whole answer.
struct raw_response {
  std::string bytes;
  std::size_t complete;
  bool keeps; // the connection, when all of them have come
};

raw_response chunked(std::string const& answer, std::string const& rest) {
  auto const before = head + "transfer-encoding: chunked\r\n\r\n" + chunk(answer);
  return {before + (rest.empty() ? "" : chunk(rest)) + "0\r\n\r\n", before.size() - 2, true};
}

raw_response with_length(std::string const& answer, std::string const& rest) {
  auto const before = head + "content-length: " + std::to_string(answer.size() + rest.size()) + "\r\n\r\n" + answer;
  return {before + rest, before.size(), true};
}

raw_response until_close(std::string const& answer, std::string const& rest) {
  auto const before = head + "connection: close\r\n\r\n" + answer;
  return {before + rest, before.size(), false};
}

// From the end of the answer to that of the response, after which a session would be kept.
std::vector<std::size_t> cuts(raw_response const& made, std::size_t step) {
  std::vector<std::size_t> at;
  for (auto n = made.complete; n < made.bytes.size(); n += step)
    at.push_back(n);
  if (!made.keeps)
    at.push_back(made.bytes.size());
  return at;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stream_bytes)

// However the body goes on, and however it breaks off: the answer is complete, at once, and the session is kept where
// the body has ended.
BOOST_AUTO_TEST_CASE(nothing_behind_message_stop_matters) {
  std::string const rests[] = {"",
                               "data: [DONE]\n\n",
                               event(R"({"type":"ping"})", "ping") + event(R"({"type":"ping"})", "ping"),
                               event("late", "error"),
                               std::string("garbage \xff\0{", 11),
                               std::string(5000, 'x')};
  for (bool const tls : {true, false}) {
    fixture at(tls);
    for (auto const& rest : rests)
      for (auto const& made : {chunked(begin + text + end, rest), with_length(begin + text + end, rest),
                               until_close(begin + text + end, rest)})
        for (auto const n : cuts(made, rest.size() > 1000 ? 997 : tls ? 5 : 1))
          for (auto const how : readers)
            for (auto broken : {reply::garbage(made.bytes).stall_after(n), reply::garbage(made.bytes).reset_after(n),
                                reply::garbage(made.bytes).close_after(n)})
              BOOST_TEST_CONTEXT((tls ? "TLS" : "plain")
                                 << ", " << n << " of " << made.bytes.size() << " bytes, " << rest.substr(0, 20)) {
                auto const got = at.read(how, std::move(broken));
                BOOST_TEST(!got.failure, got.failure->message());
                BOOST_TEST(got.text == "Hello");
                BOOST_TEST(got.answer == "Hello");
                BOOST_TEST(at.endpoint->pool().open == 0u);
              }
  }
}

BOOST_AUTO_TEST_CASE(a_session_is_kept_when_the_body_has_ended) {
  for (bool const tls : {true, false})
    for (auto const& rest : {std::string(), std::string("data: [DONE]\n\n"), std::string(10'000, 'x')})
      for (auto const& made : {chunked(begin + text + end, rest), with_length(begin + text + end, rest)})
        for (auto const how : readers)
          BOOST_TEST_CONTEXT((tls ? "TLS, " : "plain, ") << rest.size()) {
            fixture at(tls);
            auto const got = at.read(how, reply::garbage(made.bytes).stall_after(made.bytes.size()));
            BOOST_TEST(!got.failure);
            BOOST_TEST(at.endpoint->pool().idle == 1u);
          }
}

// Also where the end has come, but is still in the socket when message_stop is taken.
BOOST_AUTO_TEST_CASE(the_end_of_a_body_is_read_from_the_socket) {
  for (bool const tls : {true, false})
    for (auto const& rest : {std::string(40'000, 'x'), std::string(100'000, 'x')}) {
      fixture at(tls);
      auto const made = chunked(begin + text + end, rest);
      auto read_after = [&](std::chrono::milliseconds pause) -> asio::awaitable<bool> {
        auto opening = at.endpoint->stream(test::native_hello());
        auto stream = co_await std::move(opening);
        asio::steady_timer timer(at.context, pause);
        co_await timer.async_wait(asio::use_awaitable);
        bool more = stream.has_value();
        while (more) {
          auto reading = stream->next();
          auto const event = co_await std::move(reading);
          BOOST_TEST(event.has_value());
          more = event && *event;
        }
        co_return at.endpoint->pool().idle == 1u;
      };
      bool kept = false;
      // The kernel is waited for.
      for (auto pause = 10ms; !kept && pause < 10s; pause *= 2) {
        at.server.script({reply::garbage(made.bytes).stall_after(made.bytes.size())});
        kept = test::run(at.context, read_after(pause));
      }
      BOOST_TEST(kept);
    }
}

// Before its last byte the answer is not complete.
BOOST_AUTO_TEST_CASE(a_stream_that_ends_before_message_stop) {
  fixture at(false);
  for (auto const& made :
       {chunked(begin + text + end, ""), with_length(begin + text + end, ""), until_close(begin + text + end, "")})
    for (std::size_t n = 1; n < made.complete; n += 7)
      for (auto const how : readers)
        BOOST_TEST_CONTEXT(n << " of " << made.bytes.size() << " bytes") {
          auto const got = at.read(how, reply::garbage(made.bytes).close_after(n));
          // Behind the event itself only the blank line is missing, which the end of a body stands in for.
          bool const is_whole = !made.keeps && n + 2 >= made.complete;
          BOOST_TEST(got.failure.has_value() != is_whole);
          BOOST_TEST(std::string("Hello").starts_with(got.text));
          BOOST_TEST(at.endpoint->pool().open == 0u);
        }
  // A stop_reason is no message_stop.
  for (auto const how : readers) {
    auto const got = at.read(how, begin + text + end.substr(0, end.find(R"(data: {"type":"message_stop)")));
    BOOST_REQUIRE(got.failure.has_value());
    BOOST_TEST(got.failure->code() == errc::stream_truncated);
    BOOST_TEST(got.answer == "Hello");
  }
}

BOOST_AUTO_TEST_CASE(blocks_are_matched_by_index) {
  auto const start = [](int index, std::string const& name) {
    return event(R"({"type":"content_block_start","index":)" + std::to_string(index) +
                 R"(,"content_block":{"type":"tool_use","id":"id_)" + name + R"(","name":")" + name +
                 R"(","input":{}}})");
  };
  auto const delta = [](int index, std::string const& piece) {
    return event(R"({"type":"content_block_delta","index":)" + std::to_string(index) +
                 R"(,"delta":{"type":"input_json_delta","partial_json":")" + piece + R"("}})");
  };
  auto const stop = [](int index) {
    return event(R"({"type":"content_block_stop","index":)" + std::to_string(index) + "}");
  };
  auto const stream = begin + start(0, "read_file") + start(1, "delete_file") + delta(1, R"({\"p\":\"tmp)") +
                      delta(0, R"({\"p\":\"keep)") + delta(1, R"(\"})") + stop(1) + delta(0, R"(\"})") +
                      event(R"({"type":"message_delta","delta":{"stop_reason":"tool_use"}})") + stop(0) +
                      event(R"({"type":"message_stop"})");
  fixture at(false);
  auto const chunks = at.read(&read_chunks, stream);
  BOOST_TEST(!chunks.failure);
  BOOST_REQUIRE(chunks.arguments.size() == 2u);
  BOOST_TEST(chunks.arguments[0] == R"({"p":"keep"})");
  BOOST_TEST(chunks.arguments[1] == R"({"p":"tmp"})");
  BOOST_TEST(chunks.finish_reason == "tool_calls");
  BOOST_TEST(!at.read(&read_events, stream).failure);
  // What belongs to no block is an error, with what had come before it.
  for (auto const how : readers) {
    auto const lost = at.read(how, begin + text + delta(3, "x") + end);
    BOOST_REQUIRE(lost.failure.has_value());
    BOOST_TEST(lost.failure->code() == errc::protocol);
    BOOST_TEST(lost.failure->message().find("index 3") != std::string::npos);
    BOOST_TEST(lost.answer == "Hello");
    BOOST_TEST(lost.finish_reason == "");
  }
}

BOOST_AUTO_TEST_CASE(errors_in_streams) {
  fixture at(false);
  std::pair<std::string, errc> const rows[] = {
      {event("upstream connect error", "error"), errc::server_error},
      {event(R"({"error":{"type":"overloaded_error","message":"Overloaded"}})"), errc::overloaded},
      {event(R"({"error":"no capacity"})"), errc::server_error}};
  for (auto const& [text_of_error, code] : rows)
    for (auto const& before : {std::string(), begin + text + event("")})
      for (auto const how : readers) {
        auto const got = at.read(how, before + text_of_error + end);
        BOOST_REQUIRE(got.failure.has_value());
        BOOST_TEST(got.failure->code() == code);
        BOOST_TEST(got.text == (before.empty() ? "" : "Hello"));
      }
  // One before the first event is its attempt's, and the next may succeed.
  auto options = test::quick(at.server);
  auto const patient = client::make(at.context.get_executor(), std::move(options), serial).value();
  at.server.script({reply::status(200, event("busy", "error"), "text/event-stream"),
                    reply::status(200, R"({"error":{"type":"api_error","message":"busy"}})"), reply::answer("There.")});
  BOOST_TEST(test::run(at.context, read_chunks(patient)).text == "There.");
}

BOOST_AUTO_TEST_CASE(text_that_is_not_unicode) {
  auto const stream =
      begin + text +
      event(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" \ud800"}})") +
      event("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\xe9!\"}}") +
      end;
  fixture at(false);
  for (auto const how : readers) {
    auto const got = at.read(how, stream);
    BOOST_TEST(!got.failure);
    BOOST_TEST(got.text == "Hello \xef\xbf\xbd\xef\xbf\xbd!");
    BOOST_TEST(got.answer == got.text);
    if (how == &read_chunks) {
      BOOST_REQUIRE(got.warnings.size() == 1u);
      BOOST_TEST(got.warnings.front() == message_accumulator::repair_warning);
    }
  }
  BOOST_TEST(test::captured_log().find(message_accumulator::repair_warning) != std::string::npos);
}

// A server that does not stream.
BOOST_AUTO_TEST_CASE(a_whole_answer) {
  std::string const whole =
      R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"},)"
      R"({"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use","stop_sequence":null,)"
      R"("usage":{"input_tokens":3,"output_tokens":2}})";
  for (bool const tls : {true, false}) {
    fixture at(tls);
    for (std::string const type : {"application/json", "Application/JSON; charset=utf-8", "text/event-stream"})
      for (auto const how : readers) {
        auto const got = at.read(how, reply::status(200, whole, type));
        BOOST_TEST(!got.failure, got.failure->message());
        BOOST_TEST(got.text == "Hello");
        BOOST_TEST(got.answer == "Hello");
        if (how == &read_events)
          BOOST_TEST(got.types ==
                     "message_start content_block_start content_block_delta content_block_stop "
                     "content_block_start content_block_delta content_block_stop message_delta message_stop ");
        else
          BOOST_TEST(got.finish_reason == "tool_calls");
        BOOST_TEST(at.endpoint->pool().idle == 1u);
      }
    BOOST_TEST(at.server.connections() == 1u);
  }
  fixture at(false);
  std::pair<reply, errc> const rows[] = {
      {reply::status(200, R"({"type":"error","error":{"type":"authentication_error","message":"x"}})"),
       errc::authentication},
      {reply::status(200, R"({"error":"busy"})"), errc::server_error},
      {reply::status(200, R"({"object":"chat.completion"})"), errc::protocol},
      {reply::status(200, whole.substr(0, whole.size() - 1)), errc::stream_truncated},
      {reply::status(200, ""), errc::stream_truncated},
      {reply::status(200, whole).half_body(), errc::connect}};
  for (auto const& [made, code] : rows)
    for (auto const how : readers) {
      auto const got = at.read(how, made);
      BOOST_REQUIRE(got.failure.has_value());
      BOOST_TEST(got.failure->code() == code);
      BOOST_TEST(got.text == "");
    }
}

BOOST_AUTO_TEST_SUITE_END()
