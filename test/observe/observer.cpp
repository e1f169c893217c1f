// What an observer is told, whatever becomes of a call: each begins once and ends once, and levels go back to none.
#include "support/attempts.hpp"
#include "support/call.hpp"
#include "support/cancel.hpp"
#include "support/recorder.hpp"
#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::connection_fault;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;

namespace {

using texts = std::vector<std::string>;

asio::awaitable<result<message>> read_all(client endpoint, call_options call = call_options()) {
  try {
    auto opening = endpoint.stream(test::native_hello(), std::move(call));
    auto stream = co_await std::move(opening);
    if (!stream)
      co_return stream.error();
    while (true) {
      auto const event = co_await stream->next();
      if (!event)
        co_return event.error();
      if (!*event)
        co_return stream->response();
    }
  } catch (boost::system::system_error const&) { // by Asio, at the next co_await
  }
  co_return error(errc::cancelled, "between two operations");
}

asio::awaitable<bool> pause(asio::io_context& context, std::chrono::milliseconds time) {
  asio::steady_timer timer(context, time);
  co_await timer.async_wait(asio::use_awaitable);
  co_return true;
}

// A client whose every event is written down.
class observed_client {
public:
  explicit observed_client(provider_options options)
      : endpoint(client::make(context.get_executor(), std::move(options), serial, seen).value()) {}

  result<message> call(call_options call = call_options()) {
    return test::run(context, endpoint.create(test::native_hello(), std::move(call)));
  }
  result<message> stream(call_options call = call_options()) {
    return test::run(context, read_all(endpoint, std::move(call)));
  }
  void begin(call_options call = call_options()) {
    asio::co_spawn(context, endpoint.create(test::native_hello(), std::move(call)), asio::detached);
  }
  void run() {
    context.restart();
    context.run();
  }
  // The client goes, and all that it had open with it.
  void check_over() {
    endpoint = client();
    run();
    seen->check_over();
  }

  std::shared_ptr<test::recorder> const seen = std::make_shared<test::recorder>();
  asio::io_context context;
  client endpoint;
};

provider_options without_retry(fake_server const& server) {
  auto options = test::quick(server);
  options.retry.max_retries = 0;
  return options;
}

provider_options with_keys(provider_options options, texts const& names) {
  options.api_key = secret();
  for (auto const& name : names) {
    api_key_options key;
    key.api_key = secret("sk-ant-key-" + name);
    options.api_keys.push_back(std::move(key));
  }
  return options;
}

asio::awaitable<bool> open_and_drop(client endpoint, std::size_t events) {
  auto opening = endpoint.stream(test::native_hello());
  auto stream = co_await std::move(opening);
  for (std::size_t i = 0; i < events; ++i)
    co_await stream->next();
  co_return stream.has_value();
}

} // namespace

BOOST_AUTO_TEST_SUITE(observers)

