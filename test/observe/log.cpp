// The log: what its lines say, what they must not say, and who decides how many there are.
#include "observe/loggers.hpp"
#include "support/call.hpp"
#include "support/log_capture.hpp"
#include "support/test.hpp"

#include <claudio/log.hpp>
#include <claudio/metrics.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;

namespace {

using texts = std::vector<std::string>;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// What is logged from now on.
class log_since {
public:
  std::string text() const { return test::captured_log().substr(begin_); }
  // The lines that have all of these in them.
  texts lines(texts const& parts) const {
    texts found;
    auto const all = text();
    for (std::size_t at = 0; at < all.size();) {
      auto const end = std::min(all.find('\n', at), all.size());
      auto const line = std::string_view(all).substr(at, end - at);
      if (std::all_of(parts.begin(), parts.end(), [&](auto const& part) { return contains(line, part); }))
        found.emplace_back(line);
      at = end + 1;
    }
    return found;
  }

private:
  std::size_t const begin_ = test::captured_log().size();
};

// Puts the levels and the history back as they were.
class log_settings {
public:
  log_settings() = default;
  log_settings(log_settings const&) = delete;
  log_settings& operator=(log_settings const&) = delete;
  ~log_settings() {
    set_log_level(log_level::debug);
    set_content_logging(false);
    keep_log_lines(100);
  }
};

asio::awaitable<bool> read_whole(client endpoint) {
  auto stream = co_await endpoint.stream(test::native_hello());
  while (stream) {
    auto const event = co_await stream->next();
    if (!event || !*event)
      co_return event.has_value();
  }
  co_return false;
}

// This program's case `log_child/name`, with loggers of the library's own making, and with environment variables. What
// it writes to standard error.
std::string run_child(std::string const& environment, std::string const& name) {
  auto const command = environment + " '" + std::filesystem::read_symlink("/proc/self/exe").string() +
                       "' --run_test=log_child/" + name + " --catch_system_errors=no 2>&1 >/dev/null";
  std::unique_ptr<FILE, int (*)(FILE*)> const output(popen(command.c_str(), "r"), pclose);
  BOOST_REQUIRE(output);
  std::string text;
  std::array<char, 4096> piece;
  while (auto const got = std::fread(piece.data(), 1, piece.size(), output.get()))
    text.append(piece.data(), got);
  return text;
}

void log_at_all_levels() {
  for (auto* const one : {&call_log(), &net_log(), &retry_log(), &translate_log()}) {
    one->log(spdlog::level::trace, "at_trace");
    one->debug("at_debug");
    one->info("at_info");
    one->warn("at_warning");
    one->log(spdlog::level::err, "at_error");
  }
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

// How many of the four loggers wrote at trace, debug, info, warning and error.
std::string levels_in(std::string_view text) {
  std::string all;
  for (auto const level : {"at_trace", "at_debug", "at_info", "at_warning", "at_error"})
    all += std::to_string(count(text, level));
  return all;
}

} // namespace

// What `run_child()` runs.
BOOST_AUTO_TEST_SUITE(log_child, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(levels) {
  spdlog::drop_all();
  log_at_all_levels();
}

BOOST_AUTO_TEST_CASE(set_later) {
  spdlog::drop_all();
  log_at_all_levels();
  set_log_level(log_level::off);
  log_at_all_levels();
  set_log_level("claudio.net", log_level::info);
  set_log_level("claudio.nonsense", log_level::trace);
  log_at_all_levels();
}

BOOST_AUTO_TEST_CASE(history) {
  spdlog::drop_all();
  log_at_all_levels();
  for (auto const& line : recent_log_lines())
    std::fprintf(stderr, "kept %s\n", line.c_str());
}

BOOST_AUTO_TEST_CASE(content) {
  spdlog::drop_all();
  std::fprintf(stderr, "%s\n", logs_content() ? "content" : "no content");
  set_content_logging(false);
  std::fprintf(stderr, "%s\n", logs_content() ? "still" : "no more");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(logging)

BOOST_AUTO_TEST_CASE(the_lines_of_a_call) {
  fake_server server;
  server.script({reply::status(529).header("retry-after-ms", "1"), reply::answer("x")});
  log_since const log;
  std::string request_id;
  {
    asio::io_context context;
    auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
    auto const answer = test::run(context, endpoint.create(test::native_hello()));
    BOOST_REQUIRE(answer.has_value());
    request_id = answer->info().request_id;
  }
  auto const begun = log.lines({"[claudio] [debug] call_begun call="});
  BOOST_REQUIRE(begun.size() == 1u);
  auto const port = std::to_string(server.port());
  BOOST_TEST(begun[0].ends_with(" model=claude-sonnet-4-6 stream=false provider=127.0.0.1:" + port +
                                " server=127.0.0.1:" + port));
  auto const from = begun[0].find(" call=");
  auto const call = begun[0].substr(from, begun[0].find(' ', from + 1) - from + 1);
  auto const failed = log.lines({"[claudio.retry] [debug] attempt_failed", call});
  BOOST_REQUIRE(failed.size() == 1u);
  BOOST_TEST(contains(failed[0], " attempt=1 ms="));
  BOOST_TEST(contains(failed[0], " error=\"overloaded (HTTP 529, overloaded_error) [request id "));
  BOOST_TEST(contains(failed[0], " retry_in_ms=1 reason="));
  auto const ended = log.lines({"[claudio] [debug] call_ended", call});
  BOOST_REQUIRE(ended.size() == 1u);
  for (auto const part : {" model=claude-sonnet-4-6", " ms=", " attempts=2", " served_by=claude-sonnet-4-6",
                          " stop=end_turn", " tokens_in=", " tokens_out="})
    BOOST_TEST(contains(ended[0], part), part << " in " << ended[0]);
  BOOST_TEST(contains(ended[0], " request_id=" + request_id + " "));
  BOOST_TEST(!contains(ended[0], " error="));
  BOOST_TEST(log.lines({"[claudio.net] [debug] session_opened handshake=full provider="}).size() == 1u);
  BOOST_TEST(log.lines({"[claudio.net] [debug] session_closed reason=shut_down requests=2 age_ms="}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_lines_of_a_wait_and_of_a_stream) {
  fake_server server;
  auto options = test::quick(server);
  options.pool.max_sessions = 1;
  log_since const log;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), options, serial).value();
  asio::co_spawn(context, read_whole(endpoint), asio::detached);
  asio::co_spawn(context, read_whole(endpoint), asio::detached);
  context.run();
  BOOST_TEST(log.lines({"[claudio.net] [debug] waited call=", " phase=session ms=", " granted=true"}).size() == 1u);
  BOOST_TEST(log.lines({"[claudio] [debug] stream_ended call=", " chunks=", " first_chunk_ms="}).size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_got_no_turn_took_no_time) {
  fake_server server;
  server.on_request([](testing::received_request const&) { return reply::status(529); });
  auto options = test::quick(server);
  options.breaker.enabled = true;
  options.retry.max_retries = 0;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), options, serial).value();
  log_since const log;
  for (int i = 0; i < 21; ++i)
    BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).has_error());
  auto const refused = log.lines({"attempt_failed", "error=circuit_open"});
  BOOST_REQUIRE(refused.size() == 1u);
  BOOST_TEST(!contains(refused[0], " ms="), refused[0]);
  BOOST_TEST(
      log.lines({"[claudio.net] [warning] circuit_opened provider=", " for_ms=", " error=\"overloaded "}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(hostile_values_stay_in_their_field) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  std::pair<std::string, std::string> const rows[] = {
      {"plain", "plain"},
      {"a b", "\"a b\""},
      {"a\nb", "\"a b\""},
      {"say \"hi\"", "\"say \\\"hi\\\"\""},
      {"back\\slash", "\"back\\\\slash\""},
      {"a=b", "\"a=b\""},
      {"a\x01z", "\"a z\""},
      {"a\x1b[31m", "\"a [31m\""},
      {"a\x7f", "\"a \""},
      {"", "\"\""},
  };
  for (auto const& [model, shown] : rows)
    BOOST_TEST_CONTEXT(shown) {
      log_since const log;
      boost::json::object answer;
      answer.emplace("type", "message");
      answer.emplace("model", boost::json::string_view(model));
      answer.emplace("content", boost::json::array());
      server.script({reply::status(200, boost::json::serialize(answer)), reply::status(200, "{}")});
      BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).has_value());
      BOOST_TEST(log.lines({"call_ended call=", " served_by=" + shown + " stop="}).size() == 1u, log.text());
      // A request that the client only looks at.
      auto const quoted = model.find_first_of("\"\\") != std::string::npos ? "plain" : model;
      test::run(context, endpoint.create(R"({"model":")" + quoted + R"(","max_tokens":5,"messages":[]})"));
      BOOST_TEST(log.lines({"call_begun call=", " model=" + (quoted == model ? shown : quoted) + " stream="}).size() >=
                 1u);
      // Each line is one of the log's own.
      BOOST_TEST(log.lines({}).size() == log.lines({"] [claudio", "] [debug] "}).size());
    }
}

