#pragma once

#include <claudio/secret.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace claudio {

/// How much of a provider a client may use each minute, for each of its models (Anthropic API, rate limits). Where a
/// limit is not set, the one that the server tells with its answers counts; where both are known, the lower one.
class rate_limits {
public:
  rate_limits() = default;

  std::optional<std::uint64_t> rpm;  ///< requests
  std::optional<std::uint64_t> itpm; ///< input tokens; those read from the prompt cache don't count
  std::optional<std::uint64_t> otpm; ///< output tokens

  bool operator==(rate_limits const&) const = default;
};

/// One of several keys of a provider, with limits of its own.
class api_key_options {
public:
  api_key_options() = default;

  secret api_key;
  unsigned weight = 1; ///< its share of the calls, beside the other keys' weights
  rate_limits limits;  ///< what is not set here is as for the provider

  bool operator==(api_key_options const&) const = default;
};

/// How calls wait for their turn so that the server need not refuse them.
///
/// Limits that are configured are kept from the first call on. Those that the server tells are kept from when less than
/// half of one is left, or an answer was a 429; until then no call waits.
class pacing_options {
public:
  pacing_options() = default;

  bool enabled = true;
  std::size_t max_waiting = 100'000;     ///< calls that may wait; one more is refused with `errc::rate_limited`
  std::chrono::milliseconds max_wait{0}; ///< of one call, in all its attempts; 0: as long as its deadline allows
  /// From a cold start, or after a minute without calls, the rate rises to the limit in this time, from a tenth of it;
  /// for servers that refuse a sharp increase. It needs limits that are known. 0: at once.
  std::chrono::milliseconds ramp{0};

  bool operator==(pacing_options const&) const = default;
};

/// When a failing endpoint is left alone for a while: its calls then fail at once with `errc::circuit_open`.
class circuit_breaker_options {
public:
  circuit_breaker_options() = default;

  bool enabled = true;
  std::chrono::milliseconds window{10'000}; ///< over which attempts are counted
  unsigned min_attempts = 20;               ///< in the window, before anything is concluded from them
  double failure_ratio = 0.5;               ///< so many of the attempts failed: it opens
  std::chrono::milliseconds open{5'000};    ///< how long nothing is sent
  unsigned probes = 3; ///< attempts that are let through afterwards, and have to succeed for it to close

  bool operator==(circuit_breaker_options const&) const = default;
};

/// Who waits first for a turn under rate limits. `batch` gets at least one turn in eight while both wait.
enum class call_lane : std::uint8_t { interactive, batch };

} // namespace claudio
