#include "async/semaphore.hpp"

#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct fixture {
  asio::io_context context;
  std::vector<int> order;
  int inside = 0;
  int most_inside = 0;
  int timed_out = 0;

  // Stays inside for a while once it was let in.
  asio::awaitable<void> visit(semaphore& door, int id, std::chrono::milliseconds limit = 1h) {
    semaphore::permit permit(door);
    auto waiting = permit.wait(std::chrono::steady_clock::now() + limit);
    auto const outcome = co_await std::move(waiting);
    if (outcome == wait_outcome::late)
      ++timed_out;
    if (outcome != wait_outcome::granted)
      co_return;
    order.push_back(id);
    most_inside = std::max(most_inside, ++inside);
    asio::steady_timer timer(context, 5ms);
    co_await timer.async_wait(asio::use_awaitable);
    --inside;
  }

  void spawn(semaphore& door, int id, std::chrono::milliseconds limit = 1h) {
    asio::co_spawn(context, visit(door, id, limit), asio::detached);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(permits, fixture)

BOOST_AUTO_TEST_CASE(as_many_as_there_are_and_in_order) {
  semaphore door(context.get_executor(), 3);
  for (int i = 0; i < 20; ++i)
    spawn(door, i);
  context.run();
  BOOST_TEST(order.size() == 20u);
  BOOST_TEST(std::is_sorted(order.begin(), order.end()));
  BOOST_TEST(most_inside == 3);
}

BOOST_AUTO_TEST_CASE(none_means_any_number) {
  semaphore door(context.get_executor(), 0);
  for (int i = 0; i < 20; ++i)
    spawn(door, i);
  context.run();
  BOOST_TEST(most_inside == 20);
}

BOOST_AUTO_TEST_CASE(who_gives_up_lets_the_next_one_in) {
  semaphore door(context.get_executor(), 1);
  asio::cancellation_signal signal;
  spawn(door, 0);
  asio::co_spawn(context, visit(door, 1), asio::bind_cancellation_slot(signal.slot(), asio::detached));
  spawn(door, 2, 1ms);
  spawn(door, 3);
  asio::post(context, [&] { signal.emit(asio::cancellation_type::terminal); });
  context.run();
  BOOST_TEST(timed_out == 1);
  BOOST_TEST((order == std::vector<int>{0, 3}));
  // The permit is free again.
  spawn(door, 4);
  context.restart();
  context.run();
  BOOST_TEST(order.back() == 4);
}

BOOST_AUTO_TEST_SUITE_END()
