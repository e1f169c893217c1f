#pragma once

#include "simulation/callers.hpp"

#include <cstdint>
#include <vector>

namespace claudio::simulation {

/// What became of an outage: a provider that answers nothing from 120 s to 180 s, and callers who want 100 calls a
/// second of it all the time.
class outage_report {
public:
  outage_report() = default;

  static constexpr std::size_t begin = 120;
  static constexpr std::size_t end = 180;

  /// While it lasted.
  double sent_of_wanted() const;

  std::vector<std::uint64_t> wanted_by_second;
  std::vector<std::uint64_t> sent_by_second;
  std::uint64_t wanted = 0;
  std::uint64_t failed = 0;
  double recovery_seconds = 0; ///< from its end until half of what is wanted is sent
};

outage_report run_outage(protection const& by);

} // namespace claudio::simulation