BOOST_AUTO_TEST_CASE(a_field_that_is_left_out_cannot_forge_a_line) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  log_since const log;
  auto const request = test::hello().set("x\n[claudio] [debug] call_ended call=1", 1);
  BOOST_TEST(test::run(context, test::model_at(endpoint).invoke(request)).has_value());
  BOOST_TEST(log.lines({"changed_or_left_out", "field=x [claudio]"}).size() == 1u);
  BOOST_TEST(log.lines({}).size() == log.lines({"] [claudio", "] [debug] "}).size());
}

BOOST_AUTO_TEST_CASE(levels_by_environment) {
  // Of four loggers each.
  std::pair<std::string, std::string> const rows[] = {
      {"", "00044"},
      {"ANTHROPIC_LOG=debug", "04444"},
      {"ANTHROPIC_LOG=trace", "44444"},
      {"ANTHROPIC_LOG=info", "00444"},
      {"ANTHROPIC_LOG=warn", "00044"},
      {"ANTHROPIC_LOG=error", "00004"},
      {"ANTHROPIC_LOG=off", "00000"},
      {"ANTHROPIC_LOG=debug CLAUDIO_LOG=error", "00004"},
      {"CLAUDIO_LOG=claudio.net=debug", "01144"},
      {"CLAUDIO_LOG=error,claudio.net=debug,claudio=off", "01113"},
      {"ANTHROPIC_LOG=info CLAUDIO_LOG=claudio.retry=trace", "11444"},
  };
  for (auto const& [environment, expected] : rows)
    BOOST_TEST_CONTEXT(environment)
  BOOST_TEST(levels_in(run_child("env -u ANTHROPIC_LOG -u CLAUDIO_LOG " + environment, "levels")) == expected);
}

