#include "policy/fallback_plan.hpp"

#include "support/test.hpp"

using namespace claudio;
using namespace std::chrono_literals;

namespace {

using time_point = fallback_plan::time_point;
using step = std::optional<std::size_t>;

constexpr time_point begin{1h};

std::vector<errc> const overload{errc::overloaded};
std::vector<errc> const limits{errc::rate_limited, errc::timeout};

fallback_plan make_plan(time_point deadline = time_point::max()) {
  std::vector<fallback_plan::candidate> candidates(4);
  candidates[0].model = "opus";
  candidates[1].model = "sonnet";
  candidates[1].on = overload;
  candidates[2].model = "haiku";
  candidates[2].on = limits;
  candidates[3].model = "old";
  candidates[3].on = overload;
  return {std::move(candidates), deadline};
}

error failed(errc code, unsigned attempts = 1) {
  call_info info;
  info.attempts = attempts;
  info.total = 2s;
  return error(code, "no").with_info(info);
}

} // namespace

BOOST_AUTO_TEST_SUITE(fallback_plans)

BOOST_AUTO_TEST_CASE(the_next_one_is_there_for_the_last_error) {
  auto plan = make_plan();
  BOOST_TEST((plan.next(failed(errc::overloaded), begin) == step(1)));
  plan.take(1);
  BOOST_TEST((plan.next(failed(errc::timeout), begin) == step(2)));
  plan.take(2);
  BOOST_TEST((plan.next(failed(errc::overloaded), begin) == step(3)));
  plan.take(3);
  BOOST_TEST((plan.next(failed(errc::overloaded), begin) == step()));
}

BOOST_AUTO_TEST_CASE(nobody_is_there_for_some_errors) {
  auto plan = make_plan();
  BOOST_TEST((plan.next(failed(errc::invalid_request), begin) == step()));
  BOOST_TEST(plan.failure().message() == "no");
  BOOST_TEST(plan.failure().info().fallbacks == 0u);
}

BOOST_AUTO_TEST_CASE(one_that_cannot_take_the_request_is_passed_over) {
  auto plan = make_plan();
  BOOST_TEST((plan.next(failed(errc::overloaded), begin) == step(1)));
  BOOST_TEST((plan.skip(begin) == step(3)));
  plan.take(3);
  BOOST_TEST(plan.current() == 3u);
  BOOST_TEST(plan.warnings().size() == 1u);
  BOOST_TEST(plan.warnings().front() == "opus failed with overloaded: old answered instead");
  BOOST_TEST((plan.skip(begin) == step()));
}

BOOST_AUTO_TEST_CASE(all_of_it_has_the_time_of_one_call) {
  auto plan = make_plan(begin + 1500us);
  BOOST_TEST((plan.time_left(begin) == 1ms));
  BOOST_TEST((plan.next(failed(errc::overloaded), begin) == step(1)));
  BOOST_TEST((plan.skip(begin + 1ms) == step()));
  BOOST_TEST((make_plan().time_left(begin) == std::chrono::milliseconds::max()));
  BOOST_TEST((make_plan(begin).next(failed(errc::overloaded), begin) == step()));
}

BOOST_AUTO_TEST_CASE(the_account_is_that_of_all) {
  auto plan = make_plan();
  BOOST_REQUIRE(plan.next(failed(errc::overloaded, 3), begin).has_value());
  plan.take(1);
  call_info last;
  last.attempts = 2;
  last.total = 1s;
  auto const all = plan.account(last);
  BOOST_TEST(all.attempts == 5u);
  BOOST_TEST(all.fallbacks == 1u);
  BOOST_TEST((all.total == 3s));

  BOOST_TEST((plan.next(failed(errc::server_error, 2), begin) == step()));
  auto const whole = plan.failure();
  BOOST_TEST((whole.code() == errc::server_error));
  BOOST_TEST(whole.message() == "no; before it, opus failed with overloaded");
  BOOST_TEST(whole.info().attempts == 5u);
  BOOST_TEST(plan.failure(error(errc::cancelled, "stop")).info().attempts == 5u);
}

BOOST_AUTO_TEST_SUITE_END()
