// A client that is drained: what runs is finished, what is new is refused, what lasts too long is cut off.
#include "support/call.hpp"
#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::connection_fault;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

class outcomes {
public:
  std::vector<errc> codes; // in the order in which the calls ended

  asio::awaitable<void> create(client endpoint) {
    auto const answer = co_await endpoint.create(test::native_hello());
    note(answer);
  }
  asio::awaitable<void> stream(client endpoint) {
    auto stream = co_await endpoint.stream(test::native_hello());
    if (!stream)
      co_return note(stream);
    while (true) {
      auto const event = co_await stream->next();
      if (!event || !*event)
        co_return note(event);
    }
  }

private:
  template <class T>
  void note(result<T> const& of) {
    codes.push_back(of ? errc::none : of.error().code());
  }
};

// Begins the drain once all calls are under way.
asio::awaitable<result<void>> drain_after(client endpoint, std::chrono::milliseconds pause, steady::duration time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, pause);
  co_await timer.async_wait(asio::use_awaitable);
  co_return co_await endpoint.drain(steady::now() + time);
}

} // namespace

BOOST_AUTO_TEST_SUITE(draining)

BOOST_AUTO_TEST_CASE(idle_clients_are_drained_at_once) {
  fake_server const server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).has_value());
  BOOST_TEST(endpoint.pool().idle == 1u);
  BOOST_TEST(test::run(context, endpoint.drain(steady::now() + 1h)).has_value());
  BOOST_TEST(endpoint.pool().open == 0u);

  auto const refused = test::run(context, endpoint.create(test::native_hello()));
  BOOST_TEST(refused.error().code() == errc::shut_down);
  BOOST_TEST(refused.error().info().attempts == 0u);
  BOOST_CHECK_THROW(refused.value(), cancelled_error);
  BOOST_TEST(test::run(context, endpoint.stream(test::native_hello())).error().code() == errc::shut_down);
  BOOST_TEST(test::run(context, test::model_at(endpoint).invoke(test::hello())).error().code() == errc::shut_down);
  BOOST_TEST(test::run(context, endpoint.prewarm(1)).error().code() == errc::shut_down);
  BOOST_TEST(test::run(context, endpoint.drain(steady::now() + 1h)).has_value());
  BOOST_TEST(server.connections() == 1u);
}

// One call is answered late, one waits for its session, one between two attempts, one streams.
BOOST_AUTO_TEST_CASE(what_runs_is_finished) {
  fake_server server;
  asio::io_context context;
  auto options = test::quick(server);
  options.pool.max_sessions = 2;
  auto const endpoint = client::make(context.get_executor(), options, serial).value();
  server.script({reply::status(529).header("retry-after-ms", "200"), reply::answer("x").delay(100ms)});
  outcomes seen;
  for (int i = 0; i < 3; ++i)
    asio::co_spawn(context, seen.create(endpoint), asio::detached);
  asio::co_spawn(context, seen.stream(endpoint), asio::detached);
  auto const drained = test::run(context, drain_after(endpoint, 50ms, 1h));
  BOOST_TEST(drained.has_value());
  BOOST_TEST((seen.codes == std::vector<errc>(4, errc::none)));
  BOOST_TEST(endpoint.pool().open == 0u);
}

// In every state that a call can be in; the time limits are far away.
BOOST_AUTO_TEST_CASE(what_lasts_too_long_is_cut_off) {
  fake_server server;
  server.script_connections({connection_fault::stall});
  server.on_request([](testing::received_request const& request) {
    if (request.body.find("\"stream\"") != std::string::npos)
      return reply::answer("a long story").pings_only(1h);
    return reply::stall();
  });
  asio::io_context context;
  auto options = test::quick(server);
  options.pool.max_sessions = 4;
  options.pool.max_handshakes = 2;
  auto const endpoint = client::make(context.get_executor(), options, serial).value();
  outcomes seen;
  asio::co_spawn(context, seen.create(endpoint), asio::detached); // shakes hands for ever
  asio::co_spawn(context, seen.stream(endpoint), asio::detached);
  for (int i = 0; i < 4; ++i)
    asio::co_spawn(context, seen.create(endpoint), asio::detached); // wait for an answer, or for a session
  auto const begun = steady::now();
  auto const drained = test::run(context, drain_after(endpoint, 200ms, 50ms));
  BOOST_REQUIRE(drained.has_error());
  BOOST_TEST(drained.error().code() == errc::timeout);
  BOOST_TEST(drained.error().message() == "the drain's time was up: 6 calls were cut off");
  BOOST_TEST((seen.codes == std::vector<errc>(6, errc::shut_down)));
  BOOST_TEST(endpoint.pool().open == 0u);
  BOOST_TEST(endpoint.pool().waiting == 0u);
  BOOST_TEST((steady::now() - begun < 10s));
}

BOOST_AUTO_TEST_CASE(a_wait_between_attempts_is_cut_off) {
  fake_server server;
  server.script({reply::status(529).header("retry-after", "60")});
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  outcomes seen;
  asio::co_spawn(context, seen.create(endpoint), asio::detached);
  BOOST_TEST(test::run(context, drain_after(endpoint, 100ms, 10ms)).error().code() == errc::timeout);
  BOOST_TEST((seen.codes == std::vector<errc>{errc::shut_down}));
  BOOST_TEST(server.requests().size() == 1u);
}

