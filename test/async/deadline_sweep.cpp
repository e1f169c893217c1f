#include "async/deadline_sweep.hpp"

#include "support/test.hpp"

#include <boost/asio/io_context.hpp>

#include <optional>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using sweep_clock = deadline_sweep::clock;

namespace {

class noted final : public deadline_sweep::entry {
public:
  using entry::entry;

  std::optional<sweep_clock::time_point> expired_at;

private:
  void expired() noexcept override { expired_at = sweep_clock::now(); }
};

struct fixture {
  asio::io_context context;
  std::shared_ptr<deadline_sweep> sweep = std::make_shared<deadline_sweep>(context.get_executor());
  sweep_clock::time_point const begin = sweep_clock::now();
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(sweep_of_deadlines, fixture)

BOOST_AUTO_TEST_CASE(each_expires_once_and_never_early) {
  std::vector<std::unique_ptr<noted>> entries;
  for (int i = 0; i < 100; ++i) {
    entries.push_back(std::make_unique<noted>(sweep));
    entries.back()->arm(begin + std::chrono::milliseconds((i * 37) % 60));
  }
  context.run();
  for (int i = 0; i < 100; ++i) {
    BOOST_REQUIRE(entries[static_cast<std::size_t>(i)]->expired_at.has_value());
    BOOST_TEST((*entries[static_cast<std::size_t>(i)]->expired_at - begin >= std::chrono::milliseconds((i * 37) % 60)));
  }
}

// Of the earliest time there is, nothing can be subtracted.
BOOST_AUTO_TEST_CASE(deadlines_at_the_ends_of_time) {
  for (auto const past :
       {sweep_clock::time_point::min(), sweep_clock::time_point::min() + 1ns, sweep_clock::time_point()}) {
    noted first(sweep);
    noted second(sweep);
    noted last(sweep);
    noted never(sweep);
    first.arm(past);
    second.arm(begin + 1h);
    last.arm(sweep_clock::time_point::max() - 1ns);
    never.arm(sweep_clock::time_point::max());
    for (int i = 0; i < 10 && !first.expired_at; ++i)
      context.run_one_for(1s);
    BOOST_TEST(first.expired_at.has_value());
    BOOST_TEST(!second.expired_at.has_value());
    BOOST_TEST(!last.expired_at.has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_earlier_deadline_is_noticed_though_a_later_one_came_first) {
  noted late(sweep);
  noted early(sweep);
  late.arm(begin + 1h);
  early.arm(begin + 20ms);
  while (!early.expired_at)
    context.run_one();
  BOOST_TEST((sweep_clock::now() < begin + 1min));
  BOOST_TEST(!late.expired_at.has_value());
}

BOOST_AUTO_TEST_CASE(a_deadline_that_is_replaced_or_taken_away_does_not_fire) {
  noted replaced(sweep);
  noted disarmed(sweep);
  noted unlimited(sweep);
  noted other(sweep);
  replaced.arm(begin + 5ms);
  disarmed.arm(begin + 5ms);
  unlimited.arm(begin + 5ms);
  other.arm(begin + 40ms);
  replaced.arm(begin + 1h);
  disarmed.disarm();
  unlimited.arm(sweep_clock::time_point::max());
  while (!other.expired_at)
    context.run_one();
  BOOST_TEST(!replaced.expired_at.has_value());
  BOOST_TEST(!disarmed.expired_at.has_value());
  BOOST_TEST(!unlimited.expired_at.has_value());
}

BOOST_AUTO_TEST_CASE(nothing_is_pending_without_deadlines) {
  {
    noted first(sweep);
    noted second(sweep);
    first.arm(begin + 1h);
    second.arm(begin + 2h);
    first.disarm();
    first.disarm();
  }
  context.run();
  BOOST_TEST((sweep_clock::now() < begin + 1min));
  // And it wakes up again.
  noted again(sweep);
  again.arm(begin + 1ms);
  context.restart();
  context.run();
  BOOST_TEST(again.expired_at.has_value());
}

BOOST_AUTO_TEST_CASE(a_sweep_may_go_while_its_timer_is_pending) {
  auto entry = std::make_unique<noted>(sweep);
  entry->arm(begin + 1h);
  sweep.reset();
  entry.reset();
  context.run();
  BOOST_TEST((sweep_clock::now() < begin + 1min));
}

BOOST_AUTO_TEST_SUITE_END()