BOOST_AUTO_TEST_CASE(a_call_that_succeeds) {
  fake_server server;
  observed_client one(test::quick(server));
  auto const answer = one.call();
  BOOST_REQUIRE(answer.has_value());
  auto const& call = one.seen->call();
  BOOST_TEST(call.model == "claude-sonnet-4-6");
  BOOST_TEST(!call.streams);
  BOOST_TEST(call.outcome == errc::none);
  BOOST_TEST(call.answered);
  BOOST_TEST(call.attempts == texts{"1 ok"}, boost::test_tools::per_element());
  BOOST_TEST(call.waits.empty());
  BOOST_TEST(call.info.request_id == answer->info().request_id);
  BOOST_TEST((call.info.total == answer->info().total));
  BOOST_TEST((call.info.cost == answer->info().cost));
  BOOST_TEST(one.seen->handshakes == texts{"full"}, boost::test_tools::per_element());
  BOOST_TEST(one.seen->level.idle == 1u);
  one.check_over();
  BOOST_TEST(one.seen->closed == texts{"shut_down 1"}, boost::test_tools::per_element());
  texts const order{"begun", "pool", "opened", "pool", "attempt", "ended", "closed", "pool"};
  BOOST_TEST(one.seen->order == order, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(calls_that_fail) {
  struct row {
    reply made;
    errc outcome;
    texts attempts;
  };
  row const rows[] = {
      {reply::status(400), errc::invalid_request, {"1 invalid_request"}},
      {reply::status(529), errc::overloaded, {"1 overloaded again", "2 overloaded again", "3 overloaded"}},
      {reply::reset(), errc::connect, {"1 connect again", "2 connect again", "3 connect"}},
      {reply::garbage(), errc::protocol, {"1 protocol"}},
      {reply::stall(), errc::timeout, {"1 timeout"}},
  };
  for (auto const& row : rows)
    for (bool const streams : {false, true})
      BOOST_TEST_CONTEXT(row.outcome << (streams ? " stream" : "")) {
        fake_server server;
        server.on_request([&](testing::received_request const&) { return row.made; });
        auto options = test::quick(server);
        options.retry.max_retries = 2;
        options.limits.total = 200ms;
        if (row.outcome != errc::timeout)
          options.limits.total = 10s;
        observed_client one(options);
        auto const outcome = streams ? one.stream() : one.call();
        BOOST_REQUIRE(outcome.has_error());
        auto const& call = one.seen->call();
        BOOST_TEST(call.streams == streams);
        BOOST_TEST(call.outcome == row.outcome);
        BOOST_TEST(!call.answered);
        BOOST_TEST(!call.stream.has_value());
        BOOST_TEST(call.attempts == row.attempts, boost::test_tools::per_element());
        BOOST_TEST(call.info.attempts == row.attempts.size());
        BOOST_TEST((call.info.total == outcome.error().info().total));
        one.check_over();
      }
}

BOOST_AUTO_TEST_CASE(a_connection_that_cannot_be) {
  fake_server server;
  server.script_connections({connection_fault::reset_handshake});
  observed_client one(without_retry(server));
  BOOST_TEST(one.call().has_error());
  BOOST_TEST(one.seen->call().attempts.size() == 1u);
  BOOST_TEST(one.seen->handshakes.empty());
  BOOST_TEST(one.seen->closed.empty());
  one.check_over();
}

BOOST_AUTO_TEST_CASE(headers_that_cannot_be_sent) {
  fake_server server;
  observed_client one(test::quick(server));
  call_options call;
  call.headers.emplace_back("x-evil", "a\r\nb");
  BOOST_TEST(one.call(call).has_error());
  BOOST_TEST(one.stream(call).has_error());
  BOOST_TEST(one.seen->calls.size() == 2u);
  for (auto const& [number, told] : one.seen->calls)
    BOOST_TEST(told.outcome == errc::configuration);
  one.check_over();
}

// Cancelled after every handler that there is, each time with a client of its own.
template <class T, class Make>
void cancel_everywhere(Make make, std::size_t least) {
  fake_server server;
  std::vector<std::shared_ptr<test::recorder>> all;
  auto const cancelled = test::cancel_after_every_handler<T>([&](asio::io_context& context, std::size_t n) {
    server.clear_script();
    server.script({reply::status(529).header("retry-after-ms", "1"),
                   reply::answer("one two three four five six").record_per_event()});
    all.push_back(std::make_shared<test::recorder>());
    test::ready_call<T> call;
    call.caller = n % 2 == 0 ? asio::any_io_executor(context.get_executor()) : asio::make_strand(context);
    call.endpoint = client::make(context.get_executor(), test::quick(server), serial, all.back()).value();
    call.work = make(call.endpoint);
    return call;
  });
  BOOST_TEST(cancelled > least);
  std::size_t told = 0;
  for (std::size_t n = 0; n < all.size(); ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      all[n]->check_over();
      BOOST_TEST(all[n]->calls.size() <= 1u);
      for (auto const& [number, call] : all[n]->calls)
        told += call.outcome == errc::cancelled ? 1 : 0;
    }
  BOOST_TEST(told > least);
}

BOOST_AUTO_TEST_CASE(a_call_cancelled_at_every_point) {
  cancel_everywhere<message>([](client endpoint) { return endpoint.create(test::native_hello()); }, 5);
}

BOOST_AUTO_TEST_CASE(a_stream_cancelled_at_every_point) {
  cancel_everywhere<message>([](client endpoint) { return read_all(std::move(endpoint)); }, 5);
}

BOOST_AUTO_TEST_CASE(a_models_call_cancelled_at_every_point) {
  cancel_everywhere<chat_response>([](client endpoint) { return test::model_at(endpoint).invoke(test::hello()); }, 5);
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_at_every_point) {
  for (bool const streams : {false, true}) {
    std::size_t dropped = 0;
    bool finished = false;
    for (std::size_t n = 0; !finished && n < 500; ++n)
      BOOST_TEST_CONTEXT((streams ? "a stream after " : "after ") << n << " handlers") {
        fake_server server;
        server.script({reply::status(529).header("retry-after-ms", "1"),
                       reply::answer("one two three four five six").record_per_event()});
        auto const seen = std::make_shared<test::recorder>();
        {
          asio::io_context context;
          auto endpoint = client::make(context.get_executor(), test::quick(server), serial, seen).value();
          auto ended = [&](std::exception_ptr, result<message> const&) { finished = true; };
          asio::co_spawn(context, streams ? read_all(endpoint) : endpoint.create(test::native_hello()), ended);
          endpoint = client();
          for (std::size_t step = 0; step < n && !finished; ++step)
            context.run_one();
        }
        seen->check_over();
        for (auto const& [number, call] : seen->calls) {
          if (call.outcome == errc::none)
            continue;
          ++dropped;
          BOOST_TEST(call.outcome == errc::cancelled);
          // Its account is that of the call.
          BOOST_TEST((call.info.total.count() > 0));
          BOOST_TEST(call.info.attempts >= call.attempts.size());
        }
      }
    BOOST_TEST(finished);
    BOOST_TEST(dropped > 5u);
  }
}

BOOST_AUTO_TEST_CASE(a_drained_client_refuses) {
  fake_server server;
  observed_client one(test::quick(server));
  BOOST_TEST(one.call().has_value());
  BOOST_TEST(test::run(one.context, one.endpoint.drain(std::chrono::steady_clock::now() + 1h)).has_value());
  BOOST_TEST(one.seen->closed == texts{"shut_down 1"}, boost::test_tools::per_element());
  BOOST_TEST(one.call().error().code() == errc::shut_down);
  BOOST_TEST(one.stream().error().code() == errc::shut_down);
  BOOST_TEST(test::run(one.context, test::model_at(one.endpoint).invoke(test::hello())).has_error());
  BOOST_REQUIRE(one.seen->calls.size() == 4u);
  std::size_t refused = 0;
  for (auto const& [number, call] : one.seen->calls) {
    BOOST_TEST(call.model == "claude-sonnet-4-6");
    refused += call.outcome == errc::shut_down ? 1 : 0;
  }
  BOOST_TEST(refused == 3u);
  one.check_over();
}

BOOST_AUTO_TEST_CASE(a_drain_that_cuts_calls_off) {
  fake_server server;
  server.on_request([](testing::received_request const& request) {
    return request.body.find("\"stream\"") == std::string::npos ? reply::stall() : reply::answer("x").pings_only(1h);
  });
  auto options = test::quick(server);
  options.pool.max_sessions = 2;
  observed_client some(options);
  some.begin();
  asio::co_spawn(some.context, read_all(some.endpoint), asio::detached);
  some.begin(); // waits for a session
  auto const cut = [](asio::io_context& context, client endpoint) -> asio::awaitable<bool> {
    auto waiting = pause(context, 100ms);
    co_await std::move(waiting);
    auto draining = endpoint.drain(std::chrono::steady_clock::now() + 50ms);
    auto const drained = co_await std::move(draining);
    co_return drained.has_error();
  };
  BOOST_TEST(test::run(some.context, cut(some.context, some.endpoint)));
  BOOST_REQUIRE(some.seen->calls.size() == 3u);
  for (auto const& [number, call] : some.seen->calls)
    BOOST_TEST(call.outcome == errc::shut_down);
  BOOST_TEST(some.seen->calls.rbegin()->second.waits == texts{"session refused"}, boost::test_tools::per_element());
  for (auto const& reason : some.seen->closed)
    BOOST_TEST(reason == "shut_down 0");
  some.check_over();
}

// Of which pacing knows so many by name.
BOOST_AUTO_TEST_CASE(models_beyond_the_bound_bear_no_other_models_name) {
  fake_server server;
  observed_client one(without_retry(server));
  for (int i = 0; i < 300; ++i)
    BOOST_TEST(test::run(one.context, one.endpoint.create(test::native_hello().model("model-" + std::to_string(i))))
                   .has_error());
  std::size_t named = 0;
  int i = 0;
  for (auto const& [number, call] : one.seen->calls) {
    named += call.model.empty() ? 0 : 1;
    BOOST_TEST((call.model.empty() || call.model == "model-" + std::to_string(i)));
    ++i;
  }
  BOOST_TEST(named == 255u);
  one.check_over();
}

BOOST_AUTO_TEST_CASE(calls_that_translation_refuses) {
  fake_server server;
  observed_client one(test::quick(server));
  auto const claude = test::model_at(one.endpoint);
  call_options strict;
  strict.translation = translation_mode::strict;
  auto const request = test::hello().set("seed", 1);
  BOOST_TEST(test::run(one.context, claude.invoke(request, strict)).has_error());
  BOOST_TEST(test::run(one.context, claude.stream(request, strict)).has_error());
  BOOST_TEST(test::run(one.context, claude.invoke(test::hello().set("stream", true))).has_error());
  BOOST_REQUIRE(one.seen->calls.size() == 3u);
  std::size_t streams = 0;
  for (auto const& [number, call] : one.seen->calls) {
    BOOST_TEST(call.model == "claude-sonnet-4-6");
    BOOST_TEST(call.outcome == errc::transformation);
    BOOST_TEST(call.info.attempts == 0u);
    streams += call.streams ? 1 : 0;
  }
  BOOST_TEST(streams == 1u);
  one.check_over();
}

BOOST_AUTO_TEST_CASE(a_stream_read_to_its_end) {
  fake_server server;
  for (bool const together : {false, true})
    BOOST_TEST_CONTEXT(together) {
      auto answer = reply::answer("one two three four five six seven eight nine ten");
      if (!together)
        answer.pace(5ms);
      server.script({answer, answer});
      observed_client one(test::quick(server));
      BOOST_TEST(one.call().has_value()); // so that the next one has a session already
      BOOST_TEST(one.stream().has_value());
      auto const& call = one.seen->calls.rbegin()->second;
      BOOST_TEST(call.streams);
      BOOST_TEST(call.outcome == errc::none);
      BOOST_TEST(call.attempts == texts{"1 ok"}, boost::test_tools::per_element());
      BOOST_REQUIRE(call.stream.has_value());
      BOOST_TEST(call.stream->chunks == 4u);
      BOOST_TEST((call.stream->first_chunk.value() < call.info.total));
      BOOST_TEST((call.stream->intervals.sum < call.info.total));
      if (!together)
        BOOST_TEST((call.stream->intervals.sum >= 10ms));
      auto const& order = one.seen->order;
      BOOST_TEST((std::find(order.begin(), order.end(), "stream") + 1 ==
                  std::find(order.rbegin(), order.rend(), "ended").base() - 1));
      one.check_over();
      BOOST_TEST(one.seen->closed == texts{"shut_down 2"}, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(a_stream_dropped_half_way_or_never_read) {
  fake_server server;
  for (std::size_t const events : {0, 1, 4}) {
    BOOST_TEST_CONTEXT(events << " events") {
      server.script({reply::answer("one two three four five six").pace(1ms)});
      observed_client one(test::quick(server));
      BOOST_TEST(test::run(one.context, open_and_drop(one.endpoint, events)));
      auto const& call = one.seen->call();
      BOOST_TEST(call.outcome == errc::cancelled);
      BOOST_TEST(call.attempts == texts{"1 ok"}, boost::test_tools::per_element());
      BOOST_REQUIRE(call.stream.has_value());
      BOOST_TEST((call.stream->chunks > 0) == (events == 4));
      BOOST_TEST(call.info.served_model == "claude-sonnet-4-6");
      BOOST_TEST((call.info.total.count() > 0));
      one.check_over();
      BOOST_TEST(one.seen->closed == texts{"broken 0"}, boost::test_tools::per_element());
    }
  }
}

// All of it came with the head, and lies there when the caller goes.
BOOST_AUTO_TEST_CASE(a_whole_stream_that_nobody_pulls) {
  fake_server server;
  server.script({reply::answer("short")});
  observed_client one(test::quick(server));
  BOOST_TEST(test::run(one.context, open_and_drop(one.endpoint, 0)));
  BOOST_TEST(one.seen->call().outcome == errc::cancelled);
  BOOST_TEST(one.seen->call().stream.has_value());
  one.check_over();
}

BOOST_AUTO_TEST_CASE(streams_that_fail_in_the_middle) {
  std::pair<reply, errc> const rows[] = {
      {reply::answer("one two three four five six").error_after(5, "overloaded_error", "x"), errc::overloaded},
      {reply::answer("one two three four five six").cut_after_events(5), errc::stream_truncated},
      {reply::answer("one two three four five six").pace(1ms).reset_after(1070), errc::connect},
      {reply::answer("one two three four five six").pace(1ms).stall_after(1070), errc::timeout}};
  for (auto const& [made, code] : rows)
    BOOST_TEST_CONTEXT(code) {
      fake_server server;
      server.script({made});
      auto options = test::quick(server);
      options.limits.between_bytes = 100ms;
      observed_client one(options);
      BOOST_TEST(one.stream().error().code() == code);
      auto const& call = one.seen->call();
      BOOST_TEST(call.outcome == code);
      BOOST_TEST(call.answered);
      BOOST_TEST(call.attempts == texts{"1 ok"}, boost::test_tools::per_element());
      BOOST_REQUIRE(call.stream.has_value());
      BOOST_TEST(call.stream->chunks > 0u);
      one.check_over();
    }
}

// Its end has come when the last event is taken, so that nothing is left to close. It is told at home all the same.
BOOST_AUTO_TEST_CASE(a_truncated_stream_dropped_elsewhere) {
  fake_server server;
  std::string const start =
      R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],)"
      R"("model":"claude-sonnet-4-6","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}})";
  server.script({reply::status(200, "data: " + start + "\n\ndata: {\"type\":\"ping\"}", "text/event-stream")});
  auto const seen = std::make_shared<test::recorder>();
  asio::io_context context;
  asio::thread_pool elsewhere(1);
  auto endpoint = client::make(context.get_executor(), test::quick(server), serial, seen).value();
  auto const read = [](client at) -> asio::awaitable<std::size_t> {
    auto stream = co_await at.stream(test::native_hello());
    std::size_t events = 0;
    for (; events < 2; ++events) {
      auto const event = co_await stream->next();
      if (!event || !*event)
        break;
    }
    co_return events;
  };
  auto events = asio::co_spawn(elsewhere, read(endpoint), asio::use_future);
  while (events.wait_for(0s) != std::future_status::ready) {
    context.restart();
    context.run_for(10ms);
  }
  BOOST_TEST(events.get() == 2u);
  elsewhere.join();
  endpoint = client();
  context.restart();
  context.run();
  seen->check_over();
  for (auto const thread : seen->threads)
    BOOST_TEST((thread == std::this_thread::get_id()));
}

