// The only file with awaitable_operators: they take a quarter of a gigabyte to compile.
#include "support/call.hpp"
#include "support/scripted_proxy.hpp"
#include "support/test.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

struct tally {
  std::atomic<int> answered{0}, cancelled{0}, odd{0};
};

asio::awaitable<bool> invoke(model claude) {
  auto const answer = co_await claude.invoke(test::hello());
  co_return answer.has_value();
}

asio::awaitable<bool> read_stream(model claude) {
  auto stream = co_await claude.stream(test::hello());
  bool whole = stream.has_value();
  while (whole) {
    auto const chunk = co_await stream->next();
    whole = chunk.has_value();
    if (!chunk || !*chunk)
      break;
  }
  co_return whole;
}

asio::awaitable<bool> use_tools(model claude) {
  toolbox tools;
  boost::json::object const schema{{"type", "object"}};
  tools.add("now", "The time.", schema, [](boost::json::object const&) { return std::string("noon"); });
  run_tools_options options;
  options.max_turns = 2;
  auto const run = co_await run_tools(claude, test::hello(), tools, options);
  co_return run.has_value();
}

// A call against a timer of about the time that a call takes, so that either may win.
asio::awaitable<void> race(asio::awaitable<bool> (*work)(model), model claude, int rounds, int seed, tally& count) {
  auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < rounds; ++i) {
    // Every tenth call has all the time it needs, however slow the machine is.
    auto limit = std::chrono::microseconds(500 + (seed * 1310 + i * 970) % 40'000);
    if (i % 10 == 0)
      limit = 30s;
    asio::steady_timer timer(executor, limit);
    auto winner = co_await (work(claude) || timer.async_wait(asio::use_awaitable));
    if (winner.index() == 1)
      ++count.cancelled;
    else if (std::get<0>(winner))
      ++count.answered;
    else
      ++count.odd;
  }
}

void race_on_four_threads(provider_options const& options, asio::awaitable<bool> (*work)(model), int rounds) {
  tally count;
  {
    asio::thread_pool threads(4);
    auto const endpoint = client::make(threads.get_executor(), options).value();
    auto const claude = test::model_at(endpoint);
    for (int caller = 0; caller < 8; ++caller)
      asio::co_spawn(asio::make_strand(threads), race(work, claude, rounds, caller, count), asio::detached);
    threads.join();
    BOOST_TEST(endpoint.pool().open == endpoint.pool().idle);
    BOOST_TEST(endpoint.pool().waiting == 0u);
  }
  BOOST_TEST(count.answered + count.cancelled == 8 * rounds);
  BOOST_TEST(count.odd == 0);
  BOOST_TEST(count.answered > 0);
  BOOST_TEST(count.cancelled > 0);
}

asio::awaitable<void> call_once(model claude, std::atomic<int>& done) {
  auto const answer = co_await claude.invoke(test::hello());
  if (answer)
    ++done;
}

} // namespace

BOOST_AUTO_TEST_SUITE(threads)

BOOST_AUTO_TEST_CASE(four_threads_race_calls_against_timers) {
  testing::fake_server_options slow;
  slow.latency = 1ms;
  fake_server const server(slow);
  race_on_four_threads(test::quick(server), &invoke, 250);
}

BOOST_AUTO_TEST_CASE(four_threads_race_streams_against_timers) {
  testing::fake_server_options slow;
  slow.pace = 1ms;
  fake_server const server(slow);
  race_on_four_threads(test::quick(server), &read_stream, 60);
}

BOOST_AUTO_TEST_CASE(four_threads_race_tool_loops_against_timers) {
  fake_server server;
  server.on_request([](testing::received_request const& request) {
    bool const answered = request.body.find("tool_result") != std::string::npos;
    return answered ? reply::answer("It is noon.").delay(1ms) : reply::answer().tool_call("now", {}).delay(1ms);
  });
  race_on_four_threads(test::quick(server), &use_tools, 100);
}

BOOST_AUTO_TEST_CASE(four_threads_race_calls_through_a_proxy_against_timers) {
  testing::fake_server_options slow;
  slow.latency = 1ms;
  fake_server const server(slow);
  test::scripted_proxy const proxy;
  auto options = test::quick(server);
  options.proxy = secret(proxy.address());
  options.pool.max_requests = 3; // so that tunnels are opened again and again
  race_on_four_threads(options, &invoke, 60);
}

BOOST_AUTO_TEST_CASE(one_context_destroyed_with_a_thousand_calls_in_flight) {
  testing::fake_server_options slow;
  slow.latency = 1h;
  fake_server const server(slow);
  std::atomic<int> done{0};
  {
    asio::io_context context;
    auto options = test::quick(server);
    options.pool.max_sessions = 100; // 900 callers wait
    auto const home = client::make(context.get_executor(), options, serial).value();
    auto const strand = client::make(context.get_executor(), options).value();
    for (int i = 0; i < 1000; ++i)
      asio::co_spawn(context, call_once(test::model_at(i % 2 == 0 ? home : strand), done), asio::detached);
    // Until some are connected and others wait, however slow the machine is.
    for (int i = 0; i < 400 && (home.pool().waiting == 0 || strand.pool().opened == 0); ++i)
      context.run_for(50ms);
    BOOST_TEST(home.pool().waiting > 0u);
  }
  BOOST_TEST(done == 0);
}

BOOST_AUTO_TEST_CASE(both_sides_of_and) {
  fake_server const server;
  asio::io_context context;
  auto const claude = test::model_at(client::make(context.get_executor(), test::quick(server), serial).value());
  auto both = [&]() -> asio::awaitable<result<std::string>> {
    auto [first, second] = co_await (claude.invoke(test::hello()) && claude.invoke(test::hello()));
    co_return std::string(first.value().text()) + std::string(second.value().text());
  };
  BOOST_TEST(test::run(context, both()).value().find("Hello!") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(futures_from_another_thread) {
  fake_server const server;
  asio::io_context context;
  auto const claude = test::model_at(client::make(context.get_executor(), test::quick(server)).value());
  auto answer = asio::co_spawn(context, claude.invoke(test::hello()), asio::use_future);
  std::thread runner([&] { context.run(); });
  BOOST_TEST(answer.get().has_value());
  runner.join();
}

BOOST_AUTO_TEST_SUITE_END()
