// Two execution contexts: the caller's, and the home of the client. Either may go first, with calls in flight.
#include "support/call.hpp"
#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <thread>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::fake_server_options;
namespace asio = boost::asio;

namespace {

// Says when the frame that holds it is destroyed.
class tracer {
public:
  explicit tracer(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  tracer(tracer const&) = delete;
  tracer& operator=(tracer const&) = delete;
  ~tracer() { --alive_; }

private:
  std::atomic<int>& alive_;
};

// One call from elsewhere, and what became of it.
class counted_calls {
public:
  asio::awaitable<void> create(client endpoint) {
    tracer const frame(alive);
    auto const answer = co_await endpoint.create(test::native_hello());
    ended(answer ? errc::none : answer.error().code());
  }
  // Holds no client, which must not outlive its home.
  asio::awaitable<void> wait_for(asio::awaitable<result<message>> call) {
    tracer const frame(alive);
    auto const answer = co_await std::move(call);
    ended(answer ? errc::none : answer.error().code());
  }
  asio::awaitable<void> stream(client endpoint) {
    tracer const frame(alive);
    auto const stream = co_await endpoint.stream(test::native_hello());
    ended(stream ? errc::none : stream.error().code());
  }

  std::atomic<int> alive{0};
  std::atomic<int> answered{0}, cancelled{0}, odd{0};

private:
  void ended(errc code) {
    if (code == errc::none)
      ++answered;
    else if (code == errc::cancelled)
      ++cancelled;
    else
      ++odd;
  }
};

// The client's own context, on a thread of its own.
class home_thread {
public:
  home_thread() : thread_([this] { context.run(); }) {}
  ~home_thread() {
    work_.reset();
    thread_.join();
  }

  asio::io_context context{1};

private:
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(context);
  std::thread thread_;
};

fake_server_options slow(std::chrono::milliseconds latency) {
  fake_server_options options;
  options.latency = latency;
  return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(contexts)

BOOST_AUTO_TEST_CASE(the_callers_context_goes_before_its_calls) {
  fake_server const server(slow(100ms));
  counted_calls calls;
  {
    home_thread home;
    auto const endpoint = client::make(home.context.get_executor(), test::quick(server)).value();
    {
      asio::io_context context{1};
      asio::cancellation_signal signal;
      asio::co_spawn(context, calls.create(endpoint), asio::detached);
      asio::co_spawn(context, calls.stream(endpoint), asio::bind_cancellation_slot(signal.slot(), asio::detached));
      asio::co_spawn(asio::make_strand(context), calls.create(endpoint), asio::detached);
      context.run_for(50ms);
      BOOST_TEST(calls.alive == 3);
    }
    // The waiting frames went with their context, on the thread that destroyed it.
    BOOST_TEST(calls.alive == 0);
    {
      asio::thread_pool pool(2);
      for (int i = 0; i < 4; ++i)
        asio::co_spawn(asio::make_strand(pool), calls.create(endpoint), asio::detached);
      std::this_thread::sleep_for(30ms);
      pool.stop();
    }
    BOOST_TEST(calls.alive == 0);
  }
  BOOST_TEST(calls.answered == 0);
  BOOST_TEST(calls.odd == 0);
}

// Each round destroys the context at about the moment at which the calls end.
BOOST_AUTO_TEST_CASE(the_callers_context_goes_while_its_calls_end) {
  fake_server const server;
  counted_calls calls;
  home_thread home;
  auto const endpoint = client::make(home.context.get_executor(), test::quick(server)).value();
  for (int round = 0; round < 200; ++round) {
    asio::io_context context{1};
    asio::cancellation_signal signal;
    for (int i = 0; i < 3; ++i)
      asio::co_spawn(context, calls.create(endpoint), asio::detached);
    asio::co_spawn(context, calls.create(endpoint), asio::bind_cancellation_slot(signal.slot(), asio::detached));
    context.run_for(std::chrono::microseconds(round * 10));
    if (round % 2 == 0)
      signal.emit(asio::cancellation_type::terminal);
  }
  BOOST_TEST(calls.alive == 0);
  BOOST_TEST(calls.odd == 0);
}

BOOST_AUTO_TEST_CASE(the_home_goes_before_the_calls_of_others) {
  fake_server const server(slow(200ms));
  counted_calls calls;
  asio::io_context context{1};
  auto home = std::make_unique<asio::io_context>(1);
  auto endpoint = client::make(home->get_executor(), test::quick(server)).value();
  for (int i = 0; i < 3; ++i)
    asio::co_spawn(context, calls.wait_for(endpoint.create(test::native_hello())), asio::detached);
  context.run_for(1ms);
  home->run_for(50ms);
  endpoint = client();
  home.reset();
  context.restart();
  context.run();
  BOOST_TEST(calls.cancelled == 3);
  BOOST_TEST(calls.alive == 0);
}

BOOST_AUTO_TEST_SUITE_END()