// Translation is done on the caller's executor, and so is the choice of a fallback; both are told at home.
BOOST_AUTO_TEST_CASE(all_is_told_at_home) {
  fake_server server;
  server.script({reply::status(529), reply::status(400), reply::answer("x")});
  auto const seen = std::make_shared<test::recorder>();
  asio::io_context context;
  asio::thread_pool elsewhere(1);
  auto endpoint = client::make(context.get_executor(), test::quick(server), serial, seen).value();
  auto const work = [](client at) -> asio::awaitable<bool> {
    translation_target target;
    target.model = "claude-sonnet-4-6";
    target.capabilities = capabilities_of(target.model);
    fallback_route fallback;
    fallback.endpoint = at;
    fallback.target = target;
    fallback.on = {errc::invalid_request};
    std::vector<fallback_route> const fallbacks{fallback};
    model const claude(at, target, fallbacks);
    call_options strict;
    strict.translation = translation_mode::strict;
    auto const answer = co_await claude.invoke(test::hello());
    auto const request = test::hello().set("seed", 1);
    auto const refused = co_await claude.invoke(request, strict);
    auto const refused_stream = co_await claude.stream(request, strict);
    auto stream = co_await claude.stream(test::hello());
    auto const chunk = co_await stream->next();
    co_return answer.has_value() && refused.has_error() && refused_stream.has_error() && chunk.has_value();
  };
  auto done = asio::co_spawn(elsewhere, work(endpoint), asio::use_future);
  while (done.wait_for(0s) != std::future_status::ready) {
    context.restart();
    context.run_for(10ms);
  }
  BOOST_TEST(done.get());
  elsewhere.join();
  endpoint = client();
  context.restart();
  context.run();
  seen->check_over();
  BOOST_TEST(seen->calls.size() == 5u);
  BOOST_TEST(seen->changes.size() == 1u);
  for (std::size_t i = 0; i < seen->threads.size(); ++i)
    BOOST_TEST((seen->threads[i] == std::this_thread::get_id()), seen->order[i] << " was told elsewhere");
}

