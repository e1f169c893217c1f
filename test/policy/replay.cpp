#include "policy/replay.hpp"

#include "support/test.hpp"

using namespace claudio;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(replay)

BOOST_AUTO_TEST_CASE(a_request_is_sent_again_only_if_it_cannot_have_been_processed) {
  class row {
  public:
    std::optional<std::chrono::nanoseconds> since_written;
    std::chrono::nanoseconds round_trip;
    bool expected;
  };
  row const rows[] = {{std::nullopt, 0ns, true},   {std::nullopt, 100ms, true}, {0ns, 0ns, true}, {5ms, 0ns, true},
                      {5ms + 1ns, 0ns, false},     {5ms + 1ns, 2500us, false},  {6ms, 3ms, true}, {200ms, 100ms, true},
                      {200ms + 1ns, 100ms, false}, {2s, 100ms, false}};
  for (auto const& one : rows) {
    break_facts facts;
    facts.since_written = one.since_written;
    facts.round_trip = one.round_trip;
    BOOST_TEST(may_replay(facts) == one.expected);
  }
}

BOOST_AUTO_TEST_SUITE_END()