// Nobody waits for its next event: the connection goes all the same.
BOOST_AUTO_TEST_CASE(an_idle_stream_is_cut_off) {
  fake_server server;
  server.script({reply::answer("a long story").pings_only(1h)});
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  auto stream = test::run(context, endpoint.stream(test::native_hello())).value();
  BOOST_TEST(test::run(context, endpoint.drain(steady::now())).error().code() == errc::timeout);
  auto last = test::run(context, stream.next());
  while (last && *last)
    last = test::run(context, stream.next());
  BOOST_REQUIRE(last.has_error());
  BOOST_TEST(last.error().code() == errc::shut_down);
  BOOST_TEST(endpoint.pool().open == 0u);
}

BOOST_AUTO_TEST_CASE(a_cancelled_drain_leaves_what_runs) {
  fake_server server;
  server.script({reply::answer("x").delay(100ms)});
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  outcomes seen;
  asio::co_spawn(context, seen.create(endpoint), asio::detached);
  asio::cancellation_signal signal;
  std::optional<result<void>> drained;
  asio::co_spawn(context, drain_after(endpoint, 1ms, 1h),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, result<void> outcome) {
                   drained.emplace(std::move(outcome));
                 }));
  context.run_for(50ms);
  signal.emit(asio::cancellation_type::terminal);
  context.run();
  BOOST_REQUIRE(drained.has_value());
  BOOST_TEST(drained->error().code() == errc::cancelled);
  BOOST_TEST((seen.codes == std::vector<errc>{errc::none}));
  BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).error().code() == errc::shut_down);
}

BOOST_AUTO_TEST_CASE(a_manager_drains_all_its_clients) {
  fake_server const one;
  fake_server const two;
  asio::io_context context;
  configuration config;
  for (auto const& [name, server] : {std::pair<char const*, fake_server const*>{"sonnet", &one}, {"haiku", &two}}) {
    provider_configuration provider;
    provider.name = name;
    provider.options = test::quick(*server);
    config.providers.push_back(provider);
    model_configuration configured;
    configured.name = name == std::string("sonnet") ? "claude-sonnet-4-6" : "claude-haiku-4-5";
    configured.provider_name = name;
    config.models.push_back(configured);
  }
  for (bool const is_serial : {true, false}) {
    auto const manager = is_serial ? model_manager(context.get_executor(), config, serial)
                                   : model_manager(context.get_executor(), config);
    auto const first = manager.get_model_instance("claude-sonnet-4-6").value();
    auto const second = manager.get_model_instance("claude-haiku-4-5").value();
    auto const answer = test::run(context, first.invoke(test::hello()));
    BOOST_TEST(answer.has_value(), answer.error());
    BOOST_TEST(test::run(context, manager.drain(steady::now() + 1h)).has_value());
    for (auto const& each : {first, second}) {
      BOOST_TEST(test::run(context, each.invoke(test::hello())).error().code() == errc::shut_down);
      BOOST_TEST(each.endpoint().pool().open == 0u);
    }
  }
}

// Drained without any time after the nth handler, for every n there is.
BOOST_AUTO_TEST_CASE(at_every_point) {
  fake_server server;
  std::size_t cut_off = 0;
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 500; ++n) {
    asio::io_context context;
    server.script({reply::status(529).header("retry-after-ms", "1"), reply::answer("done").delay(1ms)});
    bool const is_serial = n % 2 == 0;
    bool const streams = n % 4 < 2;
    auto const endpoint = is_serial ? client::make(context.get_executor(), test::quick(server), serial).value()
                                    : client::make(context.get_executor(), test::quick(server)).value();
    outcomes seen;
    asio::co_spawn(context, streams ? seen.stream(endpoint) : seen.create(endpoint), asio::detached);
    for (std::size_t step = 0; step < n && seen.codes.empty(); ++step)
      context.run_one();
    finished = !seen.codes.empty();
    auto const drained = test::run(context, endpoint.drain(steady::now()));
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      BOOST_REQUIRE(seen.codes.size() == 1u);
      BOOST_TEST((seen.codes[0] == errc::none || seen.codes[0] == errc::shut_down));
      cut_off += drained.has_error();
      BOOST_TEST(endpoint.pool().open == 0u);
      BOOST_TEST(endpoint.pool().waiting == 0u);
    }
    server.clear_script();
  }
  BOOST_TEST(finished);
  BOOST_TEST(cut_off > 5u);
}

BOOST_AUTO_TEST_CASE(from_four_threads) {
  testing::fake_server_options slow;
  slow.latency = 2ms;
  fake_server const server(slow);
  for (auto const time : {0ms, 1ms, 1000ms}) {
    std::atomic<int> answered{0};
    std::atomic<int> refused{0};
    std::atomic<int> odd{0};
    asio::thread_pool threads(4);
    auto options = test::quick(server);
    options.pool.max_sessions = 16;
    auto const endpoint = client::make(threads.get_executor(), options).value();
    auto call = [&]() -> asio::awaitable<void> {
      for (bool open = true; open;) {
        auto const answer = co_await endpoint.create(test::native_hello());
        open = answer.has_value();
        ++(answer ? answered : answer.error().code() == errc::shut_down ? refused : odd);
      }
    };
    for (int caller = 0; caller < 32; ++caller)
      asio::co_spawn(asio::make_strand(threads), call, asio::detached);
    std::atomic<bool> drained{false};
    while (answered < 32)
      std::this_thread::sleep_for(1ms);
    asio::co_spawn(asio::make_strand(threads), drain_after(endpoint, 1ms, time),
                   [&](std::exception_ptr, result<void>) { drained = true; });
    threads.join();
    BOOST_TEST(drained);
    BOOST_TEST(refused == 32);
    BOOST_TEST(odd == 0);
    BOOST_TEST(endpoint.pool().open == 0u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