BOOST_AUTO_TEST_CASE(why_sessions_close) {
  fake_server server;
  auto const closed_after = [&](auto&& configure, auto&& use) {
    auto options = without_retry(server);
    configure(options);
    observed_client one(options);
    use(one);
    one.check_over();
    return one.seen->closed;
  };
  auto const nothing = [](provider_options&) {};
  auto const call_twice = [](observed_client& one) {
    BOOST_TEST(one.call().has_value());
    BOOST_TEST(one.call().has_value());
  };
  auto const expect = [](texts const& got, texts const& wanted) {
    BOOST_TEST(got == wanted, boost::test_tools::per_element());
  };

  expect(closed_after([](auto& options) { options.pool.idle_timeout = 20ms; },
                      [](observed_client& one) {
                        BOOST_TEST(one.call().has_value());
                        test::run(one.context, pause(one.context, 30ms));
                        BOOST_TEST(one.call().has_value());
                      }),
         {"idle_timeout 1", "shut_down 1"});
  // One that prewarms finds it, too.
  expect(closed_after([](auto& options) { options.pool.idle_timeout = 20ms; },
                      [](observed_client& one) {
                        BOOST_TEST(one.call().has_value());
                        test::run(one.context, pause(one.context, 30ms));
                        BOOST_TEST(test::run(one.context, one.endpoint.prewarm(0)).has_value());
                        BOOST_TEST((one.seen->level == pool_level()));
                      }),
         {"idle_timeout 1"});
  expect(closed_after([](auto& options) { options.pool.max_idle = 1; },
                      [](observed_client& one) {
                        one.begin();
                        one.begin();
                        one.run();
                      }),
         {"surplus 1", "shut_down 1"});
  expect(closed_after([](auto& options) { options.pool.max_idle = 0; }, call_twice), {"surplus 1", "surplus 1"});
  expect(closed_after([](auto& options) { options.pool.max_requests = 2; },
                      [&](observed_client& one) {
                        call_twice(one);
                        call_twice(one);
                      }),
         {"spent 2", "spent 2"});
  // What was only opened has carried nothing.
  expect(closed_after([](auto& options) { options.pool.max_requests = 1; },
                      [](observed_client& one) {
                        BOOST_TEST(test::run(one.context, one.endpoint.prewarm(1)).has_value());
                        BOOST_TEST(one.seen->level.idle == 1u);
                        BOOST_TEST(one.call().has_value());
                      }),
         {"spent 1"});
  expect(closed_after([](auto& options) { options.pool.max_age = 20ms; },
                      [](observed_client& one) {
                        BOOST_TEST(one.call().has_value());
                        test::run(one.context, pause(one.context, 30ms));
                        BOOST_TEST(one.call().has_value());
                      }),
         {"spent 1", "shut_down 1"});
  server.script({reply::answer("x").then_close()});
  expect(closed_after(nothing,
                      [](observed_client& one) {
                        BOOST_TEST(one.call().has_value());
                        test::run(one.context, pause(one.context, 30ms));
                        BOOST_TEST(one.call().has_value());
                      }),
         {"peer_closed 1", "shut_down 1"});
  server.script({reply::answer("x").header("connection", "close")});
  expect(closed_after(nothing, [](observed_client& one) { BOOST_TEST(one.call().has_value()); }), {"not_kept 1"});
  server.script({reply::answer("x").half_body()});
  expect(closed_after(nothing, [](observed_client& one) { BOOST_TEST(one.call().has_error()); }), {"broken 0"});
  server.script({reply::stall()});
  expect(closed_after(nothing,
                      [](observed_client& one) {
                        call_options soon;
                        soon.timeout(100ms);
                        BOOST_TEST(one.call(soon).has_error());
                      }),
         {"broken 0"});
}

