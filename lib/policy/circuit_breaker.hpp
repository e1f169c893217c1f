#pragma once

#include <claudio/limiter.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace claudio {

/// Whether an endpoint is worth another attempt. Closed: all pass, and are counted. Open: none. Half-open: a few probes
/// in each period, whose success closes it. The clock is passed in.
class circuit_breaker {
public:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;

  enum class state : unsigned char { closed, open, half_open };

  explicit circuit_breaker(circuit_breaker_options options) noexcept : options_(options) {}

  /// An attempt that was let through. Outcomes are counted only in the state that let it through.
  class pass {
  public:
    pass() = default;

  private:
    friend class circuit_breaker;
    std::uint32_t period_ = 0;
  };

  /// Whether an attempt may pass now, without letting it.
  bool would_let_pass(time_point now) const noexcept;
  /// Lets it pass; only when `would_let_pass()`.
  pass let_pass(time_point now) noexcept;
  /// What became of an attempt. True: with it the breaker closed.
  bool record(pass const& attempt, bool success, time_point now) noexcept;

  state now_in(time_point now) const noexcept;
  /// How long until something may pass again; 0 unless it is open.
  std::chrono::nanoseconds time_to_probe(time_point now) const noexcept;

private:
  struct counts {
    std::uint32_t succeeded = 0;
    std::uint32_t failed = 0;
  };

  void open(time_point now) noexcept;
  void count(bool success, time_point now) noexcept;
  bool has_failed_enough() const noexcept;

  circuit_breaker_options options_;
  state state_ = state::closed; // half-open is entered by the first probe
  std::uint32_t period_ = 1;    // changes with each state
  time_point open_until_;
  unsigned probes_begun_ = 0; // since `probes_since_`
  time_point probes_since_;
  unsigned probes_succeeded_ = 0;

  static constexpr std::size_t slots = 10;
  std::array<counts, slots> slots_; // a tenth of the window each
  std::int64_t slot_ = 0;           // the current one's running number
};

} // namespace claudio
