#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace claudio {

/// How a request on a reused connection came to its end, when nothing of a response had arrived.
class break_facts {
public:
  /// How long after the whole request was written the break was noticed; empty: it was not written whole.
  std::optional<std::chrono::nanoseconds> since_written;
  /// The kernel's estimate for the connection; 0: unknown.
  std::chrono::nanoseconds round_trip{0};
};

/// Whether the peer had closed the connection before the request reached it, so that sending it again cannot make it
/// process, and charge for, the request twice (RFC 9112 9.3.1). A peer that closed earlier is noticed within a round
/// trip; one that took the request and worked for longer may have processed it.
inline bool may_replay(break_facts const& facts) noexcept {
  constexpr std::chrono::nanoseconds shortest = std::chrono::milliseconds(5);
  return !facts.since_written || *facts.since_written <= std::max(2 * facts.round_trip, shortest);
}

} // namespace claudio
