// The loop of tools, cancelled at every point, destroyed, and on many threads: no handler is left behind.
#include "support/test.hpp"
#include "support/tools.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::test::calls;
using claudio::test::wait;
using claudio::test::weather_tools;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;
using boost::json::object;

namespace {

// Emits the cancellation after the nth handler of the context has run, for every n there is. Tools count what they
// hold, so that one that is left behind shows.
template <class MakeExecutor>
void cancel_at_every_step(MakeExecutor make_caller, bool bound) {
  fake_server server;
  std::size_t cancelled = 0, in_tools = 0;
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 1000; ++n) {
    asio::io_context context;
    auto const claude = test::model_at(client::make(context.get_executor(), test::quick(server), serial).value());
    server.script({calls({{"wait", "{}"}, {"wait", "{}"}, {"now", "{}"}, {"wait", "{}"}}), calls({{"now", "{}"}}),
                   reply::answer("done")});
    int running = 0;
    toolbox tools;
    tools.add("wait", "", object(), [&](object) -> asio::awaitable<tool_result> {
      std::shared_ptr<void> const guard(nullptr, [&](void*) { --running; });
      ++running;
      for (int i = 0; i < 2; ++i) {
        auto waiting = wait(1ms);
        co_await std::move(waiting);
      }
      co_return "waited";
    });
    tools.add("now", "", object(), [&](object) { return "now"; });
    run_tools_options options;
    options.max_parallel = 2;
    options.call.timeout(1min);
    asio::cancellation_signal signal;
    std::optional<result<tool_run>> outcome;
    auto const caller = make_caller(context);
    auto ended = [&](std::exception_ptr failure, result<tool_run> got) {
      BOOST_TEST(!failure);
      BOOST_TEST(running == 0);
      outcome.emplace(std::move(got));
    };
    auto work = run_tools(claude, test::hello(), std::move(tools), std::move(options));
    if (bound)
      asio::co_spawn(caller, std::move(work),
                     asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(caller, ended)));
    else
      asio::co_spawn(caller, std::move(work), asio::bind_cancellation_slot(signal.slot(), ended));
    for (std::size_t step = 0; step < n && !outcome; ++step)
      context.run_one();
    finished = outcome.has_value();
    in_tools += running > 0;
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    BOOST_REQUIRE(outcome.has_value());
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      if (outcome->has_error()) {
        ++cancelled;
        BOOST_TEST(outcome->error().code() == errc::cancelled);
      }
      BOOST_TEST(running == 0);
      BOOST_TEST(claude.endpoint().pool().open == claude.endpoint().pool().idle);
    }
    server.clear_script();
  }
  BOOST_TEST(finished);
  BOOST_TEST(cancelled > 15u);
  BOOST_TEST(in_tools > 3u);
}

asio::awaitable<void> run_often(model claude, toolbox tools, int rounds, std::atomic<int>& answered) {
  run_tools_options options;
  options.max_parallel = 2;
  for (int i = 0; i < rounds; ++i) {
    auto request = test::hello();
    auto running = run_tools(claude, std::move(request), tools, options);
    auto run = co_await std::move(running);
    if (run && run->response.text() == "done")
      ++answered;
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(tools_every_point)

BOOST_AUTO_TEST_CASE(cancelled_on_an_io_context) {
  cancel_at_every_step([](asio::io_context& context) { return asio::any_io_executor(context.get_executor()); }, true);
}

BOOST_AUTO_TEST_CASE(cancelled_on_a_strand) {
  cancel_at_every_step([](asio::io_context& context) { return asio::any_io_executor(asio::make_strand(context)); },
                       true);
}

BOOST_AUTO_TEST_CASE(cancelled_from_outside_the_executor) {
  cancel_at_every_step([](asio::io_context& context) { return asio::any_io_executor(context.get_executor()); }, false);
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_while_tools_run) {
  fake_server server;
  std::weak_ptr<int> held;
  int running = 0;
  {
    asio::io_context context;
    auto const claude = test::model_at(client::make(context.get_executor(), test::quick(server), serial).value());
    server.script({calls({{"hang", "{}"}, {"hang", "{}"}})});
    auto const token = std::make_shared<int>(7);
    held = token;
    toolbox tools;
    tools.add("hang", "", object(), [token, &running](object) -> asio::awaitable<tool_result> {
      // Uses the handler's captures when it is destroyed, too.
      std::shared_ptr<void> const guard(nullptr, [&](void*) { running -= *token / 7; });
      ++running;
      auto waiting = wait(1h);
      co_await std::move(waiting);
      co_return "never";
    });
    run_tools_options options;
    options.call.timeout(1h);
    asio::co_spawn(context, run_tools(claude, test::hello(), std::move(tools), std::move(options)), asio::detached);
    while (running < 2)
      context.run_one();
  }
  BOOST_TEST(running == 0);
  BOOST_TEST(held.expired());
}

BOOST_AUTO_TEST_CASE(callers_on_strands_of_four_threads) {
  fake_server server;
  server.on_request([](testing::received_request const& request) {
    if (request.body.find("tool_result") != std::string::npos)
      return reply::answer("done");
    return calls({{"weather", R"({"city":"Rome"})"}, {"time", "{}"}, {"weather", R"({"city":"Oslo"})"}});
  });
  std::atomic<int> answered{0};
  asio::thread_pool threads(4);
  auto const claude = test::model_at(client::make(threads.get_executor(), test::quick(server)).value());
  auto const tools = weather_tools();
  for (int caller = 0; caller < 6; ++caller)
    asio::co_spawn(asio::make_strand(threads), run_often(claude, tools, 10, answered), asio::detached);
  threads.join();
  BOOST_TEST(answered == 60);
}

BOOST_AUTO_TEST_SUITE_END()
