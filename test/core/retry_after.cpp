#include "core/retry_after.hpp"

#include "support/test.hpp"

using namespace claudio;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_CASE(retry_after_in_all_its_forms) {
  // Sun, 06 Nov 1994 08:49:37 GMT is the date of RFC 9110's examples.
  auto const now = std::chrono::system_clock::from_time_t(784111777);
  struct row {
    char const* ms;
    char const* retry_after;
    long expected; // -1: nothing
  };
  row const rows[] = {{"", "", -1},
                      {"", "7", 7000},
                      {"", "0.25", 250},
                      {"1500", "7", 1500},
                      {"garbage", "7", 7000},
                      {"", "-3", -1},
                      {"", "nan", -1},
                      {"", "inf", -1},
                      {"", "7s", -1},
                      {"", "Sun, 06 Nov 1994 08:49:47 GMT", 10'000},
                      {"", "Sun, 06 Nov 1994 08:49:07 GMT", 0},
                      {"", "some day", -1},
                      {"", "Fri, 31 Dec 9999 23:59:59 GMT", 30L * 24 * 3600 * 1000},
                      {"", "1e300", 30L * 24 * 3600 * 1000}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT("'" << row.ms << "' '" << row.retry_after << "'") {
      auto const wait = parse_retry_after(row.ms, row.retry_after, now);
      BOOST_TEST((wait ? wait->count() : -1) == row.expected);
    }
}