// It has died under the request, which is sent again. A machine may be so busy that it notices late, and nobody knows
// what the server has made of the request (policy/replay.hpp): then once more.
BOOST_AUTO_TEST_CASE(a_session_that_dies_under_a_request) {
  for (int tries = 0; tries < 50; ++tries) {
    fake_server server;
    server.script({reply::answer("x"), reply::reset(), reply::answer("y")});
    observed_client one(without_retry(server));
    BOOST_TEST(one.call().has_value());
    if (!one.call())
      continue;
    auto const& call = one.seen->calls.rbegin()->second;
    BOOST_TEST(call.info.replays == 1u);
    BOOST_TEST(call.attempts == texts{"1 ok"}, boost::test_tools::per_element());
    texts const handshakes{"full", "resumed"};
    BOOST_TEST(one.seen->handshakes == handshakes, boost::test_tools::per_element());
    one.check_over();
    texts const closed{"peer_closed 1", "shut_down 1"};
    BOOST_TEST(one.seen->closed == closed, boost::test_tools::per_element());
    return;
  }
  BOOST_ERROR("no request was sent again");
}

BOOST_AUTO_TEST_CASE(waits_for_a_session_and_for_a_handshake) {
  fake_server server;
  server.on_request([](testing::received_request const&) { return reply::answer("x").delay(50ms); });
  auto options = without_retry(server);
  options.pool.max_sessions = 1;
  observed_client two(options);
  two.begin();
  two.begin();
  call_options soon;
  soon.timeout(20ms);
  two.begin(soon);
  two.run();
  std::vector<texts> waits;
  for (auto const& [number, call] : two.seen->calls)
    waits.push_back(call.waits);
  std::vector<texts> const expected{{}, {"session granted"}, {"session refused"}};
  BOOST_TEST((waits == expected));
  BOOST_TEST((two.seen->calls.rbegin()->second.info.session_wait >= 10ms));
  two.check_over();

  fake_server slow;
  slow.script_connections({connection_fault::stall});
  auto few = without_retry(slow);
  few.pool.max_handshakes = 1;
  few.limits.tls = 100ms;
  observed_client three(few);
  three.begin();
  three.context.run_for(30ms);
  three.begin();
  soon.timeout(20ms);
  three.begin(soon);
  three.run();
  waits.clear();
  for (auto const& [number, call] : three.seen->calls)
    waits.push_back(call.waits);
  std::vector<texts> const handshakes{{}, {"handshake granted"}, {"handshake refused"}};
  BOOST_TEST((waits == handshakes));
  three.check_over();
}

