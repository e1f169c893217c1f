#include "support/call.hpp"

#include "support/attempts.hpp"
#include "support/log_capture.hpp"
#include "support/test.hpp"

#include <boost/json/serialize.hpp>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::connection_fault;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;

namespace {

result<chat_response> invoke(provider_options options, chat_request request = test::hello(),
                             call_options call = call_options()) {
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), std::move(options), serial).value();
  return test::run(context, test::model_at(endpoint).invoke(std::move(request), std::move(call)));
}

} // namespace

BOOST_AUTO_TEST_SUITE(calls)

BOOST_AUTO_TEST_CASE(a_request_goes_out_and_its_answer_comes_back) {
  fake_server server;
  server.script({reply::answer("Hi there.")});
  auto options = test::quick(server);
  options.headers.emplace_back("x-team", "search");
  options.headers.emplace_back("anthropic-beta", "one");
  call_options call;
  call.headers.emplace_back("anthropic-beta", "two");
  auto const response = invoke(options, test::hello(), call);
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->text() == "Hi there.");
  BOOST_TEST(response->finish_reason() == "stop");
  BOOST_TEST(response->usage().completion_tokens > 0u);
  BOOST_TEST(response->info().attempts == 1u);
  BOOST_TEST(response->info().request_id == "req_01fake000000000000000001");
  BOOST_TEST(response->info().served_model == "claude-sonnet-4-6");
  BOOST_TEST((response->info().total >= response->info().first_byte));
  BOOST_TEST((response->info().tls > 0ns));

  auto const sent = server.requests().at(0);
  BOOST_TEST(sent.method == "POST");
  BOOST_TEST(sent.target == "/v1/messages");
  BOOST_TEST(sent.header("x-api-key") == options.api_key.reveal());
  BOOST_TEST(sent.header("anthropic-version") == "2023-06-01");
  BOOST_TEST(sent.header("anthropic-beta") == "one,two");
  BOOST_TEST(sent.header("x-team") == "search");
  BOOST_TEST(sent.header("user-agent") == "claudio/" CLAUDIO_VERSION);
  BOOST_TEST(
      sent.body ==
      R"({"model":"claude-sonnet-4-6","system":"Be brief.","messages":[{"role":"user","content":"Hello!"}],"max_tokens":100})");
}

BOOST_AUTO_TEST_CASE(what_a_request_needs_and_loses_is_seen_to) {
  fake_server server;
  server.script({reply::status(200, R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6",
    "content":[{"type":"tool_use","id":"t1","name":"light_on","input":{"room":"hall"}}],
    "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}})")});
  auto request = test::hello();
  request.set("seed", 1).set("speed", "fast");
  call_options call;
  call.headers.emplace_back("anthropic-beta", "mine");
  auto const response = invoke(test::quick(server), request, call);
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->finish_reason() == "tool_calls");
  BOOST_REQUIRE(response->warnings().size() == 1u);
  BOOST_TEST(response->warnings().front() == "seed: Claude has no such field; left out");
  BOOST_TEST(server.requests().at(0).header("anthropic-beta") == "mine,fast-mode-2026-02-01");

  call.translation = translation_mode::strict;
  auto const refused = invoke(test::quick(server), request, call);
  BOOST_TEST(refused.error().code() == errc::transformation);
  BOOST_TEST(refused.error().param() == "seed");
  BOOST_TEST(server.requests().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_call_says_where_its_instructions_stand) {
  fake_server server;
  auto request = test::hello();
  request.system("Now in French.");
  call_options call;
  call.system_messages = system_placement::user_turn;
  BOOST_REQUIRE(invoke(test::quick(server), request, call).has_value());
  BOOST_TEST(server.requests().at(0).body.find("<system>\\nNow in French.\\n</system>") != std::string::npos);
  BOOST_REQUIRE(invoke(test::quick(server), request, call_options()).has_value());
  BOOST_TEST(server.requests().at(1).body.find("<system>") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_error_status_arrives_as_itself) {
  struct row {
    int status;
    errc code;
    unsigned attempts;
  };
  row const rows[] = {
      {400, errc::invalid_request, 1}, {401, errc::authentication, 1},    {402, errc::billing, 1},
      {403, errc::permission, 1},      {404, errc::model_not_found, 1},   {408, errc::timeout, 4},
      {409, errc::conflict, 4},        {413, errc::request_too_large, 1}, {422, errc::invalid_request, 1},
      {429, errc::rate_limited, 4},    {500, errc::server_error, 4},      {502, errc::server_error, 4},
      {504, errc::server_error, 4},    {529, errc::overloaded, 4}};
  fake_server server;
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.status) {
      server.on_request([&](testing::received_request const&) {
        return row.status == 408 || row.status == 422 ? reply::status(row.status, "<html>oops</html>", "text/html")
                                                      : reply::status(row.status);
      });
      auto const response = invoke(test::quick(server));
      BOOST_REQUIRE(response.has_error());
      BOOST_TEST(response.error().code() == row.code);
      BOOST_TEST(response.error().http_status() == row.status);
      BOOST_TEST(response.error().info().attempts == row.attempts);
      BOOST_TEST(!response.error().request_id().empty());
    }
}

