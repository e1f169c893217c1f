// The only file with awaitable_operators: they take a quarter of a gigabyte to compile.
#include "support/call.hpp"
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

// A call against a timer of about the time that a call takes, so that either may win.
asio::awaitable<void> race(model claude, int rounds, int seed, tally& count) {
  auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < rounds; ++i) {
    // Every tenth call has all the time it needs, however slow the machine is.
    auto limit = std::chrono::microseconds(500 + (seed * 1310 + i * 970) % 40'000);
    if (i % 10 == 0)
      limit = 30s;
    asio::steady_timer timer(executor, limit);
    auto request = test::hello();
    auto winner = co_await (claude.invoke(request) || timer.async_wait(asio::use_awaitable));
    if (winner.index() == 1)
      ++count.cancelled;
    else if (std::get<0>(winner).has_value())
      ++count.answered;
    else
      ++count.odd;
  }
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
  tally count;
  {
    asio::thread_pool threads(4);
    auto const endpoint = client::make(threads.get_executor(), test::quick(server)).value();
    auto const claude = test::model_at(endpoint);
    for (int caller = 0; caller < 8; ++caller)
      asio::co_spawn(asio::make_strand(threads), race(claude, 250, caller, count), asio::detached);
    threads.join();
    BOOST_TEST(endpoint.pool().open == endpoint.pool().idle);
    BOOST_TEST(endpoint.pool().waiting == 0u);
  }
  BOOST_TEST(count.answered + count.cancelled == 2000);
  BOOST_TEST(count.odd == 0);
  BOOST_TEST(count.answered > 0);
  BOOST_TEST(count.cancelled > 0);
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