BOOST_AUTO_TEST_CASE(wrong_environment_is_named) {
  for (std::string const variable : {"ANTHROPIC_LOG", "CLAUDIO_LOG"})
    for (std::string const value : {"loud", "claudio.nte=debug", "claudio.net=loud", "warning,,claudio.net=info"})
      BOOST_TEST_CONTEXT(variable << " " << value) {
        auto const text = run_child("env -u ANTHROPIC_LOG -u CLAUDIO_LOG " + variable + "=" + value, "levels");
        auto const wrong = value.starts_with("warning") ? std::string() : value;
        BOOST_TEST(contains(text, "[claudio] [warning] " + variable + ": \"" + wrong + "\" is none of trace, debug"),
                   text);
        // What is right in it holds.
        BOOST_TEST(levels_in(text) == (wrong.empty() ? "00144" : "00044"));
      }
}

BOOST_AUTO_TEST_CASE(levels_set_later) {
  auto const text = run_child("env -u CLAUDIO_LOG ANTHROPIC_LOG=debug", "set_later");
  BOOST_TEST(levels_in(text) == "04555");
}

BOOST_AUTO_TEST_CASE(content_by_environment) {
  BOOST_TEST(run_child("env -u CLAUDIO_LOG_CONTENT", "content").starts_with("no content\nno more\n"));
  BOOST_TEST(run_child("env CLAUDIO_LOG_CONTENT=1", "content").starts_with("content\nno more\n"));
  BOOST_TEST(run_child("env CLAUDIO_LOG_CONTENT=yes", "content").starts_with("no content\nno more\n"));
}

