#pragma once

#include <claudio/error.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <string_view>

/// The decisions of `retry()`, without anything that waits.
namespace claudio {

/// How often and how far apart an operation is tried again. The defaults are the integration guide's.
class retry_policy {
public:
  retry_policy() = default;

  unsigned max_retries = 3;                    ///< attempts beyond the first
  std::chrono::milliseconds base_delay{1000};  ///< before the first retry; doubles with each
  std::chrono::milliseconds max_delay{60'000}; ///< the doubling ends here
  bool jitter = true;                          ///< spreads the delays, so that callers don't return together

  bool operator==(retry_policy const&) const = default;
};

/// One attempt, as the operation and the observer see it.
class attempt_info {
public:
  attempt_info() = default;

  unsigned number = 0;                               ///< 1 for the first attempt
  std::optional<error> failure;                      ///< nothing: the attempt succeeded (or has not ended yet)
  std::optional<std::chrono::milliseconds> retry_in; ///< the delay before the next attempt; nothing: this was the last
  std::string_view reason;                           ///< why it is, or is not, tried again
  bool suppressed = false;                           ///< it was worth a retry, for which the retry budget left nothing
};

/// What `decide()` says.
class retry_decision {
public:
  bool retry = false;
  std::chrono::milliseconds delay{0};
  std::string_view reason; ///< static text
};

/// Whether an attempt that failed is tried again, and when. Pure.
///
/// `should_retry()` decides first: the server's `x-should-retry`, or that an answer ended early or a stream before its
/// first event. Otherwise 408, 409, 429 and from 500 on all but 501, 505, 525 and 526 are tried again, connections that
/// failed or broke, time limits of one phase, and an overload or server error inside a 200; a 429 for an exhausted
/// spend limit is not, nor is anything the caller has to mend. The delay is what the server asked for
/// (`retry-after-ms`, `retry-after`) with jitter of up to `base_delay` on top; else base · 2^(number − 1), at most
/// `max_delay`, of which jitter takes up to a half. A retry that could not begin before the deadline is not made.
/// @param number of the attempt that failed, from 1
/// @param remaining time to the deadline; nothing: there is none
/// @param u01 a random number in [0, 1)
retry_decision decide(retry_policy const& policy, unsigned number, error const& failure,
                      std::optional<std::chrono::nanoseconds> remaining, double u01) noexcept;

/// What bounds the retries of many operations together, so that an outage is not answered by a storm: a purse of tokens
/// that starts full. A failure that is worth a retry takes one out, a success puts `ratio` of one back, and retries are
/// made while more than half are left (as in gRPC's retry throttling, proposal A6). Thread safety: all members may be
/// called from any thread.
class retry_budget {
public:
  /// @param tokens 0: no bound
  /// @param ratio in the long run at most so many retries for each operation that succeeds
  /// @param counts_rate_limits false: a 429 takes nothing out, since something else bounds how fast it is tried again
  explicit retry_budget(double tokens = 1000, double ratio = 0.1, bool counts_rate_limits = true) noexcept;

  /// An operation failed in a way that is worth a retry. Whether it may be made.
  bool take(error const& failure) noexcept;
  /// An operation succeeded.
  void give() noexcept;
  /// The tokens that are left.
  double left() const noexcept { return static_cast<double>(left_.load(std::memory_order_relaxed)) / unit; }
  /// Whether this failure takes a token out. One of this machine's own says nothing of the server's load.
  bool counts(error const& failure) const noexcept {
    return most_ > 0 && failure.code() != errc::local_resources &&
           (counts_rate_limits_ || failure.http_status() != 429);
  }

private:
  static constexpr int unit = 1000; // of a token
  long const most_;
  long const refill_;
  bool const counts_rate_limits_;
  std::atomic<long> left_;
};

} // namespace claudio
