#pragma once

#include "core/rate_limit_headers.hpp"
#include "policy/token_bucket.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace claudio {

/// What is left of one limit, as far as a client can know: the server counts too, others may use the same limit, and
/// an answer tells of the past. The clock is passed in.
class paced_limit {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// When a call took its part; for comparing what its answer says.
  struct mark {
    time_point when;
    double room = 0;
    double outstanding = 0;
    double raised = 0;
    double taken = 0;
    bool kept = false; // else there was nothing to compare with
  };

  /// @param at_the_end the server counts what a call uses when it ends, not when it begins
  paced_limit(bool at_the_end, std::optional<std::uint64_t> configured);

  /// Whether calls have to wait for it.
  bool kept() const noexcept { return kept_; }

  /// What the next answer says is to be kept.
  void keep_from_now_on() noexcept { wanted_ = true; }

  /// How long until `amount` is there. `share` is that of the limit which may be used.
  std::chrono::nanoseconds time_until(double amount, double share, time_point now) noexcept;
  /// What may be reserved now.
  double room(time_point now) noexcept { return bucket_.level(now) - reserved_; }
  double per_second() const noexcept { return bucket_.per_second(); }
  /// The limit, as far as it is known.
  double per_minute() const noexcept { return limit(); }

  mark reserve(double amount, time_point now) noexcept;
  /// What was reserved is sent. Until then the server's bucket is as full as before, and perhaps can't be refilled.
  void send(double reserved, time_point now) noexcept;
  /// What was reserved is not going to be sent.
  void give_back(double reserved) noexcept;
  /// Of what was sent, so much has been used; it may be more.
  void settle(double reserved, double used, time_point now) noexcept;

  /// What the answer to a call that took its part at `then` says. When the server looked is not known, nor what had
  /// arrived there: only what could not have been said at any time since then is news.
  /// @param refused the call was refused for one of the limits
  /// @param may_rise false: the level is held down on purpose
  void observe(server_limit const& told, mark const& then, bool refused, bool may_rise, time_point now) noexcept;

  /// Whether the time to the reset says something: much of the limit is used.
  bool heeds_reset(server_limit const& told) const noexcept;
  /// A limit that is whole again later than a bucket's would be is refilled more slowly.
  void heed_reset(server_limit const& told, std::chrono::seconds time_to_reset, time_point now) noexcept;

private:
  void keep(double level, time_point now) noexcept;
  void spend(double amount, time_point now) noexcept;
  void correct(double difference) noexcept;
  void set_rate(double per_second) noexcept;
  double limit() const noexcept;

  bool const at_the_end_;
  std::optional<double> const configured_;
  std::optional<double> told_;
  bool wanted_ = false;
  bool kept_ = false;
  double share_ = 1;
  double per_second_ = 0; // of the whole limit
  token_bucket bucket_;
  double reserved_ = 0;    // and not sent yet
  double outstanding_ = 0; // reserved by calls that have not ended
  double raised_ = 0;      // by what was given back and corrected, in all
  double taken_ = 0;       // in all
};

} // namespace claudio
