#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace claudio {

/// Limits of the pool of HTTPS sessions that a client keeps to its endpoint.
class session_pool_options {
public:
  session_pool_options() = default;

  /// Sessions open at once. HTTP/1.1 carries one call per session, so this bounds the calls in flight; further callers
  /// wait in order.
  std::size_t max_sessions = 1000;
  /// Sessions kept open for later calls.
  std::size_t max_idle = 256;
  /// TLS handshakes under way at once; 0 for any number. A handshake costs about as much CPU time as twenty calls, and
  /// many at once leave memory in fragments. Further sessions wait in order, connected already.
  std::size_t max_handshakes = 16;
  /// How long an idle session is kept. Shorter than the minute after which load balancers tend to drop one.
  std::chrono::milliseconds idle_timeout{55'000};
  /// How old a session may be when a call takes it; 0 for any age. What is older is closed and opened anew, so that a
  /// changed address or a balanced load is noticed.
  std::chrono::milliseconds max_age{0};
  /// How many requests a session carries before it is closed; 0 for any number.
  std::size_t max_requests = 0;

  bool operator==(session_pool_options const&) const = default;
};

/// What a pool has and has done: a snapshot.
class session_pool_statistics {
public:
  session_pool_statistics() = default;

  std::size_t open = 0;      ///< sessions in use, idle or being opened
  std::size_t idle = 0;      ///< of these, free for the next call
  std::size_t waiting = 0;   ///< callers that wait because `max_sessions` are in use
  std::size_t most_open = 0; ///< the most that were ever open at once
  std::uint64_t opened = 0;  ///< sessions opened so far
  std::uint64_t reused = 0;  ///< calls that found an idle session
  std::uint64_t waits = 0;   ///< calls that had to wait for one
};

} // namespace claudio
