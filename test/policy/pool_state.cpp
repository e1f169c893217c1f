#include "policy/pool_state.hpp"

#include "support/test.hpp"

#include <memory>

using namespace claudio;
using namespace std::chrono_literals;

namespace {

struct caller : boost::intrusive::list_base_hook<> {
  void grant(std::unique_ptr<int> given) {
    session = std::move(given);
    granted = true;
  }
  void grant_place() { granted = true; }

  std::unique_ptr<int> session;
  bool granted = false;
};

using state = pool_state<std::unique_ptr<int>, caller>;
auto const start = state::time_point();

std::unique_ptr<int> session(int id) { return std::make_unique<int>(id); }

} // namespace

BOOST_AUTO_TEST_SUITE(pool_states)

BOOST_AUTO_TEST_CASE(places_are_limited) {
  state pool(2, 2, 1s);
  BOOST_TEST(pool.take_place());
  BOOST_TEST(pool.take_place());
  BOOST_TEST(!pool.take_place());
  pool.free_place();
  BOOST_TEST(pool.take_place());
}

BOOST_AUTO_TEST_CASE(the_newest_idle_session_goes_first) {
  state pool(3, 3, 1s);
  for (int id : {1, 2, 3}) {
    BOOST_TEST(pool.take_place());
    BOOST_TEST(!pool.give_back(session(id), start));
  }
  BOOST_TEST(**pool.take_idle() == 3);
  BOOST_TEST(**pool.take_idle() == 2);
  BOOST_TEST(pool.places_taken() == 3u);
}

BOOST_AUTO_TEST_CASE(surplus_and_expired_sessions_go) {
  state pool(3, 1, 10s);
  for (int i = 0; i < 2; ++i)
    BOOST_TEST(pool.take_place());
  BOOST_TEST(!pool.give_back(session(1), start));
  auto const surplus = pool.give_back(session(2), start);
  BOOST_TEST(**surplus == 2);
  BOOST_TEST(pool.places_taken() == 1u);
  BOOST_TEST(pool.take_expired(start + 9s).empty());
  BOOST_TEST(pool.take_expired(start + 10s).size() == 1u);
  BOOST_TEST(pool.places_taken() == 0u);
  BOOST_TEST(!pool.take_idle());
}

BOOST_AUTO_TEST_CASE(waiters_come_in_order_and_leave_without_a_trace) {
  state pool(1, 1, 1s);
  BOOST_TEST(pool.take_place());
  caller first, second, third;
  pool.enqueue(first);
  pool.enqueue(second);
  pool.enqueue(third);
  pool.remove(second);
  BOOST_TEST(!pool.give_back(session(1), start));
  BOOST_TEST(first.granted);
  BOOST_TEST(*first.session == 1);
  BOOST_TEST(!third.granted);
  pool.free_place(); // the first one's session broke
  BOOST_TEST(third.granted);
  BOOST_TEST(!third.session);
  BOOST_TEST(!second.granted);
  BOOST_TEST(pool.waiting() == 0u);
  BOOST_TEST(pool.places_taken() == 1u);
  BOOST_TEST(pool.idle() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
