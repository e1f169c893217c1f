// The API's rate limits, by a clock of the test's own.
#include "testing/rate_limits.hpp"

#include "support/test.hpp"

using namespace claudio;
using namespace claudio::testing;
using namespace std::chrono_literals;
using std::chrono::microseconds;

namespace {

rate_limits limits(std::optional<std::uint64_t> requests, std::optional<std::uint64_t> input = std::nullopt,
                   std::optional<std::uint64_t> output = std::nullopt) {
  rate_limits made;
  made.rpm = requests;
  made.itpm = input;
  made.otpm = output;
  return made;
}

// Limits with a clock, for one key and model unless others are named.
class limited {
public:
  explicit limited(rate_limits const& options) : enforced(options) {}

  enforced_limits::verdict ask(std::uint64_t input = 1, std::uint64_t output = 1, std::string_view key = "key",
                               std::string_view model = "model") {
    return enforced.admit(key, model, input, output, now);
  }
  bool admits(std::uint64_t input = 1, std::uint64_t output = 1) { return ask(input, output).admitted(); }

  enforced_limits enforced;
  std::chrono::steady_clock::time_point now{1h};
};

} // namespace

BOOST_AUTO_TEST_SUITE(enforced_rate_limits)

BOOST_AUTO_TEST_CASE(without_limits_everything_passes) {
  limited server(limits(std::nullopt));
  for (int i = 0; i < 1000; ++i)
    BOOST_TEST_REQUIRE(server.admits(1'000'000, 1'000'000));
  BOOST_TEST(server.ask().states.empty());
}

BOOST_AUTO_TEST_CASE(a_full_bucket_is_a_burst_and_refills_continuously) {
  limited server(limits(7));
  for (std::uint64_t left = 7; left-- > 0;) {
    auto const passed = server.ask();
    BOOST_TEST_REQUIRE(passed.admitted());
    BOOST_TEST(passed.states.at(0).name == "requests");
    BOOST_TEST(passed.states.at(0).limit == 7u);
    BOOST_TEST(passed.states.at(0).remaining == left);
  }
  auto const refused = server.ask();
  BOOST_TEST(refused.refused_by == "requests");
  BOOST_TEST(refused.wait.count() == 8'571'429); // a seventh of a minute, rounded up
  BOOST_TEST(refused.retry_after().count() == 9);
  BOOST_TEST(refused.states.at(0).until_full.count() == 60'000'000);
  server.now += refused.wait - 1us;
  BOOST_TEST(!server.admits());
  BOOST_TEST(server.ask().wait.count() == 1);
  BOOST_TEST(server.ask().retry_after().count() == 1);
  server.now += 1us;
  BOOST_TEST(server.admits());
  BOOST_TEST(!server.admits());
  server.now += 1h; // no more than a minute's worth
  for (int i = 0; i < 7; ++i)
    BOOST_TEST(server.admits());
  BOOST_TEST(!server.admits());
}

