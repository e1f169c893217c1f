#include "policy/connect_race.hpp"

#include "support/test.hpp"

#include <string>

using namespace claudio;
using namespace std::chrono_literals;
namespace errc_of = boost::system::errc;

namespace {

auto const start = connect_race::time_point();
auto const never = connect_race::time_point::max();
auto const refused = make_error_code(errc_of::connection_refused);
auto const reset = make_error_code(errc_of::connection_reset);
auto const unreachable = make_error_code(errc_of::network_unreachable);

// "6a" is an address of one family, "4a" of another.
std::string interleaved(std::vector<std::string> const& addresses) {
  std::string text;
  for (auto const& address : interleave_families(addresses, [](std::string const& one) { return one.front(); }))
    text += (text.empty() ? "" : " ") + address;
  return text;
}

void begins(connect_race& race, std::size_t attempt, connect_race::time_point now) {
  auto const begun = race.begin_due(now);
  BOOST_REQUIRE(begun.has_value());
  BOOST_TEST(*begun == attempt);
}

} // namespace

BOOST_AUTO_TEST_SUITE(connect_races)

BOOST_AUTO_TEST_CASE(families_take_turns) {
  BOOST_TEST(interleaved({}) == "");
  BOOST_TEST(interleaved({"4a"}) == "4a");
  BOOST_TEST(interleaved({"4a", "4b"}) == "4a 4b");
  BOOST_TEST(interleaved({"6a", "6b", "4a", "4b"}) == "6a 4a 6b 4b");
  BOOST_TEST(interleaved({"4a", "6a", "6b", "6c"}) == "4a 6a 6b 6c");
  BOOST_TEST(interleaved({"6a", "6b", "6c", "4a"}) == "6a 4a 6b 6c");
  BOOST_TEST(interleaved({"4a", "6a", "4b"}) == "4a 6a 4b");
}

BOOST_AUTO_TEST_CASE(an_attempt_begins_when_the_one_before_has_had_its_time) {
  connect_race race(3);
  begins(race, 0, start);
  BOOST_TEST(!race.begin_due(start));
  BOOST_TEST((race.next_due() == start + 250ms));
  BOOST_TEST(!race.begin_due(start + 249ms));
  begins(race, 1, start + 260ms);
  BOOST_TEST((race.next_due() == start + 510ms));
  begins(race, 2, start + 510ms);
  BOOST_TEST((race.next_due() == never));
  BOOST_TEST(!race.begin_due(start + 1h));
  BOOST_TEST(!race.over());
}

BOOST_AUTO_TEST_CASE(an_attempt_begins_at_once_when_the_one_before_has_failed) {
  connect_race race(3);
  begins(race, 0, start);
  race.fail(0, refused);
  BOOST_TEST(!race.over());
  begins(race, 1, start + 1ms);
  begins(race, 2, start + 251ms);
}

BOOST_AUTO_TEST_CASE(an_older_attempt_that_fails_changes_nothing_for_the_newest) {
  connect_race race(3);
  begins(race, 0, start);
  begins(race, 1, start + 250ms);
  race.fail(0, refused);
  BOOST_TEST(!race.begin_due(start + 251ms));
  BOOST_TEST((race.next_due() == start + 500ms));
}

BOOST_AUTO_TEST_CASE(the_first_that_connects_ends_it) {
  connect_race race(3);
  begins(race, 0, start);
  begins(race, 1, start + 250ms);
  race.succeed();
  BOOST_TEST(race.over());
  BOOST_TEST(!race.begin_due(start + 1h));
  BOOST_TEST((race.next_due() == never));
  BOOST_TEST(race.begun() == 2u);
}

BOOST_AUTO_TEST_CASE(all_fail) {
  connect_race race(2);
  begins(race, 0, start);
  begins(race, 1, start + 250ms);
  race.fail(1, reset);
  BOOST_TEST(!race.over());
  race.fail(0, refused);
  BOOST_TEST(race.over());
  BOOST_TEST(race.begun() == 2u);
  BOOST_TEST(race.failure() == reset);
}

BOOST_AUTO_TEST_CASE(that_there_is_no_way_tells_least) {
  connect_race race(3);
  for (std::size_t i = 0; i < 3; ++i)
    begins(race, i, start + i * 250ms);
  race.fail(0, unreachable);
  BOOST_TEST(race.failure() == unreachable);
  race.fail(1, refused);
  race.fail(2, unreachable);
  BOOST_TEST(race.failure() == refused);
}

BOOST_AUTO_TEST_CASE(without_an_address_it_is_over) {
  connect_race race(0);
  BOOST_TEST(race.over());
  BOOST_TEST(!race.begin_due(start));
}

BOOST_AUTO_TEST_SUITE_END()
