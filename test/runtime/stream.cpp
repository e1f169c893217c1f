#include "support/call.hpp"
#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <thread>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;

namespace {

// What a consumer of a chat stream has seen.
class seen {
public:
  seen() = default;

  std::string text;
  std::string reasoning;
  std::string arguments;
  std::string finish_reason;
  std::size_t chunks = 0;
  std::optional<error> failure;
  chat_response response;
};

asio::awaitable<seen> consume(model claude, chat_request request, call_options options = call_options()) {
  seen got;
  auto stream = co_await claude.stream(std::move(request), std::move(options));
  if (!stream) {
    got.failure.emplace(stream.error());
    co_return got;
  }
  while (true) {
    auto chunk = co_await stream->next();
    if (!chunk)
      got.failure.emplace(chunk.error());
    if (!chunk || !*chunk)
      break;
    ++got.chunks;
    got.text += (*chunk)->text();
    got.reasoning += (*chunk)->reasoning();
    got.arguments += (*chunk)->tool_arguments();
    got.finish_reason += (*chunk)->finish_reason();
  }
  got.response = stream->response();
  co_return got;
}

class fixture {
public:
  explicit fixture(provider_options options)
      : endpoint(client::make(context.get_executor(), std::move(options), serial).value()) {}

  seen stream(call_options options = call_options()) {
    return test::run(context, consume(test::model_at(endpoint), test::hello(), std::move(options)));
  }