BOOST_AUTO_TEST_CASE(no_request_is_lost_to_rounding) {
  limited server(limits(7));
  while (server.admits())
    ;
  std::size_t passed = 0;
  for (auto const end = server.now + 1h; server.now < end; server.now += 7'777us)
    if (server.admits())
      ++passed;
  BOOST_TEST(passed == 7 * 60 - 1u); // the last one is due with the hour's end
  BOOST_TEST(server.admits());
}

BOOST_AUTO_TEST_CASE(a_pause_of_retry_after_is_enough) {
  for (std::uint64_t const limit : {1u, 3u, 50u, 59u, 60u, 4000u, 999'983u}) {
    limited server(limits(limit, limit * 10, limit * 3));
    for (int round = 0; round < 200; ++round) {
      auto refused = server.ask(7, 9);
      for (std::uint64_t i = 0; refused.admitted() && i < limit; ++i)
        refused = server.ask(7, 9);
      BOOST_TEST_REQUIRE(!refused.admitted());
      server.now += refused.retry_after();
      BOOST_TEST_REQUIRE(server.admits(7, 9));
    }
  }
}

BOOST_AUTO_TEST_CASE(input_tokens_are_needed_whole) {
  limited server(limits(std::nullopt, 1000));
  BOOST_TEST(server.admits(600));
  auto const refused = server.ask(500);
  BOOST_TEST(refused.refused_by == "input-tokens");
  BOOST_TEST(refused.wait.count() == 6'000'000); // a hundred of them
  BOOST_TEST(refused.retry_after().count() == 6);
  BOOST_TEST(refused.states.at(0).remaining == 400u);
  BOOST_TEST(refused.states.at(0).until_full.count() == 36'000'000);
  BOOST_TEST(server.admits(400)); // the refusal took nothing
  BOOST_TEST(!server.admits(1));
}

BOOST_AUTO_TEST_CASE(input_larger_than_its_bucket_passes_when_that_is_full) {
  limited server(limits(std::nullopt, 1000));
  auto const passed = server.ask(1500);
  BOOST_TEST(passed.admitted());
  BOOST_TEST(passed.states.at(0).remaining == 0u);
  BOOST_TEST(passed.states.at(0).until_full.count() == 90'000'000);
  auto const refused = server.ask(1500);
  BOOST_TEST(refused.wait.count() == 90'000'000);
  BOOST_TEST(server.ask(1).wait.count() == 30'060'000);
  server.now += 90s - 1us;
  BOOST_TEST(!server.admits(1500));
  server.now += 1us;
  BOOST_TEST(server.admits(1500));
}

BOOST_AUTO_TEST_CASE(output_tokens_may_take_their_bucket_below_zero) {
  limited server(limits(std::nullopt, std::nullopt, 60));
  BOOST_TEST(server.admits(1, 59));
  auto const passed = server.ask(1, 61); // one is left
  BOOST_TEST(passed.admitted());
  BOOST_TEST(passed.states.at(0).name == "output-tokens");
  BOOST_TEST(passed.states.at(0).remaining == 0u);
  BOOST_TEST(passed.states.at(0).until_full.count() == 120'000'000);
  auto const refused = server.ask(1, 1);
  BOOST_TEST(refused.refused_by == "output-tokens");
  BOOST_TEST(refused.wait.count() == 60'000'001); // more than nothing
  BOOST_TEST(refused.retry_after().count() == 61);
  server.now += 60s;
  BOOST_TEST(!server.admits());
  server.now += 1us;
  BOOST_TEST(server.admits());
}

BOOST_AUTO_TEST_CASE(the_limit_that_keeps_longest_refuses) {
  limited server(limits(2, 1000, 1000));
  BOOST_TEST(server.ask(900, 1500).states.size() == 3u);
  auto const refused = server.ask(1000, 1);
  BOOST_TEST(refused.refused_by == "input-tokens");
  BOOST_TEST(refused.wait.count() == 54'000'000);
  BOOST_TEST(server.ask(100, 1).refused_by == "output-tokens");
  BOOST_TEST(server.ask(100, 1).wait.count() == 30'000'001); // rounded up from a thousandth of a share
  server.now += 31s;
  BOOST_TEST(server.admits(1, 1));
  BOOST_TEST(server.admits(1, 1));
  BOOST_TEST(server.ask(1, 1).refused_by == "requests");
}

BOOST_AUTO_TEST_CASE(tokens_of_large_limits_are_told_to_the_nearest_thousand) {
  auto const remaining = [](std::uint64_t limit, std::uint64_t taken) {
    limited server(limits(std::nullopt, limit));
    return server.ask(taken).states.at(0).remaining;
  };
  BOOST_TEST(remaining(9'999, 1) == 9'998u);
  BOOST_TEST(remaining(10'000, 1) == 10'000u);
  BOOST_TEST(remaining(10'000, 500) == 10'000u);
  BOOST_TEST(remaining(10'000, 501) == 9'000u);
  BOOST_TEST(remaining(10'700, 0) == 10'700u); // not more than the limit
  BOOST_TEST(remaining(50'000, 49'600) == 0u);
  BOOST_TEST(remaining(50'000, 60'000) == 0u);
  limited server(limits(50'000));
  BOOST_TEST(server.ask().states.at(0).remaining == 49'999u);
  server.now += 1ms; // five sixths of a request
  BOOST_TEST(server.ask().states.at(0).remaining == 49'998u);
}

BOOST_AUTO_TEST_CASE(keys_and_models_are_apart) {
  limited server(limits(1));
  BOOST_TEST(server.ask(1, 1, "a", "x").admitted());
  BOOST_TEST(server.ask(1, 1, "a", "y").admitted());
  BOOST_TEST(server.ask(1, 1, "b", "x").admitted());
  BOOST_TEST(!server.ask(1, 1, "a", "x").admitted());
  BOOST_TEST(!server.ask(1, 1, "b", "x").admitted());
  BOOST_TEST(server.enforced.pairs() == 3u);
}

BOOST_AUTO_TEST_CASE(full_buckets_are_forgotten_where_there_are_many) {
  enforced_limits enforced(limits(60), 3);
  std::chrono::steady_clock::time_point now{1h};
  auto const ask = [&](std::string_view key, int times = 1) {
    bool admitted = true;
    for (int i = 0; i < times; ++i)
      admitted = enforced.admit(key, "model", 1, 1, now).admitted();
    return admitted;
  };
  BOOST_TEST(ask("a", 60));
  BOOST_TEST(ask("b"));
  BOOST_TEST(ask("c", 2));
  now += 1s; // b is full
  BOOST_TEST(ask("d", 3));
  BOOST_TEST(enforced.pairs() == 3u);
  BOOST_TEST(ask("e", 4)); // none is; c would be first
  BOOST_TEST(enforced.pairs() == 3u);
  BOOST_TEST(ask("a"));
  BOOST_TEST(!ask("a")); // which was remembered
}

BOOST_AUTO_TEST_CASE(extreme_numbers) {
  limited server(limits(0, UINT64_MAX, UINT64_MAX)); // as 1 and 10'000'000'000
  BOOST_TEST(server.admits(UINT64_MAX, UINT64_MAX));
  auto const refused = server.ask(UINT64_MAX, UINT64_MAX);
  BOOST_TEST(refused.wait.count() == 60'000'000);
  BOOST_TEST(refused.states.at(0).limit == 1u);
  BOOST_TEST(refused.states.at(2).limit == 10'000'000'000u);
  server.now += 24h * 365 * 200;
  BOOST_TEST(server.admits(UINT64_MAX, UINT64_MAX));
}

BOOST_AUTO_TEST_SUITE_END()
