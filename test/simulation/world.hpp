#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <queue>
#include <random>
#include <string_view>
#include <vector>

namespace claudio::simulation {

/// A clock that jumps from event to event, a scheduler whose order of simultaneous events the seed decides, dice, and
/// the hash of all that happened. Nothing in it depends on real time, so that a seed always gives the same run.
class world {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit world(std::uint64_t seed) : random_(seed) {}
  world(world const&) = delete;
  world& operator=(world const&) = delete;

  time_point now() const noexcept { return now_; }
  /// Since the beginning.
  std::chrono::duration<double> passed() const noexcept { return now_ - beginning; }

  void spawn(boost::asio::awaitable<void> work);
  boost::asio::awaitable<void> sleep(std::chrono::nanoseconds time);
  /// Something to be done at a time. Lives until then.
  class alarm {
  public:
    virtual ~alarm() = default;
    virtual void ring() = 0;
  };
  void set(alarm& what, time_point when) { events_.push({when, random_(), &what}); }
  boost::asio::io_context& context() noexcept { return context_; }

  /// Until nothing is left to happen.
  void run();

  /// In [0, 1).
  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  /// Of a mean.
  double exponential(double mean) { return std::exponential_distribution<double>(1 / mean)(random_); }

  /// Adds what happened now to the trace.
  void note(std::string_view what, std::uint64_t number) noexcept;
  std::uint64_t trace() const noexcept { return trace_; }

  static constexpr time_point beginning{std::chrono::hours(1000)};

private:
  struct event {
    time_point when;
    std::uint64_t order;
    alarm* what;

    bool operator<(event const& other) const noexcept {
      return when != other.when ? when > other.when : order > other.order;
    }
  };

  boost::asio::io_context context_;
  time_point now_ = beginning;
  std::mt19937_64 random_;
  std::priority_queue<event> events_;
  std::uint64_t trace_ = 14695981039346656037u; // FNV-1a
};

} // namespace claudio::simulation