BOOST_AUTO_TEST_CASE(waits_for_a_turn) {
  fake_server server;
  auto const limited = [] {
    return reply::answer("Hi.")
        .header("anthropic-ratelimit-requests-limit", "600")
        .header("anthropic-ratelimit-requests-remaining", "0");
  };
  server.on_request([&](testing::received_request const&) { return limited(); });
  observed_client some(test::quick(server));
  BOOST_TEST(some.call().has_value());
  BOOST_TEST(some.seen->pacing == 1u);
  BOOST_TEST(some.call().has_value());
  BOOST_TEST(some.seen->calls.rbegin()->second.waits == texts{"pacing granted"}, boost::test_tools::per_element());
  asio::cancellation_signal signal;
  asio::co_spawn(some.context, some.endpoint.create(test::native_hello()),
                 asio::bind_cancellation_slot(signal.slot(), asio::detached));
  some.context.restart();
  some.context.poll();
  signal.emit(asio::cancellation_type::terminal);
  some.run();
  auto const& cancelled = some.seen->calls.rbegin()->second;
  BOOST_TEST(cancelled.outcome == errc::cancelled);
  BOOST_TEST(cancelled.waits == texts{"pacing refused"}, boost::test_tools::per_element());
  some.check_over();
}

BOOST_AUTO_TEST_CASE(the_breaker_opens_and_closes) {
  fake_server server;
  server.on_request([](testing::received_request const&) { return reply::status(529); });
  auto options = without_retry(server);
  options.breaker.enabled = true;
  options.breaker.open = 50ms;
  observed_client many(options);
  for (int i = 0; i < 20; ++i)
    many.begin();
  many.run();
  BOOST_TEST(many.seen->changes == texts{"breaker open"}, boost::test_tools::per_element());
  // One that is refused has an attempt all the same, which took no time.
  BOOST_TEST(many.call().error().code() == errc::circuit_open);
  BOOST_TEST(many.seen->calls.rbegin()->second.attempts == texts{"1 circuit_open"}, boost::test_tools::per_element());
  server.on_request([](testing::received_request const&) { return reply::answer("Again."); });
  test::run(many.context, pause(many.context, 60ms));
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(many.call().has_value());
  texts const changes{"breaker open", "breaker closed"};
  BOOST_TEST(many.seen->changes == changes, boost::test_tools::per_element());
  many.check_over();
}

