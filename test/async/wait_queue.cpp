#include "async/wait_queue.hpp"

#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <memory>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct waiting_callers {
  asio::io_context context;
  wait_queue queue{context.get_executor()};
  std::vector<std::pair<int, wait_outcome>> ended;

  asio::awaitable<void> wait(int id, std::chrono::milliseconds limit = 1h) {
    wait_queue::waiter stay(queue);
    auto waiting = stay.wait(wait_queue::clock::now() + limit);
    auto const outcome = co_await std::move(waiting);
    ended.emplace_back(id, outcome);
  }
  void spawn(int id, std::chrono::milliseconds limit = 1h) { asio::co_spawn(context, wait(id, limit), asio::detached); }
  bool all_ended_with(wait_outcome wanted, std::size_t count) const {
    return ended.size() == count &&
           std::all_of(ended.begin(), ended.end(), [&](auto const& one) { return one.second == wanted; });
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(waits, waiting_callers)

BOOST_AUTO_TEST_CASE(the_first_one_is_granted_first) {
  for (int i = 0; i < 3; ++i)
    spawn(i);
  context.poll();
  BOOST_TEST(queue.grant_first());
  context.poll();
  BOOST_REQUIRE(ended.size() == 1u);
  BOOST_TEST(ended.front().first == 0);
  BOOST_TEST((ended.front().second == wait_outcome::granted));
  queue.grant_all();
  context.run();
  BOOST_TEST(all_ended_with(wait_outcome::granted, 3));
  BOOST_TEST(!queue.grant_first());
}

BOOST_AUTO_TEST_CASE(a_wait_ends_when_its_time_is_up) {
  spawn(0, 1ms);
  context.run();
  BOOST_TEST(all_ended_with(wait_outcome::late, 1));
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(a_cancelled_caller_leaves_its_place) {
  asio::cancellation_signal signal;
  asio::co_spawn(context, wait(0), asio::bind_cancellation_slot(signal.slot(), asio::detached));
  context.poll();
  signal.emit(asio::cancellation_type::terminal);
  context.run();
  BOOST_TEST(all_ended_with(wait_outcome::cancelled, 1));
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(what_was_granted_stays_so) {
  asio::cancellation_signal signal;
  asio::co_spawn(context, wait(0), asio::bind_cancellation_slot(signal.slot(), asio::detached));
  context.poll();
  queue.grant_all();
  queue.interrupt();
  signal.emit(asio::cancellation_type::terminal);
  context.run();
  BOOST_TEST(all_ended_with(wait_outcome::granted, 1));
}

BOOST_AUTO_TEST_CASE(an_interrupted_queue_ends_waits_there_are_and_those_to_come) {
  spawn(0);
  context.poll();
  queue.interrupt();
  spawn(1);
  context.run();
  BOOST_TEST(all_ended_with(wait_outcome::interrupted, 2));
}

BOOST_AUTO_TEST_CASE(a_context_is_destroyed_with_waits) {
  auto short_lived = std::make_unique<asio::io_context>();
  wait_queue inner(short_lived->get_executor());
  auto const stay_there = [&]() -> asio::awaitable<void> {
    wait_queue::waiter stay(inner);
    auto waiting = stay.wait(wait_queue::clock::time_point::max());
    co_await std::move(waiting);
    BOOST_ERROR("it was woken up");
  };
  asio::co_spawn(*short_lived, stay_there, asio::detached);
  short_lived->poll();
  BOOST_TEST(!inner.empty());
  short_lived.reset();
  BOOST_TEST(inner.empty());
}

BOOST_AUTO_TEST_SUITE_END()