// Whatever the loggers' levels are.
BOOST_AUTO_TEST_CASE(recent_lines_of_a_silent_log) {
  auto const text = run_child("env -u CLAUDIO_LOG ANTHROPIC_LOG=off", "history");
  BOOST_TEST(levels_in(text) == "00444");
  BOOST_TEST(count(text, "kept 20") == 12u);
  BOOST_TEST(contains(text, "Z info claudio.translate at_info\n"));
  BOOST_TEST(contains(text, "Z warning claudio at_warning\n"));
}

BOOST_AUTO_TEST_CASE(recent_lines) {
  log_settings const restored;
  keep_log_lines(0);
  BOOST_TEST(recent_log_lines().empty());
  net_log().warn("lost");
  keep_log_lines(3);
  BOOST_TEST(recent_log_lines().empty());
  net_log().debug("too fine");
  for (int i = 0; i < 5; ++i)
    net_log().info("line={}", i);
  auto lines = recent_log_lines();
  BOOST_REQUIRE(lines.size() == 3u);
  BOOST_TEST(lines.front().ends_with("Z info claudio.net line=2"));
  BOOST_TEST(lines.back().ends_with("Z info claudio.net line=4"));
  keep_log_lines(2, log_level::debug);
  set_log_level(log_level::off);
  log_since const log;
  net_log().debug("kept");
  BOOST_TEST(log.text().empty());
  lines = recent_log_lines();
  BOOST_REQUIRE(lines.size() == 2u);
  BOOST_TEST(lines.back().ends_with("Z debug claudio.net kept"));
}

BOOST_AUTO_TEST_CASE(levels_that_are_off_cost_no_line) {
  log_settings const restored;
  set_log_level(log_level::warning);
  fake_server server;
  log_since const log;
  BOOST_TEST(test::call(test::quick(server)).has_value());
  BOOST_TEST(log.text().empty());
  set_log_level("claudio.net", log_level::debug);
  BOOST_TEST(test::call(test::quick(server)).has_value());
  BOOST_TEST(log.lines({"[claudio.net]"}).size() == log.lines({}).size());
  BOOST_TEST(!log.text().empty());
}

BOOST_AUTO_TEST_CASE(contents_only_where_they_are_asked_for) {
  log_settings const restored;
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  auto const claude = test::model_at(endpoint);
  chat_request const request = chat_request{}.user("a secret\nplan").max_tokens(5);
  log_since const log;
  BOOST_TEST(test::run(context, claude.invoke(request)).has_value());
  BOOST_TEST(!contains(log.text(), "a secret"));
  set_content_logging(true);
  BOOST_TEST(test::run(context, claude.invoke(request)).has_value());
  BOOST_TEST(
      log.lines({"[claudio.translate] [debug] request model=claude-sonnet-4-6 openai={", "a secret\\nplan"}).size() ==
      1u);
  BOOST_TEST(log.lines({"[claudio.translate] [debug] request model=claude-sonnet-4-6 anthropic={", "a secret\\nplan"})
                 .size() == 1u);
  BOOST_TEST(log.lines({"a secret"}).size() == 2u);
  set_log_level(log_level::info);
  BOOST_TEST(test::run(context, claude.invoke(request)).has_value());
  BOOST_TEST(log.lines({"a secret"}).size() == 2u);
}

