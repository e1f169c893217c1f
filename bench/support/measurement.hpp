#pragma once

#include "support/process_usage.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <malloc.h>
#include <vector>

namespace bench {

/// What was used between a run's warm-up and its end, and the memory half-way: for calls that end one by one.
class measurement {
public:
  using clock = std::chrono::steady_clock;

  measurement(std::size_t calls, std::size_t at_once, std::size_t warm_up)
      : calls_(calls), at_once_(at_once), warm_up_(warm_up), begun_(mark::now()), resident_at_begin_(resident()),
        heap_at_begin_(heap_kib()) {
    latencies_.reserve(calls);
  }

  /// Whether another call is to be made.
  bool take() {
    if (taken_ == calls_ + warm_up_)
      return false;
    ++taken_;
    return true;
  }

  void completed(clock::duration latency) {
    ++completed_;
    if (completed_ > warm_up_)
      latencies_.push_back(std::chrono::duration<float, std::micro>(latency).count());
    if (completed_ == at_once_)
      opened_ = mark::now();
    if (completed_ == warm_up_) {
      warm_ = mark::now();
      events_before_ = events;
    }
    if (completed_ == warm_up_ + calls_ / 2) {
      resident_halfway_ = resident();
      heap_halfway_ = heap_kib();
    }
    if (completed_ == warm_up_ + calls_)
      done_ = mark::now();
  }

  bool complete() const noexcept { return completed_ == calls_ + warm_up_; }

  double user_per_call() const { return (done_.used.user_microseconds - warm_.used.user_microseconds) / count(); }
  double system_per_call() const { return (done_.used.system_microseconds - warm_.used.system_microseconds) / count(); }
  double cpu_per_call() const { return user_per_call() + system_per_call(); }
  double calls_per_second() const { return count() / seconds_between(warm_, done_); }
  /// In microseconds; `share` from 0 to 1.
  double latency(double share) {
    std::sort(latencies_.begin(), latencies_.end());
    auto const position = static_cast<std::size_t>(share * count());
    return latencies_.empty() ? 0 : static_cast<double>(latencies_[std::min(position, latencies_.size() - 1)]);
  }
  /// Up to the first answer of each, which all of them wait for at once: with connect and handshake.
  double opening_cpu() const {
    return (opened_.used.cpu_microseconds() - begun_.used.cpu_microseconds()) / connections();
  }
  double opening_wall() const { return 1e6 * seconds_between(begun_, opened_) / connections(); }
  double resident_at_begin() const noexcept { return resident_at_begin_; }
  double resident_halfway() const noexcept { return resident_halfway_; }
  double kib_in_flight() const { return (resident_halfway_ - resident_at_begin_) / connections(); }
  double heap_in_flight() const { return (heap_halfway_ - heap_at_begin_) / connections(); }
  long measured_events() const noexcept { return events - events_before_; }
  double nanoseconds_per_event() const {
    return measured_events() == 0 ? 0 : 1e3 * cpu_per_call() * count() / static_cast<double>(measured_events());
  }

  long events = 0; ///< of streams, so far
  long errors = 0;

private:
  struct mark {
    process_usage used;
    clock::time_point time;
    static mark now() { return {process_usage::now(), clock::now()}; }
  };

  static double seconds_between(mark const& from, mark const& to) {
    return std::chrono::duration<double>(to.time - from.time).count();
  }
  static double resident() { return static_cast<double>(status_kib("VmRSS")); }
  static double heap_kib() {
    auto const heap = mallinfo2();
    return static_cast<double>(heap.uordblks + heap.hblkhd) / 1024;
  }
  double count() const { return static_cast<double>(calls_); }
  double connections() const { return static_cast<double>(at_once_); }

  std::size_t calls_;
  std::size_t at_once_;
  std::size_t warm_up_;
  std::size_t taken_ = 0;
  std::size_t completed_ = 0;
  long events_before_ = 0;
  std::vector<float> latencies_;
  mark begun_;
  mark opened_{};
  mark warm_{};
  mark done_{};
  double resident_at_begin_;
  double heap_at_begin_;
  double resident_halfway_ = 0;
  double heap_halfway_ = 0;
};

} // namespace bench
