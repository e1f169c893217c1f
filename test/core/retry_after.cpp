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
                      {"", "Sunday, 06-Nov-94 08:49:47 GMT", 10'000},
                      {"", "Sun Nov  6 08:49:47 1994", 10'000},
                      {"", "some day", -1},
                      {"", "Fri, 31 Dec 9999 23:59:59 GMT", 30L * 24 * 3600 * 1000},
                      {"", "1e300", 30L * 24 * 3600 * 1000}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT("'" << row.ms << "' '" << row.retry_after << "'") {
      auto const wait = parse_retry_after(row.ms, row.retry_after, now);
      BOOST_TEST((wait ? wait->count() : -1) == row.expected);
    }
}

// The machine's clock may be hours off, and the server's date tells by how much.
BOOST_AUTO_TEST_CASE(a_date_counts_from_the_answers_own) {
  auto const now = std::chrono::system_clock::from_time_t(1'800'000'000);
  auto const wait = [&](char const* retry_after, char const* date) {
    auto const parsed = parse_retry_after("", retry_after, now, date);
    return parsed ? parsed->count() : -1;
  };
  for (auto const* date :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    for (auto const* retry_after :
         {"Sun, 06 Nov 1994 08:49:47 GMT", "Sunday, 06-Nov-94 08:49:47 GMT", "Sun Nov  6 08:49:47 1994"})
      BOOST_TEST(wait(retry_after, date) == 10'000, date << " | " << retry_after);
  BOOST_TEST(wait("Sun, 06 Nov 1994 08:49:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT") == 0);
  BOOST_TEST(wait("7", "Sun, 06 Nov 1994 08:49:37 GMT") == 7000);
  // Fri, 15 Jan 2027 08:00:00 GMT is the local clock's time, which counts where the answer has no date.
  for (auto const* date : {"", "today", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT"})
    BOOST_TEST(wait("Fri, 15 Jan 2027 08:00:05 GMT", date) == 5000, date);
  BOOST_TEST(wait("Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT") == 30L * 24 * 3600 * 1000);
}
