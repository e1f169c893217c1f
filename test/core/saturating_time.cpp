#include "core/saturating_time.hpp"

#include "support/test.hpp"

#include <cstdint>

using namespace claudio;
using namespace std::chrono_literals;

namespace {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using std::chrono::nanoseconds;

template <class Duration>
void check_ends() {
  for (auto const longest : {Duration::max(), Duration::max() - Duration(1), Duration::max() / 2}) {
    BOOST_TEST((to_nanoseconds(longest) > nanoseconds(24h * 365 * 100)));
    BOOST_TEST((to_nanoseconds(-longest) < -nanoseconds(24h * 365 * 100)));
    BOOST_TEST((saturating_add(time_point(1h), longest) > time_point(24h * 365 * 100)));
    BOOST_TEST((saturating_add(time_point(-1h), -longest) < time_point(-24h * 365 * 100)));
  }
  BOOST_TEST((saturating_add(time_point::max(), Duration::max()) == time_point::max()));
  BOOST_TEST((saturating_add(time_point::max(), Duration(1)) == time_point::max()));
  BOOST_TEST((saturating_add(time_point::min(), Duration::min()) == time_point::min()));
  BOOST_TEST((saturating_add(time_point::min(), Duration(-1)) == time_point::min()));
  BOOST_TEST((saturating_add(time_point::max(), Duration(-1)) == time_point::max() - Duration(1)));
  BOOST_TEST((saturating_add(time_point(5h), Duration(7)) == time_point(5h) + Duration(7)));
  BOOST_TEST((to_nanoseconds(Duration(7)) == Duration(7)));
  BOOST_TEST((to_nanoseconds(Duration(-7)) == Duration(-7)));
}

} // namespace

BOOST_AUTO_TEST_SUITE(saturating_times)

BOOST_AUTO_TEST_CASE(sums_end_at_the_limits) {
  check_ends<nanoseconds>();
  check_ends<std::chrono::microseconds>();
  check_ends<std::chrono::milliseconds>();
  check_ends<std::chrono::seconds>();
  check_ends<std::chrono::duration<std::int64_t, std::ratio<3600>>>();
}

BOOST_AUTO_TEST_CASE(differences_end_at_the_limits) {
  constexpr time_point now(1h);
  BOOST_TEST((saturating_difference(time_point::max(), now) == time_point::max() - now));
  BOOST_TEST((saturating_difference(now, time_point::max()) == now - time_point::max()));
  BOOST_TEST((saturating_difference(time_point::min(), now) == nanoseconds::min()));
  BOOST_TEST((saturating_difference(now, time_point::min()) == nanoseconds::max()));
  BOOST_TEST((saturating_difference(time_point::min(), time_point::max()) == nanoseconds::min()));
  BOOST_TEST((saturating_difference(time_point::max(), time_point::min()) == nanoseconds::max()));
  BOOST_TEST((saturating_difference(now, now) == nanoseconds(0)));
}

BOOST_AUTO_TEST_SUITE_END()