BOOST_AUTO_TEST_CASE(attempts_are_observed) {
  fake_server server;
  server.script({reply::status(429).header("retry-after-ms", "5"), reply::status(529), reply::answer("done")});
  std::vector<std::string> seen;
  call_options call;
  call.observer = test::on_attempt([&](attempt_info const& attempt) {
    seen.push_back(std::to_string(attempt.number) + " " +
                   (attempt.failure ? std::to_string(attempt.failure->http_status()) : "ok") + " " +
                   (attempt.retry_in ? std::to_string(attempt.retry_in->count()) : "-"));
  });
  auto const response = invoke(test::quick(server), test::hello(), call);
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST((seen == std::vector<std::string>{"1 429 5", "2 529 2", "3 ok -"}));
  BOOST_TEST(response->info().attempts == 3u);
  BOOST_TEST((response->info().backoff == 7ms));
}

BOOST_AUTO_TEST_CASE(an_error_inside_a_200_is_an_error) {
  fake_server server;
  server.script({reply::status(200, R"({"type":"error","error":{"type":"overloaded_error","message":"busy"}})"),
                 reply::answer("now")});
  auto const response = invoke(test::quick(server));
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->info().attempts == 2u);
  server.script({reply::status(200, "<html>sign in to the hotel</html>", "text/html")});
  auto const portal = invoke(test::quick(server));
  BOOST_REQUIRE(portal.has_error());
  BOOST_TEST(portal.error().code() == errc::protocol);
  BOOST_TEST(portal.error().message().find("hotel") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(limits_are_named_by_their_phase) {
  fake_server server;
  auto options = test::quick(server);
  options.retry.max_retries = 0;
  options.limits.first_byte = 50ms;
  server.script({reply::stall()});
  auto const silent = invoke(options);
  BOOST_TEST(silent.error().code() == errc::timeout);
  BOOST_TEST(silent.error().message().find("timeout_ms.first_byte") != std::string::npos);

  options.limits.tls = 50ms;
  server.script_connections({connection_fault::stall});
  auto const no_tls = invoke(options);
  BOOST_TEST(no_tls.error().code() == errc::timeout);
  BOOST_TEST(no_tls.error().message().find("timeout_ms.tls") != std::string::npos);

  options.limits = time_limits();
  options.limits.total = 50ms;
  server.script({reply::answer("slow").stall_after(270)});
  auto const half = invoke(options);
  BOOST_TEST(half.error().code() == errc::timeout);
  BOOST_TEST(half.error().message().find("timeout_ms.total") != std::string::npos);

  server.script({reply::stall()});
  options.limits = time_limits();
  call_options call;
  call.timeout(50ms);
  auto const late = invoke(options, test::hello(), call);
  BOOST_TEST(late.error().code() == errc::timeout);
  BOOST_TEST((late.error().info().total >= 40ms));
}

BOOST_AUTO_TEST_CASE(a_stalled_attempt_is_tried_again) {
  fake_server server;
  auto options = test::quick(server);
  options.limits.first_byte = 50ms;
  server.script({reply::status(429), reply::stall(), reply::answer("at last")});
  auto const response = invoke(options);
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->text() == "at last");
  BOOST_TEST(response->info().attempts == 3u);
}