// Calls, streams, failures whose server echoes everything, retries, tools and keys that change: neither keys nor what
// was said come to light.
BOOST_AUTO_TEST_CASE(nothing_that_was_said_is_told) {
  log_settings const restored;
  keep_log_lines(10'000, log_level::debug);
  std::string const prompt = "PROMPT-in-confidence";
  std::string const said = "ANSWER-in-confidence";
  fake_server server;
  std::atomic<int> number{0};
  server.on_request([&](testing::received_request const& request) {
    auto const key = std::string(request.header("x-api-key"));
    if (key == "sk-ant-key-revoked")
      return reply::status(401,
                           R"({"type":"error","error":{"type":"authentication_error","message":"no: )" + key + "\"}}");
    boost::json::object input;
    input.emplace("text", boost::json::string_view(said));
    switch (++number % 6) {
    case 0:
      return reply::status(529, R"({"type":"error","error":{"type":"overloaded_error","message":")" + key + " " +
                                    prompt + "\"}}");
    case 1:
      return reply::status(502, key + request.body, "text/html");
    case 2:
      return reply::answer(said + " " + prompt + " " + key).error_after(4, "overloaded_error", key + prompt + said);
    case 3:
      return reply::answer(said).tool_call("note", std::move(input));
    default:
      return reply::answer(said + " " + prompt + " " + key);
    }
  });
  auto options = test::quick(server);
  options.api_key = secret();
  for (auto const name : {"revoked", "works"}) {
    api_key_options key;
    key.api_key = secret("sk-ant-key-" + std::string(name));
    options.api_keys.push_back(std::move(key));
  }
  options.retry.max_retries = 1;
  options.headers.emplace_back("x-gateway-token", "gateway-secret-123");
  auto const measured = std::make_shared<metrics>();
  log_since const log;
  std::size_t calls = 0;
  {
    asio::io_context context;
    auto const endpoint = client::make(context.get_executor(), options, serial, measured).value();
    auto const claude = test::model_at(endpoint);
    auto note = [](boost::json::object) -> asio::awaitable<result<tool_result>> {
      co_return tool_result("ANSWER-in-confidence of a tool");
    };
    toolbox tools;
    boost::json::object schema;
    schema.emplace("type", "object");
    tools.add("note", "Notes.", schema, note);
    auto const request = chat_request{}.system(prompt).user(prompt).max_tokens(50).temperature(1.5).set("seed", 1);
    auto const read = [](model of, chat_request what) -> asio::awaitable<bool> {
      auto stream = co_await of.stream(std::move(what));
      while (stream) {
        auto const chunk = co_await stream->next();
        if (!chunk || !*chunk)
          co_return true;
      }
      co_return false;
    };
    for (int i = 0; i < 30; ++i) {
      test::run(context, claude.invoke(request));
      test::run(context, read(claude, request));
      test::run(context, run_tools(claude, request, tools));
      test::run(context, endpoint.create(test::native_hello().system(prompt).user(said)));
      calls += 4;
    }
  }
  auto all = log.text() + measured->text();
  for (auto const& line : recent_log_lines())
    all += line + "\n";
  // It is all there to be searched.
  BOOST_TEST(log.lines({"call_ended"}).size() >= calls);
  BOOST_TEST(log.lines({"call_ended", "error="}).size() > 10u);
  BOOST_TEST(log.lines({"attempt_failed"}).size() > 20u);
  BOOST_TEST(log.lines({"api_key_set_aside key=1 "}).size() == 1u);
  BOOST_TEST(log.lines({"changed_or_left_out", "field="}).size() > 20u);
  BOOST_TEST(recent_log_lines().size() > 200u);
  BOOST_TEST(count(measured->text(), "gen_ai_client_operation_duration_seconds_count") > 1u);
  for (auto const hidden : {"in-confidence", "sk-ant-", "key-works", "gateway-secret"})
    BOOST_TEST(!contains(all, hidden), hidden);
}

BOOST_AUTO_TEST_SUITE_END()
