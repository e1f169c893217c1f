// Each scenario prints a line of figures, and asserts what they have to be.
#include "simulation/callers.hpp"
#include "simulation/outage.hpp"
#include "support/test.hpp"

#include <iomanip>
#include <iostream>

using namespace claudio;
using namespace claudio::simulation;
using namespace std::chrono_literals;

namespace {

constexpr double requests_per_minute = 4000;

rate_limits server_limits() {
  rate_limits limits;
  limits.rpm = 4000;
  limits.itpm = 2'000'000;
  limits.otpm = 800'000;
  return limits;
}

protection configured() {
  protection by;
  by.limits.rpm = 4000;
  by.limits.itpm = 2'000'000;
  by.limits.otpm = 800'000;
  return by;
}

// One run: a provider and those who call it.
class scenario {
public:
  explicit scenario(protection const& by, rate_limits limits = server_limits(), std::uint64_t seed = 1)
      : in(seed), at(in, limits), by_many(in, at, by) {}

  void run(std::string_view name) {
    in.run();
    std::cout << std::left << std::setw(44) << name << std::right << std::setw(8) << by_many.wanted << " calls, "
              << std::setw(7) << by_many.failed << " failed, " << std::setw(7) << at.received << " sent, "
              << std::setw(6) << at.rate_limited << " 429 (" << at.rate_limited_late << " after the first minute), "
              << std::fixed << std::setprecision(3) << sent_of_wanted() << " sent ÷ wanted, longest wait "
              << std::setprecision(1) << by_many.longest_wait << " s, over after " << by_many.last_end << " s\n";
  }

  double sent_of_wanted() const {
    return static_cast<double>(at.received) / static_cast<double>(std::max<std::uint64_t>(by_many.wanted, 1));
  }
  double succeeded_per_minute() const { return static_cast<double>(by_many.succeeded) / by_many.last_end * 60; }

  world in;
  provider at;
  callers by_many;
};

// 10,000 callers who want `share` of the limits between them.
void steady(scenario& run, double share, std::chrono::minutes time = 60min) {
  constexpr double callers_count = 10'000;
  auto const thinking = callers_count * 60 / (requests_per_minute * share);
  run.by_many.start(static_cast<std::size_t>(callers_count), std::chrono::duration<double>(thinking - 2.1),
                    world::beginning + time);
}

} // namespace

BOOST_AUTO_TEST_SUITE(simulation)

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_trace) {
  auto const trace = [](std::uint64_t seed) {
    scenario run(protection(), server_limits(), seed);
    run.by_many.start(2000, 20s, world::beginning + 5min);
    run.in.run();
    return run.in.trace();
  };
  auto const first = trace(1);
  BOOST_TEST(first == trace(1));
  BOOST_TEST(first != trace(2));
}

BOOST_AUTO_TEST_CASE(steady_load) {
  for (bool const told : {false, true}) {
    scenario run(told ? protection() : configured());
    steady(run, 0.95);
    run.run(told ? "steady, 95 % of the limits, told" : "steady, 95 % of the limits, configured");
    BOOST_TEST((told ? run.at.rate_limited_late : run.at.rate_limited) == 0u);
    BOOST_TEST(run.by_many.failed == 0u);
    BOOST_TEST(run.succeeded_per_minute() >= 0.94 * requests_per_minute);
  }
}