  asio::io_context context;
  client endpoint;
};

provider_options impatient(fake_server const& server) {
  auto options = test::quick(server);
  options.retry.max_retries = 0;
  options.limits.first_byte = 2s;
  options.limits.between_bytes = 150ms;
  options.limits.between_content = 400ms;
  return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(streams)

BOOST_AUTO_TEST_CASE(a_stream_is_the_answer_that_invoke_gives) {
  fake_server server;
  boost::json::object input;
  input.emplace("city", "Paris");
  reply const replies[] = {reply::answer("Hello, this is an answer of several words."),
                           reply::answer("Ä ö \"ü\"\n"),
                           reply::answer("Let me see.").thinking("A thought."),
                           reply::answer("").tool_call("weather", input, "toolu_1").tool_call("now", {}, "toolu_2"),
                           reply::answer("No").stop_reason("refusal"),
                           reply::answer("cut").stop_reason("max_tokens")};
  fixture at(test::quick(server));
  for (auto const& made : replies) {
    server.script({made, made});
    auto const streamed = at.stream();
    BOOST_REQUIRE(!streamed.failure);
    auto whole = test::run(at.context, test::model_at(at.endpoint).invoke(test::hello()));
    BOOST_REQUIRE(whole.has_value());
    auto expected = whole->json();
    auto got = streamed.response.json();
    BOOST_TEST(streamed.response.usage().completion_tokens == whole->usage().completion_tokens);
    // The server counts the prompt by its bytes, "stream" included.
    for (auto const* field : {"id", "created", "usage"}) {
      expected.erase(field);
      got.erase(field);
    }
    BOOST_TEST(boost::json::value(got) == boost::json::value(expected));
    BOOST_TEST(streamed.text == std::string(whole->text()));
    BOOST_TEST(streamed.finish_reason == whole->finish_reason());
    BOOST_TEST(streamed.chunks > 2u);
    BOOST_TEST(streamed.response.info().attempts == 1u);
    BOOST_TEST(streamed.response.info().served_model == "claude-sonnet-4-6");
    BOOST_TEST(!streamed.response.info().request_id.empty());
    BOOST_TEST((streamed.response.info().total > 0ns));
  }
  // Each stream gave its session back.
  BOOST_TEST(server.connections() == 1u);
  BOOST_TEST(at.endpoint.pool().idle == 1u);
  BOOST_TEST(server.requests().at(0).body.find(R"("stream":true)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(native_events_with_their_pings) {
  fake_server server;
  fixture at(test::quick(server));
  auto events = [&]() -> asio::awaitable<std::vector<std::string>> {
    std::vector<std::string> types;
    auto stream = co_await at.endpoint.stream(test::native_hello());
    while (true) {
      auto event = co_await stream->next();
      if (!event || !*event)
        break;
      types.emplace_back((*event)->type());
    }
    BOOST_TEST(stream->response().text().find("Hello!") != std::string::npos);
    // Over means over.
    auto after = co_await stream->next();
    BOOST_TEST((after && !*after));
    co_return types;
  };
  auto const types = test::run(at.context, events());
  BOOST_TEST(types.front() == "message_start");
  BOOST_TEST(types.back() == "message_stop");
  BOOST_TEST(std::count(types.begin(), types.end(), "ping") == 1);
}

BOOST_AUTO_TEST_CASE(a_dropped_stream_closes_its_session) {
  fake_server server;
  server.script({reply::answer("word ").repeat_deltas(1'000'000)});
  fixture at(test::quick(server));
  auto drop = [&]() -> asio::awaitable<bool> {
    auto stream = co_await at.endpoint.stream(test::native_hello());
    auto event = co_await stream->next();
    BOOST_TEST(at.endpoint.pool().open == 1u);
    co_return event.has_value();
  };
  BOOST_TEST(test::run(at.context, drop()));
  BOOST_TEST(at.endpoint.pool().open == 0u);
}

BOOST_AUTO_TEST_CASE(errors_in_mid_stream_keep_what_had_arrived) {
  fake_server server;
  fixture at(impatient(server));
  std::pair<reply, errc> const rows[] = {
      {reply::answer("one two three four five six").error_after(5, "overloaded_error", "Overloaded"), errc::overloaded},
      {reply::answer("one two three four five six").cut_after_events(5), errc::stream_truncated},
      {reply::answer("one two three four five six").pace(1ms).reset_after(1070), errc::connect},
      {reply::answer("one two three four five six").pace(1ms).close_after(1070), errc::connect}};
  for (auto const& [made, code] : rows)
    BOOST_TEST_CONTEXT(to_string(code)) {
      server.script({made});
      auto const got = at.stream();
      BOOST_REQUIRE(got.failure.has_value());
      BOOST_TEST(got.failure->code() == code);
      BOOST_TEST(got.failure->info().attempts == 1u);
      BOOST_TEST(got.text.starts_with("one"));
      BOOST_TEST(got.finish_reason.empty());
      BOOST_TEST(got.response.text() == got.text);
      BOOST_TEST(at.endpoint.pool().open == 0u);
    }
}

// What the consumer takes his time for is not held against the server, which is waited for from then on.
BOOST_AUTO_TEST_CASE(a_slow_consumer_meets_no_watchdog) {
  fake_server server;
  auto options = impatient(server);
  options.limits.between_bytes = 0ms;
  options.limits.between_content = 200ms;
  fixture at(options);
  server.script({reply::answer("one").pace(300ms)});
  auto read_slowly = [&]() -> asio::awaitable<std::size_t> {
    std::size_t events = 0;
    auto opening = at.endpoint.stream(message_request().model("claude-sonnet-4-6").max_tokens(100).user("hello"));
    auto stream = co_await std::move(opening);
    BOOST_REQUIRE(stream.has_value());
    asio::steady_timer pause(at.context);
    while (true) {
      auto const event = co_await stream->next();
      BOOST_REQUIRE(event.has_value());
      if (!*event)
        co_return events;
      ++events;
      pause.expires_after(250ms);
      co_await pause.async_wait(asio::use_awaitable);
    }
  };
  BOOST_TEST(test::run(at.context, read_slowly()) > 5u);
}

// A server that is silent, and one that only pings, are told apart.
BOOST_AUTO_TEST_CASE(the_watchdog) {
  fake_server server;
  fixture at(impatient(server));
  server.script({reply::answer("one two three").pace(1ms).stall_after(870), reply::answer("x").pings_only(20ms)});
  auto const silent = at.stream();
  BOOST_REQUIRE(silent.failure.has_value());
  BOOST_TEST(silent.failure->code() == errc::timeout);
  BOOST_TEST(silent.failure->param() == "timeout_ms.between_bytes");
  auto const pinging = at.stream();
  BOOST_REQUIRE(pinging.failure.has_value());
  BOOST_TEST(pinging.failure->code() == errc::timeout);
  BOOST_TEST(pinging.failure->param() == "timeout_ms.between_content");
  BOOST_TEST(at.endpoint.pool().open == 0u);

  // The call's own deadline binds a stream to its end, the total only until its first event.
  server.script({reply::answer("a b c d e f g h").pace(60ms), reply::answer("a b c d e f g h").pace(60ms)});
  call_options options;
  options.limits = impatient(server).limits;
  options.limits->total = 150ms;
  BOOST_TEST(!at.stream(options).failure);
  options.timeout(200ms);
  auto const late = at.stream(options);
  BOOST_REQUIRE(late.failure.has_value());
  BOOST_TEST(late.failure->code() == errc::timeout);
}

BOOST_AUTO_TEST_CASE(retries_end_with_the_first_event) {
  fake_server server;
  fixture at(test::quick(server));
  server.script({reply::status(529), reply::reset(),
                 reply::answer("x").error_after(0, "overloaded_error", "Overloaded"), reply::answer("There.")});
  auto const got = at.stream();
  BOOST_REQUIRE(!got.failure);
  BOOST_TEST(got.text == "There.");
  // The reset of a session that had been used is another attempt where it was noticed late (policy/replay.hpp).
  BOOST_TEST(got.response.info().attempts + got.response.info().replays == 4u);
  server.script({reply::answer("x").error_after(1, "overloaded_error", "Overloaded"), reply::answer("never")});
  auto const failed = at.stream();
  BOOST_TEST((failed.failure && failed.failure->code() == errc::overloaded));
  BOOST_TEST(failed.failure->info().attempts == 1u);
}

BOOST_AUTO_TEST_CASE(a_stream_that_ends_before_its_first_event_is_tried_again) {
  for (bool const with_tls : {true, false}) {
    testing::fake_server_options there;
    there.tls = with_tls;
    fake_server server(there);
    fixture at(test::quick(server));
    for (std::string const said : {"", ": comment\n\n", "event: ping\ndata: {\"type\":\"ping\"}\n\n", "event: messa"}) {
      server.script({reply::status(200, said, "text/event-stream"), reply::answer("There.")});
      auto const got = at.stream();
      BOOST_REQUIRE(!got.failure);
      BOOST_TEST(got.text == "There.");
      BOOST_TEST(got.response.info().attempts == 2u);
    }
    // Once it has begun it is not.
    server.script({reply::answer("x").cut_after_events(1), reply::answer("never")});
    auto const got = at.stream();
    BOOST_REQUIRE(got.failure.has_value());
    BOOST_TEST(got.failure->code() == errc::stream_truncated);
    BOOST_TEST(!got.failure->should_retry().has_value());
    server.clear_script();
  }
}

BOOST_AUTO_TEST_CASE(credentials_in_a_stream_are_removed) {
  fake_server server;
  auto options = test::quick(server);
  options.api_key = secret("own-secret-0123");
  fixture at(options);
  std::string const events =
      R"(data: {"type":"message_start","message":{"type":"message","id":"i own-secret-0123","model":"m own-secret-0123","content":[],"usage":{"input_tokens":1,"service_tier":"own-secret-0123"}}})"
      "\n\n"
      R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
      "\n\n"
      R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"my own-secret-0123"}})"
      "\n\n"
      R"(data: {"type":"content_block_stop","index":0})"
      "\n\n"
      R"(data: {"type":"message_delta","delta":{"stop_reason":"s own-secret-0123"},"usage":{"output_tokens":1}})"
      "\n\n"
      R"(data: {"type":"message_stop"})"
      "\n\n";
  server.script({reply::status(200, events, "text/event-stream").header("request-id", "req own-secret-0123")});
  auto const got = at.stream();
  BOOST_REQUIRE(!got.failure);
  BOOST_TEST(got.text == "my own-secret-0123"); // the caller's
  auto const& info = got.response.info();
  BOOST_TEST(info.request_id == "req [key removed]");
  BOOST_TEST(info.served_model == "m [key removed]");
  BOOST_TEST(got.response.model() == "m [key removed]");
  BOOST_TEST(got.response.id() == "i [key removed]");
}

// Half an event of an attempt that broke is no part of the next one's.
BOOST_AUTO_TEST_CASE(an_attempt_that_broke_in_its_first_event_leaves_nothing) {
  fake_server server;
  fixture at(test::quick(server));
  std::size_t retried = 0;
  for (std::size_t n = 170; n < 670; n += 7) {
    server.script({reply::answer("x").close_after(n), reply::answer("There.")});
    auto const got = at.stream();
    server.clear_script();
    // Where the first event had come whole, the caller has the failure.
    BOOST_TEST((!got.failure || got.failure->code() == errc::connect));
    if (got.failure)
      continue;
    BOOST_TEST(got.text == "There.");
    retried += got.response.info().attempts == 2 ? 1 : 0;
  }
  BOOST_TEST(retried > 10u);
  BOOST_TEST(!at.stream().failure);
}

BOOST_AUTO_TEST_CASE(answers_that_are_no_streams) {
  fake_server server;
  fixture at(impatient(server));
  std::pair<reply, errc> const rows[] = {{reply::status(401), errc::authentication},
                                         {reply::status(400), errc::invalid_request},
                                         {reply::status(200, "<html>", "text/html"), errc::protocol},
                                         {reply::garbage(), errc::protocol},
                                         {reply::status(200, "data: {", "text/event-stream"), errc::protocol},
                                         {reply::status(200, "", "text/event-stream"), errc::stream_truncated},
                                         {reply::stall(), errc::timeout}};
  for (auto const& [made, code] : rows)
    BOOST_TEST_CONTEXT(to_string(code)) {
      server.script({made});
      auto const got = at.stream();
      BOOST_REQUIRE(got.failure.has_value());
      BOOST_TEST(got.failure->code() == code);
    }
}

BOOST_AUTO_TEST_CASE(empty_streams) {
  asio::io_context context;
  chat_stream none;
  BOOST_TEST(test::run(context, none.next()).error().code() == errc::configuration);
  BOOST_TEST(none.response().json().empty());
  message_stream nothing;
  BOOST_TEST(test::run(context, nothing.next()).error().code() == errc::configuration);
  BOOST_TEST(test::run(context, model().stream(test::hello())).error().code() == errc::configuration);
}

// Broken at every point: one error, what had arrived, and nothing left.
BOOST_AUTO_TEST_CASE(a_stream_that_ends_at_every_byte) {
  fake_server server;
  fixture at(impatient(server));
  std::size_t whole = 0;
  for (std::size_t n = 1; n < 4000; n += 29)
    BOOST_TEST_CONTEXT("after " << n << " bytes") {
      server.script({reply::answer("one two three four").reset_after(n)});
      auto const got = at.stream();
      if (!got.failure) {
        ++whole;
        continue;
      }
      BOOST_TEST(got.failure->code() == errc::connect);
      BOOST_TEST(std::string("one two three four").starts_with(got.text));
      BOOST_TEST(at.endpoint.pool().open == 0u);
    }
  BOOST_TEST(whole > 0u);
  BOOST_TEST(!at.stream().failure);
}

// Cancelled after every handler: errc::cancelled, and the session is closed.
BOOST_AUTO_TEST_CASE(a_stream_cancelled_at_every_await) {
  fake_server server;
  for (bool const on_strand : {false, true}) {
    std::size_t cancelled = 0;
    bool finished = false;
    for (std::size_t n = 0; !finished && n < 500; ++n) {
      server.script({reply::status(529).header("retry-after-ms", "1"), reply::answer("one two").pace(1ms)});
      asio::io_context context;
      auto const endpoint = on_strand ? client::make(context.get_executor(), test::quick(server)).value()
                                      : client::make(context.get_executor(), test::quick(server), serial).value();
      asio::cancellation_signal signal;
      std::optional<seen> outcome;
      bool ended = false;
      asio::co_spawn(context, consume(test::model_at(endpoint), test::hello()),
                     asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, seen got) {
                       ended = true;
                       if (!failure)
                         outcome.emplace(std::move(got));
                     }));
      for (std::size_t step = 0; step < n && !ended; ++step)
        context.run_one();
      finished = ended;
      signal.emit(asio::cancellation_type::terminal);
      context.run();
      BOOST_TEST_CONTEXT("after " << n << " handlers") {
        BOOST_TEST(ended);
        if (!outcome || outcome->failure) {
          ++cancelled;
          // By Asio's rule the caller's next co_await throws, unless the stream was what it awaited last.
          BOOST_TEST((!outcome || outcome->failure->code() == errc::cancelled));
        }
        BOOST_TEST(endpoint.pool().open == endpoint.pool().idle);
        BOOST_TEST(endpoint.pool().waiting == 0u);
      }
      server.clear_script();
    }
    BOOST_TEST(finished);
    BOOST_TEST(cancelled > 5u);
  }
}

