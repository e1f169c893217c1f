// The simulated outage, second by second: wanted, sent, and sent by callers that do nothing but retry.
// bench/plot/outage.sh draws it.
#include "simulation/outage.hpp"

#include <iostream>

int main() {
  using namespace claudio::simulation;
  auto const guarded = run_outage(protection());
  auto const naive = run_outage(protection::retries_only());
  for (std::size_t second = 0; second < guarded.wanted_by_second.size(); ++second)
    std::cout << second << " " << guarded.wanted_by_second[second] << " " << guarded.sent_by_second[second] << " "
              << (second < naive.sent_by_second.size() ? naive.sent_by_second[second] : 0) << "\n";
}
