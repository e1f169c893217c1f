#pragma once

#include "core/error_kinds.hpp"
#include "observe/counters.hpp"

#include <claudio/observer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace claudio {

// OpenTelemetry, semantic conventions for GenAI metrics.
inline constexpr auto& duration_bounds = duration_counts::bounds;
inline constexpr std::array<std::int64_t, 14> token_bounds{
    1, 4, 16, 64, 256, 1024, 4096, 16'384, 65'536, 262'144, 1'048'576, 4'194'304, 16'777'216, 67'108'864};
// In thousandths.
inline constexpr std::array<std::int64_t, 9> ratio_bounds{250, 500, 750, 900, 1000, 1250, 2000, 4000, 10'000};
inline constexpr std::array<std::int64_t, 9> lag_bounds{100'000,    1'000'000,   5'000'000,   10'000'000,   25'000'000,
                                                        50'000'000, 100'000'000, 500'000'000, 2'000'000'000};

inline constexpr auto session_ends = static_cast<std::size_t>(session_end::shut_down) + 1;

using duration_histogram = histogram<duration_bounds.size()>;
using token_histogram = histogram<token_bounds.size()>;
using ratio_histogram = histogram<ratio_bounds.size()>;

/// Copied while nothing is added.
template <std::size_t Count>
std::array<std::int64_t, Count> take_each(std::array<counter, Count>& counters, std::size_t behind) {
  std::array<std::int64_t, Count> taken{};
  for (std::size_t i = 0; i < Count; ++i)
    taken[i] = counters[i].take(behind);
  return taken;
}

/// By server, models and error: OpenTelemetry's.
class operation_series {
public:
  class copy {
  public:
    histogram_counts<duration_bounds.size()> duration, first_chunk, output_chunk;
    histogram_counts<token_bounds.size()> input, output;
  };
  copy take(std::size_t behind) {
    copy taken;
    taken.duration = duration.take(behind);
    taken.first_chunk = first_chunk.take(behind);
    taken.output_chunk = output_chunk.take(behind);
    taken.input = input.take(behind);
    taken.output = output.take(behind);
    return taken;
  }

  duration_histogram duration{duration_bounds};
  duration_histogram first_chunk{duration_bounds};
  duration_histogram output_chunk{duration_bounds};
  token_histogram input{token_bounds};
  token_histogram output{token_bounds};
};

/// By provider and model.
class model_series {
public:
  class copy {
  public:
    std::int64_t uncached, cache_read, cache_write, output, micro_dollars, picodollars, without_price;
  };
  copy take(std::size_t behind) {
    return {uncached.take(behind),      cache_read.take(behind),  cache_write.take(behind),  output.take(behind),
            micro_dollars.take(behind), picodollars.take(behind), without_price.take(behind)};
  }

  counter uncached, cache_read, cache_write, output;
  counter micro_dollars;
  counter picodollars; // what is left beside them, so that nothing is rounded away and nothing overflows
  counter without_price;
};

/// By provider.
class provider_series {
public:
  class copy {
  public:
    std::int64_t in_flight, open, idle, waiting, suppressed, replays, openings, set_aside, key_changes;
    std::array<std::int64_t, 3> opened;
    std::array<std::int64_t, session_ends> closed;
    std::array<std::int64_t, error_kind_count> outcomes, retries, fallbacks;
    histogram_counts<duration_bounds.size()> session_wait, pacing_wait;
    histogram_counts<ratio_bounds.size()> input_ratio, output_ratio;
  };
  copy take(std::size_t behind) {
    copy taken;
    taken.in_flight = in_flight.take(behind);
    taken.open = open.take(behind);
    taken.idle = idle.take(behind);
    taken.waiting = waiting.take(behind);
    taken.suppressed = suppressed.take(behind);
    taken.replays = replays.take(behind);
    taken.openings = openings.take(behind);
    taken.set_aside = set_aside.take(behind);
    taken.key_changes = key_changes.take(behind);
    taken.opened = take_each(opened, behind);
    taken.closed = take_each(closed, behind);
    taken.outcomes = take_each(outcomes, behind);
    taken.retries = take_each(retries, behind);
    taken.fallbacks = take_each(fallbacks, behind);
    taken.session_wait = session_wait.take(behind);
    taken.pacing_wait = pacing_wait.take(behind);
    taken.input_ratio = input_ratio.take(behind);
    taken.output_ratio = output_ratio.take(behind);
    return taken;
  }

  breaker_state breaker() const noexcept {
    auto const until = breaker_open_until.load(std::memory_order_relaxed);
    if (until == 0)
      return breaker_state::closed;
    return std::chrono::steady_clock::now().time_since_epoch().count() < until ? breaker_state::open
                                                                               : breaker_state::half_open;
  }

  counter in_flight, open, idle, waiting;
  counter suppressed, replays, openings, set_aside, key_changes;
  std::array<counter, 3> opened;            // by handshake
  std::array<counter, session_ends> closed; // by reason
  std::array<counter, error_kind_count> outcomes, retries, fallbacks;
  duration_histogram session_wait{duration_bounds};
  duration_histogram pacing_wait{duration_bounds};
  ratio_histogram input_ratio{ratio_bounds};
  ratio_histogram output_ratio{ratio_bounds};
  std::atomic<std::int64_t> breaker_open_until{0}; // 0: it is closed
};

/// By provider, model and key. The last word counts: a writer that finds another at it lets that one have it.
class pacing_series {
public:
  class copy {
  public:
    std::array<limit_level, 3> limits;
    std::chrono::steady_clock::time_point as_of;

    // What was left then, and what has been refilled since.
    double left_now(std::size_t kind, std::chrono::steady_clock::time_point now) const noexcept {
      auto const& limit = limits[kind];
      auto const refilled = limit.per_minute / 60 * std::chrono::duration<double>(now - as_of).count();
      return std::min(limit.left + refilled, limit.per_minute);
    }
  };

  void put(std::array<limit_level, 3> const& limits) noexcept {
    if (busy_.test_and_set(std::memory_order_acquire))
      return;
    last_.limits = limits;
    last_.as_of = std::chrono::steady_clock::now();
    busy_.clear(std::memory_order_release);
  }
  copy last() noexcept {
    while (busy_.test_and_set(std::memory_order_acquire))
      std::this_thread::yield();
    auto const taken = last_;
    busy_.clear(std::memory_order_release);
    return taken;
  }

private:
  std::atomic_flag busy_;
  copy last_;
};

} // namespace claudio