BOOST_AUTO_TEST_CASE(a_key_is_set_aside) {
  fake_server server;
  server.on_request([](testing::received_request const& request) {
    return request.header("x-api-key") == "sk-ant-key-a" ? reply::status(401) : reply::answer("Hi.");
  });
  observed_client one(with_keys(test::quick(server), {"a", "b"}));
  BOOST_TEST(one.call().has_value());
  BOOST_TEST(one.seen->changes == texts{"key 0 set aside"}, boost::test_tools::per_element());
  // The refusal is no attempt of its own.
  BOOST_TEST(one.seen->call().attempts == texts{"1 ok"}, boost::test_tools::per_element());
  BOOST_TEST(one.seen->call().info.key_changes == 1u);
  one.check_over();
  // Else a gauge would show it for ever.
  texts const changes{"key 0 set aside", "key 0 gone"};
  BOOST_TEST(one.seen->changes == changes, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_open_breaker_goes_with_its_client) {
  fake_server server;
  server.on_request([](testing::received_request const&) { return reply::status(529); });
  auto options = without_retry(server);
  options.breaker.enabled = true;
  observed_client many(options);
  for (int i = 0; i < 20; ++i)
    many.begin();
  many.run();
  many.check_over();
  texts const changes{"breaker open", "breaker gone"};
  BOOST_TEST(many.seen->changes == changes, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_fallback_is_two_calls) {
  fake_server server;
  server.on_request([](testing::received_request const& request) {
    return request.body.find("claude-opus-4-6") == std::string::npos ? reply::answer("Hi.") : reply::status(529);
  });
  for (bool const streams : {false, true}) {
    observed_client one(without_retry(server));
    fallback_route fallback;
    fallback.endpoint = one.endpoint;
    fallback.target.model = "claude-haiku-4-5";
    fallback.target.capabilities = capabilities_of(fallback.target.model);
    fallback.on = {errc::overloaded};
    translation_target target;
    target.model = "claude-opus-4-6";
    target.capabilities = capabilities_of(target.model);
    auto const own = std::make_shared<test::recorder>();
    call_options call;
    call.observer = own;
    std::optional<model> claude(model(one.endpoint, target, {fallback}));
    fallback.endpoint = client();
    if (streams)
      BOOST_TEST(test::run(one.context, claude->stream(test::hello(), call)).has_value());
    else
      BOOST_TEST(test::run(one.context, claude->invoke(test::hello(), call)).has_value());
    claude.reset();
    for (auto const& seen : {one.seen, own}) {
      BOOST_TEST(seen->changes == texts{"claude-opus-4-6 to claude-haiku-4-5 after overloaded"},
                 boost::test_tools::per_element());
      BOOST_REQUIRE(seen->calls.size() == 2u);
      BOOST_TEST(seen->calls.begin()->second.model == "claude-opus-4-6");
      BOOST_TEST(seen->calls.begin()->second.outcome == errc::overloaded);
      BOOST_TEST(seen->calls.rbegin()->second.model == "claude-haiku-4-5");
    }
    one.check_over();
  }
}

BOOST_AUTO_TEST_CASE(a_calls_own_observer) {
  fake_server server;
  server.script({reply::answer("other").delay(20ms), reply::status(529), reply::answer("own")});
  auto options = test::quick(server);
  options.pool.max_sessions = 2;
  observed_client two(options);
  two.begin();
  auto own = std::make_shared<test::recorder>();
  std::weak_ptr<test::recorder> const gone = own;
  call_options call;
  call.observer = own;
  two.begin(call);
  call = call_options();
  two.run();
  BOOST_TEST(two.seen->calls.size() == 2u);
  BOOST_REQUIRE(own->calls.size() == 1u);
  texts const attempts{"1 overloaded again", "2 ok"};
  BOOST_TEST((own->call().attempts == attempts) != (own->call().attempts == texts{"1 ok"}));
  for (auto const& event : own->order)
    BOOST_TEST((event == "begun" || event == "attempt" || event == "waited" || event == "ended"), event);
  BOOST_TEST(own->call().ended);
  own.reset();
  BOOST_TEST(gone.expired());
  two.check_over();
}

BOOST_AUTO_TEST_CASE(several_observers_in_their_order) {
  class named final : public observer {
  public:
    named(std::string name, texts& into) : name_(std::move(name)), into_(into) {}
    void call_begun(observed_call const&) noexcept override { into_.push_back(name_ + " begun"); }
    void call_ended(call_event const&) noexcept override { into_.push_back(name_ + " ended"); }

  private:
    std::string name_;
    texts& into_;
  };
  fake_server server;
  texts told;
  auto const first = std::make_shared<named>("first", told);
  auto const all = std::make_shared<test::recorder>();
  auto const both = observe_with({nullptr, first, all, std::make_shared<named>("second", told)});
  asio::io_context context;
  auto endpoint = client::make(context.get_executor(), test::quick(server), serial, both).value();
  call_options call;
  call.observer = std::make_shared<named>("own", told);
  BOOST_TEST(test::run(context, endpoint.create(test::native_hello(), call)).has_value());
  endpoint = client();
  texts const expected{"first begun", "second begun", "own begun", "first ended", "second ended", "own ended"};
  BOOST_TEST(told == expected, boost::test_tools::per_element());
  BOOST_TEST(all->call().outcome == errc::none);
  all->check_over();
  BOOST_TEST(observe_with({}) == nullptr);
  BOOST_TEST(observe_with({nullptr}) == nullptr);
  BOOST_TEST(observe_with({first}) == first);
}

// A source of two configurations, one after the other.
class two_configurations : public configuration_source {
public:
  explicit two_configurations(std::vector<configuration> all) : all_(std::move(all)) {}

  asio::awaitable<result<configuration>> load() const override { return load_from(*this); }
  asio::awaitable<result<void>> wait_for_change(std::uint64_t seen) const override { return wait(seen); }

private:
  static asio::awaitable<result<configuration>> load_from(two_configurations const& self) {
    co_return self.all_.back();
  }
  static asio::awaitable<result<void>> wait(std::uint64_t seen) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(seen == 2 ? 1h : 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return result<void>();
  }

  std::vector<configuration> all_;
};

BOOST_AUTO_TEST_CASE(a_managers_observer_stays_over_a_change) {
  fake_server server;
  std::vector<configuration> both;
  for (std::uint64_t const revision : {1, 2}) {
    configuration config;
    config.revision = revision;
    provider_configuration provider;
    provider.name = "anthropic";
    provider.options = test::quick(server);
    provider.options.pool.max_sessions = 10 * revision; // else it would stay as it is
    config.providers.push_back(provider);
    model_configuration configured;
    configured.name = "claude-sonnet-4-6";
    configured.provider_name = "anthropic";
    configured.capabilities = capabilities_of(configured.name);
    config.models.push_back(configured);
    both.push_back(std::move(config));
  }
  auto const seen = std::make_shared<test::recorder>();
  asio::io_context context;
  {
    model_manager const manager(context.get_executor(), both.front(), serial, seen);
    auto const claude = manager.get_model_instance("claude-sonnet-4-6").value();
    BOOST_TEST(test::run(context, claude.invoke(test::hello())).has_value());
    // The old client's sessions go with it, and its pool's level.
    asio::cancellation_signal stop;
    asio::co_spawn(context, manager.watch(two_configurations(both)),
                   asio::bind_cancellation_slot(stop.slot(), asio::detached));
    context.restart();
    while (manager.state().revision != 2)
      context.run_one();
    context.poll();
    BOOST_TEST((seen->level == pool_level()));
    stop.emit(asio::cancellation_type::terminal);
    context.run();
    BOOST_TEST(test::run(context, claude.invoke(test::hello())).has_value());
  }
  BOOST_TEST(seen->calls.size() == 2u);
  seen->check_over();
}

BOOST_AUTO_TEST_SUITE_END()
