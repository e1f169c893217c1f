#include "policy/circuit_breaker.hpp"
#include "support/test.hpp"

#include <claudio/retry_policy.hpp>

using namespace claudio;
using namespace std::chrono_literals;

namespace {

using time_point = std::chrono::steady_clock::time_point;
using state = circuit_breaker::state;

constexpr time_point start{1h};

circuit_breaker_options options() {
  circuit_breaker_options made;
  made.window = 10s;
  made.min_attempts = 4;
  made.failure_ratio = 0.5;
  made.open = 5s;
  made.probes = 2;
  return made;
}

void attempt(circuit_breaker& breaker, bool success, time_point now) {
  BOOST_REQUIRE(breaker.would_let_pass(now));
  breaker.record(breaker.let_pass(now), success, now);
}

circuit_breaker opened() {
  circuit_breaker breaker(options());
  for (int i = 0; i < 4; ++i)
    attempt(breaker, false, start);
  return breaker;
}

error failed(int status) { return error(errc::server_error, status, error_details()); }

} // namespace

BOOST_AUTO_TEST_SUITE(outages)

BOOST_AUTO_TEST_CASE(an_outage_as_long_as_there_is) {
  auto given = options();
  given.open = std::chrono::milliseconds::max();
  given.window = std::chrono::milliseconds::max();
  circuit_breaker breaker(given);
  for (int i = 0; i < 4; ++i)
    attempt(breaker, false, start);
  BOOST_TEST((breaker.now_in(start + 1h) == state::open));
  BOOST_TEST(!breaker.would_let_pass(start + 1h));
  BOOST_TEST((breaker.time_to_probe(start) > 24h));
}

BOOST_AUTO_TEST_CASE(it_opens_when_enough_attempts_failed) {
  circuit_breaker breaker(options());
  attempt(breaker, false, start);
  attempt(breaker, false, start);
  attempt(breaker, true, start);
  BOOST_TEST((breaker.now_in(start) == state::closed));
  attempt(breaker, false, start + 1s);
  BOOST_TEST((breaker.now_in(start + 1s) == state::open));
  BOOST_TEST(!breaker.would_let_pass(start + 5s));
  BOOST_TEST((breaker.time_to_probe(start + 4s) == 2s));
}

BOOST_AUTO_TEST_CASE(few_failures_among_many_successes_do_not_open_it) {
  circuit_breaker breaker(options());
  for (int i = 0; i < 1000; ++i)
    attempt(breaker, i % 5 < 3, start + i * 10ms);
  BOOST_TEST((breaker.now_in(start + 10s) == state::closed));
}

BOOST_AUTO_TEST_CASE(what_is_older_than_the_window_is_forgotten) {
  circuit_breaker breaker(options());
  for (int i = 0; i < 3; ++i)
    attempt(breaker, false, start);
  attempt(breaker, false, start + 11s);
  BOOST_TEST((breaker.now_in(start + 11s) == state::closed));
  for (int i = 0; i < 3; ++i)
    attempt(breaker, false, start + 1h);
  BOOST_TEST((breaker.now_in(start + 1h) == state::closed));
}

BOOST_AUTO_TEST_CASE(a_few_probes_pass_and_close_it) {
  auto breaker = opened();
  auto const later = start + 5s;
  BOOST_REQUIRE(breaker.would_let_pass(later));
  auto const first = breaker.let_pass(later);
  BOOST_REQUIRE(breaker.would_let_pass(later));
  auto const second = breaker.let_pass(later);
  BOOST_TEST(!breaker.would_let_pass(later));
  BOOST_TEST((breaker.now_in(later) == state::half_open));
  BOOST_TEST(!breaker.record(first, true, later));
  BOOST_TEST(breaker.record(second, true, later));
  BOOST_TEST((breaker.now_in(later) == state::closed));
  BOOST_TEST(breaker.would_let_pass(later));
}

BOOST_AUTO_TEST_CASE(a_probe_that_fails_opens_it_again) {
  auto breaker = opened();
  auto const later = start + 5s;
  auto const first = breaker.let_pass(later);
  auto const second = breaker.let_pass(later);
  breaker.record(first, false, later + 1s);
  BOOST_TEST((breaker.now_in(later + 1s) == state::open));
  breaker.record(second, true, later + 2s); // too late
  BOOST_TEST((breaker.now_in(later + 5s) == state::open));
  BOOST_TEST((breaker.now_in(later + 6s) == state::half_open));
}

// An answer may take minutes, and a caller may cancel.
BOOST_AUTO_TEST_CASE(probes_without_an_answer_are_followed_by_others) {
  auto breaker = opened();
  auto const later = start + 5s;
  breaker.let_pass(later);
  breaker.let_pass(later);
  BOOST_TEST(!breaker.would_let_pass(later + 4s));
  BOOST_REQUIRE(breaker.would_let_pass(later + 5s));
  attempt(breaker, true, later + 5s);
  attempt(breaker, true, later + 5s);
  BOOST_TEST((breaker.now_in(later + 5s) == state::closed));
}

BOOST_AUTO_TEST_CASE(what_was_sent_before_it_opened_says_nothing_afterwards) {
  circuit_breaker breaker(options());
  auto const slow = breaker.let_pass(start);
  for (int i = 0; i < 4; ++i)
    attempt(breaker, false, start);
  breaker.record(slow, true, start + 1s);
  BOOST_TEST((breaker.now_in(start + 1s) == state::open));
  attempt(breaker, true, start + 5s);
  breaker.record(slow, false, start + 5s);
  attempt(breaker, true, start + 5s);
  BOOST_TEST((breaker.now_in(start + 5s) == state::closed));
}

BOOST_AUTO_TEST_CASE(disabled_it_never_opens) {
  auto off = options();
  off.enabled = false;
  circuit_breaker breaker(off);
  for (int i = 0; i < 100; ++i)
    attempt(breaker, false, start);
  BOOST_TEST((breaker.now_in(start) == state::closed));
}

BOOST_AUTO_TEST_CASE(a_budget_is_for_half_of_its_tokens) {
  retry_budget budget(10, 0.5);
  for (int i = 0; i < 4; ++i)
    BOOST_TEST(budget.take(failed(500)));
  BOOST_TEST(!budget.take(failed(500)));
  BOOST_TEST(budget.left() == 5);
  budget.give();
  budget.give();
  BOOST_TEST(budget.left() == 6);
  budget.give();
  BOOST_TEST(budget.take(failed(500)));
}

BOOST_AUTO_TEST_CASE(a_budget_is_never_over_full_nor_below_nothing) {
  retry_budget budget(2, 1);
  budget.give();
  BOOST_TEST(budget.left() == 2);
  for (int i = 0; i < 5; ++i)
    budget.take(failed(500));
  BOOST_TEST(budget.left() == 0);
}

BOOST_AUTO_TEST_CASE(a_budget_of_nothing_bounds_nothing) {
  retry_budget budget(0, 0.1);
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(budget.take(failed(500)));
}

BOOST_AUTO_TEST_CASE(a_budget_may_leave_rate_limits_to_pacing) {
  retry_budget counting(2, 0.1);
  BOOST_TEST(!counting.take(failed(429)));
  retry_budget sparing(2, 0.1, false);
  BOOST_TEST(sparing.take(failed(429)));
  BOOST_TEST(sparing.left() == 2);
  BOOST_TEST(!sparing.take(failed(529)));
}

BOOST_AUTO_TEST_SUITE_END()