BOOST_AUTO_TEST_CASE(a_thousand_streams_on_one_thread) {
  fake_server const server;
  auto options = test::quick(server);
  options.limits.tls = 60s;
  fixture at(options);
  std::size_t done = 0;
  for (int i = 0; i < 1000; ++i)
    asio::co_spawn(at.context, consume(test::model_at(at.endpoint), test::hello()),
                   [&](std::exception_ptr failure, seen got) {
                     BOOST_TEST(!failure);
                     BOOST_TEST(!got.failure);
                     done += got.finish_reason == "stop" ? 1 : 0;
                   });
  at.context.run();
  BOOST_TEST(done == 1000u);
}

// Whoever does not read holds the sender back: no more is written than the system's buffers hold.
BOOST_AUTO_TEST_CASE(a_slow_consumer_holds_back_the_sender) {
  fake_server server;
  server.script({reply::answer(std::string(1000, 'x')).repeat_deltas(1'000'000)});
  fixture at(test::quick(server));
  auto read_one = [&]() -> asio::awaitable<std::uint64_t> {
    auto stream = co_await at.endpoint.stream(test::native_hello());
    auto event = co_await stream->next();
    BOOST_TEST(event.has_value());
    asio::steady_timer timer(at.context);
    std::uint64_t before = 0;
    std::uint64_t now = 1;
    // Until nothing more is written.
    while (now != before) {
      before = now;
      timer.expires_after(200ms);
      co_await timer.async_wait(asio::use_awaitable);
      now = server.stream_bytes();
    }
    co_return now;
  };
  auto const written = test::run(at.context, read_one());
  BOOST_TEST(written > 0u);
  BOOST_TEST(written < 100'000'000u);
}

BOOST_AUTO_TEST_CASE(streams_on_many_threads) {
  fake_server const server;
  std::atomic<int> done{0};
  {
    asio::thread_pool threads(4);
    auto const endpoint = client::make(threads.get_executor(), test::quick(server)).value();
    for (int i = 0; i < 40; ++i)
      asio::co_spawn(asio::make_strand(threads), consume(test::model_at(endpoint), test::hello()),
                     [&](std::exception_ptr failure, seen got) { done += !failure && !got.failure ? 1 : 0; });
    threads.join();
  }
  BOOST_TEST(done == 40);
}

BOOST_AUTO_TEST_SUITE_END()
