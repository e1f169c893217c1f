#include "simulation/outage.hpp"

#include <algorithm>
#include <numeric>

namespace claudio::simulation {
using namespace std::chrono_literals;

namespace {

std::uint64_t in_the_outage(std::vector<std::uint64_t> const& by_second) {
  auto const from = static_cast<std::ptrdiff_t>(outage_report::begin);
  auto const to = static_cast<std::ptrdiff_t>(outage_report::end);
  return std::accumulate(by_second.begin() + from, by_second.begin() + to, std::uint64_t(0));
}

} // namespace

double outage_report::sent_of_wanted() const {
  return static_cast<double>(in_the_outage(sent_by_second)) / static_cast<double>(in_the_outage(wanted_by_second));
}

outage_report run_outage(protection const& by) {
  world in(7);
  provider at(in, rate_limits());
  at.down = [](double second) { return second >= outage_report::begin && second < outage_report::end; };
  callers many(in, at, by);
  many.start(10'000, 98s, world::beginning + 5min);
  in.run();

  outage_report report;
  report.wanted = many.wanted;
  report.failed = many.failed;
  report.wanted_by_second = many.wanted_by_second;
  report.sent_by_second = at.by_second;
  report.sent_by_second.resize(std::max(report.sent_by_second.size(), report.wanted_by_second.size()));
  report.recovery_seconds = 1e9;
  for (std::size_t second = outage_report::end; second < report.wanted_by_second.size(); ++second)
    if (report.sent_by_second[second] * 2 >= report.wanted_by_second[second]) {
      report.recovery_seconds = static_cast<double>(second - outage_report::end + 1);
      break;
    }
  return report;
}

} // namespace claudio::simulation
