// The combinator, with a clock, a sleep and dice of the test's own.
#include "support/call.hpp"
#include "support/test.hpp"

#include <claudio/retry.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

using namespace claudio;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// A clock that only sleeping moves.
struct mock_clock {
  std::chrono::steady_clock::time_point now{1h};
  std::vector<long> slept_ms;

  retry_context context(retry_policy policy = retry_policy()) {
    retry_context made(policy);
    made.now = [this] { return now; };
    made.sleep = [this](std::chrono::nanoseconds time) { return sleep(this, time); };
    made.random = [] { return 0.5; };
    return made;
  }

  static asio::awaitable<void> sleep(mock_clock* self, std::chrono::nanoseconds time) {
    self->now += time;
    self->slept_ms.push_back(static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()));
    co_return;
  }
};

error status_error(errc code, int status) { return error(code, status, error_details()); }

} // namespace

BOOST_AUTO_TEST_SUITE(retries)

// Max 3 retries, 1 s doubling, jitter: the guide's strategy as it plays out.
BOOST_AUTO_TEST_CASE(the_guides_strategy) {
  mock_clock clock;
  asio::io_context context;
  int calls = 0;
  auto always_busy = [&](unsigned number) -> asio::awaitable<result<int>> {
    ++calls;
    BOOST_TEST(number == static_cast<unsigned>(calls));
    co_return status_error(errc::overloaded, 529);
  };
  auto const outcome = test::run(context, retry(clock.context(), always_busy));
  BOOST_TEST(outcome.error().code() == errc::overloaded);
  BOOST_TEST(calls == 4);
  BOOST_TEST((clock.slept_ms == std::vector<long>{750, 1500, 3000}));
}

BOOST_AUTO_TEST_CASE(success_ends_it) {
  mock_clock clock;
  asio::io_context context;
  int calls = 0;
  std::vector<unsigned> seen;
  auto third_time_lucky = [&]() -> asio::awaitable<result<std::string>> {
    if (++calls < 3)
      co_return error(errc::connect, "broken");
    co_return std::string("done");
  };
  auto with_observer = clock.context();
  with_observer.on_attempt = [&](attempt_info const& attempt) { seen.push_back(attempt.number); };
  auto const outcome = test::run(context, retry(with_observer, third_time_lucky));
  BOOST_TEST(outcome.value() == "done");
  BOOST_TEST((seen == std::vector<unsigned>{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(permanent_errors_end_it) {
  mock_clock clock;
  asio::io_context context;
  int calls = 0;
  auto unauthorized = [&]() -> asio::awaitable<result<int>> {
    ++calls;
    co_return status_error(errc::authentication, 401);
  };
  BOOST_TEST(test::run(context, retry(clock.context(), unauthorized)).error().http_status() == 401);
  BOOST_TEST(calls == 1);
  BOOST_TEST(clock.slept_ms.empty());
}

BOOST_AUTO_TEST_CASE(a_predicate_decides_what_is_tried_again) {
  asio::io_context context;
  int calls = 0;
  std::vector<std::string> reasons;
  error failure = status_error(errc::invalid_request, 423);
  auto operation = [&]() -> asio::awaitable<result<int>> {
    ++calls;
    co_return failure;
  };
  auto const run = [&](auto const& predicate) {
    mock_clock clock;
    calls = 0;
    reasons.clear();
    auto observed = clock.context();
    observed.on_attempt = [&](attempt_info const& made) { reasons.emplace_back(made.reason); };
    auto const outcome = test::run(context, retry(observed, operation, predicate));
    BOOST_TEST(outcome.error().http_status() == failure.http_status());
    return clock.slept_ms;
  };
  auto const is_locked = [](error const& e) { return e.http_status() == 423; };
  std::vector<long> const delays{750, 1500, 3000};
  BOOST_TEST(run(is_locked) == delays, boost::test_tools::per_element());
  BOOST_TEST(calls == 4);
  BOOST_TEST(reasons.back() == "the retries are used up");
  // What would be tried again without it is not.
  failure = status_error(errc::overloaded, 529);
  BOOST_TEST(run(is_locked).empty());
  BOOST_TEST(calls == 1);
  BOOST_TEST(reasons.back() == "the predicate says not to retry");
  // The server's word does not count, but its delay does.
  error_details details;
  details.should_retry = false;
  details.retry_after = 5s;
  failure = error(errc::invalid_request, 423, details);
  std::vector<long> const asked{5500, 5500, 5500};
  BOOST_TEST(run(is_locked) == asked, boost::test_tools::per_element());
  failure = error(errc::cancelled, "cancelled");
  BOOST_TEST(run([](error const&) { return true; }).empty());
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(the_deadline_ends_it) {
  mock_clock clock;
  asio::io_context context;
  int calls = 0;
  auto busy = [&]() -> asio::awaitable<result<int>> {
    ++calls;
    clock.now += 1s;
    co_return status_error(errc::overloaded, 529);
  };
  auto until = clock.context();
  until.deadline = clock.now + 4s; // 1 s + 0.75 s + 1 s leaves less than the 1.5 s of the second wait
  BOOST_TEST(test::run(context, retry(until, busy)).error().http_status() == 529);
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(temporaries_that_own_nothing_are_accepted) {
  mock_clock clock;
  asio::io_context context;
  int calls = 0;
  auto const outcome = test::run(context, retry(clock.context(), [&calls]() -> asio::awaitable<result<int>> {
                                   ++calls;
                                   co_return calls;
                                 }));
  BOOST_TEST(outcome.value() == 1);
}

BOOST_AUTO_TEST_CASE(a_wait_is_cancelled_at_once) {
  asio::io_context context;
  auto busy = []() -> asio::awaitable<result<int>> { co_return status_error(errc::overloaded, 529); };
  asio::cancellation_signal signal;
  std::optional<result<int>> outcome;
  retry_policy hours;
  hours.base_delay = 1h;
  hours.max_delay = 1h;
  asio::co_spawn(context, retry(retry_context(hours), busy),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, result<int> got) {
                   BOOST_TEST(!failure);
                   outcome.emplace(std::move(got));
                 }));
  context.poll();
  BOOST_TEST(!outcome);
  signal.emit(asio::cancellation_type::terminal);
  context.run();
  BOOST_TEST(outcome->error().code() == errc::cancelled);
}

BOOST_AUTO_TEST_SUITE_END()