BOOST_AUTO_TEST_CASE(no_retry_beyond_the_deadline) {
  fake_server server;
  server.script({reply::status(429).header("retry-after", "30")});
  call_options call;
  call.timeout(5s);
  auto const begin = std::chrono::steady_clock::now();
  auto const response = invoke(test::quick(server), test::hello(), call);
  BOOST_TEST(response.error().code() == errc::rate_limited);
  BOOST_TEST(response.error().info().attempts == 1u);
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 4s));
}

BOOST_AUTO_TEST_CASE(a_deadline_that_has_passed_costs_nothing) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  call_options call;
  call.timeout(-1ms);
  auto const late = test::run(context, endpoint.create(test::native_hello(), call));
  BOOST_TEST(late.error().code() == errc::timeout);
  BOOST_TEST(late.error().info().attempts == 0u);
  BOOST_TEST(test::run(context, endpoint.stream(test::native_hello(), call)).error().code() == errc::timeout);
  BOOST_TEST(server.connections() == 0u);
  // Nor with an idle session at hand.
  BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).has_value());
  BOOST_TEST(test::run(context, endpoint.create(test::native_hello(), call)).has_error());
  BOOST_TEST(server.requests().size() == 1u);
}

BOOST_AUTO_TEST_CASE(deadlines_at_the_ends_of_time) {
  fake_server server;
  auto request = test::hello();
  request.max_tokens(3'000);
  call_options call;
  for (auto const past : {std::chrono::steady_clock::time_point::min(), std::chrono::steady_clock::time_point()}) {
    call.deadline = past;
    BOOST_TEST(invoke(test::quick(server), request, call).error().code() == errc::timeout);
  }
  auto paced = test::quick(server);
  paced.pacing.max_wait = 24h * 365;
  paced.rates.rpm = 1000;
  call.deadline = std::chrono::steady_clock::time_point::max() - 1ns;
  BOOST_TEST(invoke(paced, request, call).has_value());
  call.timeout(std::chrono::nanoseconds::max());
  BOOST_TEST(invoke(paced, request, call).has_value());
}

BOOST_AUTO_TEST_CASE(an_answer_too_long_for_its_time_is_warned_about) {
  fake_server const server;
  auto const warnings = [&](std::int64_t tokens, time_limits limits, call_options call = call_options()) {
    call.limits = limits;
    auto const response = invoke(server.provider(), test::hello().max_tokens(tokens), call);
    return response.value().warnings();
  };
  time_limits limits;
  BOOST_TEST(warnings(21'333, limits).empty());
  auto const long_one = warnings(64'000, limits);
  BOOST_REQUIRE(long_one.size() == 1u);
  BOOST_TEST(long_one.front() ==
             "max_tokens: an answer of 64000 tokens takes about 1800 s, and timeout_ms.total allows "
             "600 s; stream it, ask for fewer, or allow more time");
  // What nobody asked for is not warned about.
  limits.total = 10s;
  call_options short_one;
  short_one.limits = limits;
  BOOST_TEST(invoke(server.provider(), chat_request{}.user("Hello!"), short_one).value().warnings().empty());
  limits.total = 0ms;
  limits.first_byte = 0ms;
  BOOST_TEST(warnings(64'000, limits).empty());
  call_options soon;
  soon.timeout(60s);
  BOOST_TEST(warnings(2'000, limits, soon).empty());
  BOOST_TEST(warnings(3'000, limits, soon).front().find("the call's deadline allows 60 s") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_timeout_says_where_the_time_went) {
  fake_server server;
  server.script({reply::status(529).header("retry-after-ms", "150"), reply::stall()});
  call_options call;
  call.timeout(500ms);
  auto const late = invoke(test::quick(server), test::hello(), call);
  BOOST_REQUIRE(late.has_error());
  BOOST_TEST(late.error().code() == errc::timeout);
  BOOST_TEST(late.error().param() == "timeout_ms.total");
  for (auto const* part : {"no answer to the request when the call's time was up",
                           "; the time went: ", " s waiting for the answer, 2 tries, 0.2 s of backoff",
                           "; the attempt before failed with overloaded (HTTP 529, overloaded_error)"})
    BOOST_TEST(late.error().message().find(part) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nobody_listens_and_no_such_host) {
  provider_options options;
  options.api_key = secret("sk-ant-x");
  options.retry.max_retries = 0;
  {
    fake_server gone;
    options.api_base = gone.api_base();
  }
  auto const refused = invoke(options);
  BOOST_TEST(refused.error().code() == errc::connect);
  BOOST_TEST(refused.error().message().find("refused") != std::string::npos);
  options.api_base = "https://no-such-host.invalid/v1";
  auto const unknown = invoke(options);
  BOOST_TEST(unknown.error().code() == errc::connect);
  BOOST_TEST(unknown.error().message().find("no-such-host.invalid") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(interim_responses_are_passed_over) {
  fake_server server;
  std::string const body = R"({"type":"message","model":"m","content":[{"type":"text","text":"ok"}]})";
  std::string interim;
  for (int i = 0; i < 98; ++i)
    interim += "HTTP/1.1 102 Processing\r\n\r\n";
  server.script({reply::garbage(interim +
                                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
                                "HTTP/1.1 200 OK\r\ncontent-length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body)});
  auto const response = invoke(test::quick(server));
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->text() == "ok");
}

BOOST_AUTO_TEST_CASE(chunked_and_unframed_bodies) {
  fake_server server;
  std::string const body = R"({"type":"message","model":"m","content":[{"type":"text","text":"ok"}]})";
  server.script({reply::garbage("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n46\r\n" + body + "\r\n0\r\n\r\n"),
                 reply::garbage("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body)});
  BOOST_REQUIRE(body.size() == 0x46);
  for (int i = 0; i < 2; ++i)
    BOOST_TEST(invoke(test::quick(server)).has_value());
}

BOOST_AUTO_TEST_CASE(embeddings_and_reranking_say_why_not) {
  asio::io_context context;
  fake_server const server;
  auto const claude = test::model_at(client::make(context.get_executor(), test::quick(server), serial).value());
  auto const embedded = test::run(context, claude.embed({}));
  BOOST_TEST(embedded.error().code() == errc::unsupported);
  BOOST_TEST(embedded.error().message().find("embeddings") != std::string::npos);
  BOOST_TEST(test::run(context, claude.rerank({})).error().code() == errc::unsupported);
}

BOOST_AUTO_TEST_CASE(empty_handles_answer) {
  asio::io_context context;
  BOOST_TEST(test::run(context, model().invoke(test::hello())).error().code() == errc::configuration);
  BOOST_TEST(test::run(context, client().create(test::native_hello())).error().code() == errc::configuration);
  BOOST_TEST(model().name().empty());
  BOOST_TEST(client().pool().open == 0u);
}

BOOST_AUTO_TEST_CASE(a_header_of_a_call_that_cannot_be_is_refused) {
  fake_server server;
  call_options call;
  call.headers.emplace_back("x-evil", "a\r\nx-api-key: other");
  auto const response = invoke(test::quick(server), test::hello(), call);
  BOOST_TEST(response.error().code() == errc::configuration);
  BOOST_TEST(response.error().param() == "headers.x-evil");
  BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(credentials_in_headers_are_removed_from_errors) {
  fake_server server;
  server.script(
      {reply::status(401, "you sent tenant-secret-456, gateway-secret-123, proxy-secret-789 and team-secret-012")});
  auto options = test::quick(server);
  options.headers.emplace_back("Authorization", "Bearer gateway-secret-123");
  options.headers.emplace_back("x-gateway-token", "proxy-secret-789");
  call_options call;
  call.headers.emplace_back("X-Api-Key", "tenant-secret-456");
  call.headers.emplace_back("X-Team-Credential", "team-secret-012");
  auto const response = invoke(options, test::hello(), call);
  BOOST_TEST(response.error().message().find("secret") == std::string::npos);
}

// As from errors: whatever of a success reaches logs, traces and labels.
BOOST_AUTO_TEST_CASE(credentials_in_headers_and_answers_are_removed_from_successes) {
  for (bool const with_tls : {true, false}) {
    testing::fake_server_options there;
    there.tls = with_tls;
    fake_server server(there);
    auto options = test::quick(server);
    options.api_key = secret("sk-ant-own-secret-0");
    options.headers.emplace_back("x-gateway", "Bearer gateway-secret-123");
    call_options call;
    call.headers.emplace_back("X-Team-Credential", "team-secret-012");
    for (std::string const echoed : {"sk-ant-own-secret-0", "gateway-secret-123", "team-secret-012"}) {
      std::string const body = R"({"type":"message","id":"i )" + echoed + R"(","model":"m )" + echoed +
                               R"(","stop_reason":"s )" + echoed + R"(","content":[{"type":"b )" + echoed +
                               R"("},{"type":"text","text":"ok"}],"usage":{"output_tokens":1}})";
      server.script({reply::status(200, body).header("request-id", "req " + echoed)});
      auto const response = invoke(options, test::hello(), call);
      BOOST_REQUIRE(response.has_value());
      BOOST_TEST(response->info().request_id == "req [key removed]");
      BOOST_TEST(response->info().served_model == "m [key removed]");
      BOOST_TEST(boost::json::serialize(response->json()).find("secret") == std::string::npos);
      for (auto const& warning : response->warnings())
        BOOST_TEST(warning.find("secret") == std::string::npos, warning);
    }
    BOOST_TEST(test::captured_log().find("secret") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_line_of_the_log_stays_one) {
  fake_server server;
  auto options = test::quick(server);
  for (std::string const end : {"\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xff", "\x1b"}) {
    boost::json::object answer = test::json(R"({"type":"message","content":[]})").as_object();
    answer["model"] = "m" + (end == "\xff" ? std::string("\u2028") : end) + "forged";
    auto made = reply::status(200, boost::json::serialize(answer));
    if (static_cast<unsigned char>(end[0]) >= 0x80)
      made.header("request-id", "req" + end + "forged");
    server.script({made});
    BOOST_TEST(invoke(options).has_value());
    auto const log = test::captured_log();
    for (std::string const found : {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xff", "\x1b", "\nforged"})
      BOOST_TEST(log.find(found) == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_ends_early_is_tried_again) {
  std::string const whole = R"({"type":"message","model":"m","content":[{"type":"text","text":"ok"}]})";
  for (bool const with_tls : {true, false}) {
    testing::fake_server_options there;
    there.tls = with_tls;
    fake_server server(there);
    asio::io_context context;
    auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      auto const part = whole.substr(0, size);
      auto const type = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
      auto const framed = reply::status(200, part);
      auto const unframed = reply::garbage(type + std::string("connection: close\r\n\r\n") + part);
      server.script({size % 2 == 0 ? framed : unframed, reply::status(200, whole)});
      auto const answer = test::run(context, endpoint.create(test::native_hello()));
      BOOST_REQUIRE(answer.has_value());
      BOOST_TEST(answer->text() == "ok");
      BOOST_TEST(answer->info().attempts == 2u, size);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_coded_answer_is_refused_once) {
  fake_server server;
  for (bool const streams : {false, true})
    for (auto const* coding : {"gzip", "br, identity"}) {
      auto made = streams ? reply::answer("Hello!") : reply::status(200, "\x1f\x8b\x08");
      server.clear_script();
      server.script({std::move(made).header("content-encoding", coding), reply::answer("never")});
      asio::io_context context;
      auto const claude = test::model_at(client::make(context.get_executor(), test::quick(server), serial).value());
      auto const failure = streams ? test::run(context, claude.stream(test::hello())).error()
                                   : test::run(context, claude.invoke(test::hello())).error();
      BOOST_TEST(failure.code() == errc::protocol);
      BOOST_TEST(failure.message().starts_with("HTTP status 200 with a body in the content-coding \"" +
                                               std::string(coding) + "\""));
      BOOST_TEST(failure.info().attempts == 1u);
    }
  // It is what the header says that counts.
  server.clear_script();
  server.script({reply::answer("plain").header("content-encoding", "gzip")});
  BOOST_TEST(invoke(test::quick(server)).error().code() == errc::protocol);
  server.script({reply::answer("plain").header("content-encoding", "identity")});
  BOOST_TEST(invoke(test::quick(server)).has_value());
}

BOOST_AUTO_TEST_CASE(a_date_to_retry_after_counts_from_the_answers_own) {
  fake_server server;
  auto options = test::quick(server);
  options.retry.max_retries = 0;
  server.script({reply::status(429)
                     .header("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")
                     .header("date", "Sun Nov  6 08:49:37 1994")});
  BOOST_TEST(invoke(options).error().retry_after().value().count() == 10'000);
}

BOOST_AUTO_TEST_CASE(a_key_of_white_space_is_refused_everywhere) {
  fake_server const server;
  asio::io_context context;
  for (auto const* blank : {" ", "\t", "  \t "}) {
    auto options = test::quick(server);
    options.api_key = secret(blank);
    auto const made = client::make(context.get_executor(), options, serial);
    BOOST_REQUIRE(made.has_error());
    BOOST_TEST(made.error().param() == "api_key");
    options.api_key = secret();
    options.api_keys.emplace_back();
    options.api_keys.back().api_key = secret(blank);
    BOOST_TEST(client::make(context.get_executor(), options, serial).error().param() == "api_keys[0].api_key");
    options = test::quick(server);
    options.headers.emplace_back("X-Api-Key", blank);
    BOOST_TEST(client::make(context.get_executor(), options, serial).error().param() == "headers.X-Api-Key");
    call_options call;
    call.headers.emplace_back("x-api-key", blank);
    BOOST_TEST(invoke(test::quick(server), test::hello(), call).error().param() == "headers.x-api-key");
  }
  BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(a_stream_is_not_asked_for_here) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  auto const refused = test::run(context, endpoint.create(test::native_hello().set("stream", true)));
  BOOST_TEST(refused.error().code() == errc::unsupported);
  BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(limits_without_end) {
  fake_server server;
  auto options = test::quick(server);
  options.limits.total = std::chrono::milliseconds::max();
  options.limits.first_byte = std::chrono::milliseconds::max();
  call_options call;
  call.timeout(std::chrono::nanoseconds::max());
  server.script({reply::status(529)});
  BOOST_TEST(invoke(options, test::hello(), call).has_value());
}

BOOST_AUTO_TEST_CASE(the_log_shows_a_calls_life_and_never_a_key_or_a_prompt) {
  fake_server server;
  auto options = test::quick(server);
  server.script({reply::status(529),
                 reply::status(503, R"({"type":"error","error":{"type":"api_error","message":"a quoted prompt"}})"),
                 reply::status(401, "you sent " + std::string(options.api_key.reveal()))});
  auto const response =
      invoke(options, chat_request{}.user("a prompt that nobody should see").temperature(1.5).max_tokens(5));
  BOOST_TEST(response.error().code() == errc::authentication);
  auto const log = test::captured_log();
  BOOST_TEST(log.find("[claudio.retry]") != std::string::npos);
  BOOST_TEST(log.find("[claudio.net]") != std::string::npos);
  BOOST_TEST(log.find("[claudio.translate]") != std::string::npos);
  BOOST_TEST(log.find("[claudio]") != std::string::npos);
  BOOST_TEST(log.find(options.api_key.reveal()) == std::string::npos);
  BOOST_TEST(log.find("nobody should see") == std::string::npos);
  BOOST_TEST(log.find("a quoted prompt") == std::string::npos);
  BOOST_TEST(log.find("call_begun call=") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