BOOST_AUTO_TEST_CASE(more_than_the_limits_allow) {
  scenario run{protection()};
  steady(run, 1.5);
  run.run("steady, 150 % of the limits, told");
  BOOST_TEST(run.at.rate_limited_late == 0u);
  BOOST_TEST(run.by_many.failed == 0u);
  BOOST_TEST(run.succeeded_per_minute() >= 0.95 * requests_per_minute);
  scenario naive(protection::retries_only());
  steady(naive, 1.5);
  naive.run("  the same with retries only");
  BOOST_TEST(naive.at.rate_limited_late > 10'000u);
}

BOOST_AUTO_TEST_CASE(a_burst_from_cold) {
  scenario run(configured());
  run.by_many.call_once(10'000);
  run.run("10,000 at once from cold, configured");
  BOOST_TEST(run.at.rate_limited == 0u);
  BOOST_TEST(run.by_many.failed == 0u);
  BOOST_TEST(run.by_many.last_end < 110);

  scenario told{protection()};
  told.by_many.call_once(10'000);
  told.run("10,000 at once from cold, told");
  BOOST_TEST(told.at.rate_limited <= 6100u); // once each, before anything is known
  BOOST_TEST(told.at.rate_limited_late == 0u);
  BOOST_TEST(told.by_many.failed == 0u);

  scenario naive(protection::retries_only());
  naive.by_many.call_once(10'000);
  naive.run("  the same with retries only");
  BOOST_TEST(naive.by_many.failed > 1000u);
}

BOOST_AUTO_TEST_CASE(an_outage_of_a_minute) {
  auto const guarded = run_outage(protection());
  auto const naive = run_outage(protection::retries_only());
  std::cout << "outage of 60 s: " << guarded.sent_of_wanted() << " sent ÷ wanted in it, " << naive.sent_of_wanted()
            << " with retries only; failed " << guarded.failed << " and " << naive.failed << " of " << guarded.wanted
            << ", answered again after " << guarded.recovery_seconds << " s\n";
  BOOST_TEST(guarded.sent_of_wanted() <= 1.1);
  BOOST_TEST(naive.sent_of_wanted() > 2);
  // The circuit stays open for 5 s, and an answer takes up to 3 s.
  BOOST_TEST(guarded.recovery_seconds <= 9);
}

// A tenth of what is wanted, then more each second until it is enough after five minutes.
BOOST_AUTO_TEST_CASE(an_overload_that_lifts_slowly) {
  auto const overload = [](protection const& by, std::string_view name) {
    auto run = std::make_unique<scenario>(by, rate_limits());
    run->at.capacity = [](double second) { return second < 60 ? 1000.0 : 10 + (second - 60) / 300 * 120; };
    run->by_many.start(10'000, 98s, world::beginning + 10min); // 100 calls a second
    run->run(name);
    return run;
  };
  auto const guarded = overload(protection(), "an overload that lifts in 5 minutes");
  auto const naive = overload(protection::retries_only(), "  the same with retries only");
  BOOST_TEST(guarded->sent_of_wanted() <= 1.1);
  BOOST_TEST(naive->sent_of_wanted() > 1.2);
  BOOST_TEST(guarded->by_many.succeeded > 0.9 * static_cast<double>(naive->by_many.succeeded));
}

BOOST_AUTO_TEST_CASE(one_bad_key_of_three) {
  auto by = configured();
  by.keys = 3;
  scenario run(by);
  run.at.bad_keys = {1};
  run.by_many.start(10'000, 150s, world::beginning + 1h);
  run.run("one bad key of three");
  BOOST_TEST(run.by_many.failed == 0u);
  BOOST_TEST(run.at.rate_limited == 0u);
  // At first those in flight together, then a trial every ten minutes.
  BOOST_TEST(run.at.by_key.at(1) < 20u);
  auto const first = static_cast<double>(run.at.by_key.at(0));
  auto const third = static_cast<double>(run.at.by_key.at(2));
  BOOST_TEST(first / third > 0.95);
  BOOST_TEST(first / third < 1.05);
}

// One call in a hundred is a hundred times as large; input tokens are what is short.
BOOST_AUTO_TEST_CASE(skewed_call_sizes) {
  auto limits = server_limits();
  limits.itpm = 1'000'000;
  scenario run(protection(), limits);
  run.by_many.shape = [](world& dice) {
    call_shape shape;
    bool const large = dice.uniform() < 0.01;
    shape.bytes = large ? 100'000 : 1000;
    // Not exactly what one would expect of the bytes.
    shape.usage.input_tokens =
        static_cast<std::uint64_t>(static_cast<double>(shape.bytes) * (0.15 + 0.2 * dice.uniform()));
    return shape;
  };
  run.by_many.start(10'000, 300s, world::beginning + 1h);
  run.run("skewed sizes, input tokens are short");
  BOOST_TEST(run.at.rate_limited_late <= 10u); // of more than 100,000
  BOOST_TEST(run.by_many.failed == 0u);
}

BOOST_AUTO_TEST_CASE(a_clock_that_disagrees_with_the_servers) {
  for (auto const ahead : {-3600s, 90s, 86'400s}) {
    scenario run{protection()};
    run.at.clock_ahead = ahead;
    steady(run, 1.5, 10min);
    run.run("150 %, the server's clock is " + std::to_string(ahead.count()) + " s ahead");
    BOOST_TEST(run.at.rate_limited_late == 0u);
    BOOST_TEST(run.by_many.failed == 0u);
    BOOST_TEST(run.succeeded_per_minute() >= 0.95 * requests_per_minute);
  }
}

BOOST_AUTO_TEST_SUITE_END()
