#pragma once

#include "core/saturating_time.hpp"
#include "observe/call_observation.hpp"

#include <claudio/call_info.hpp>
#include <claudio/call_options.hpp>
#include <claudio/error.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace claudio {

/// Where a call stands; what a time limit that fires is named after.
enum class call_phase {
  attempt,
  pacing,
  session_wait,
  handshake_wait,
  resolve,
  connect,
  tls,
  first_byte,
  body,
  stream_bytes,
  stream_content
};

/// The clock of one call: its deadline, its limits, and where its time has gone.
class call_progress {
public:
  using clock = std::chrono::steady_clock;

  call_progress(time_limits limits, std::optional<clock::time_point> deadline);
  /// A call that has begun and not ended was dropped: its context is destroyed.
  ~call_progress();

  /// When the whole call has to be over; `time_point::max()` when nothing limits it.
  clock::time_point deadline() const noexcept { return deadline_; }
  std::optional<clock::time_point> optional_deadline() const noexcept;

  /// The answer streams from now on: the total binds no more, the call's deadline does.
  void begin_stream() noexcept;
  clock::time_point begun() const noexcept { return started_; }
  /// Whether this process is a fork of the one that began the call. The call goes on there, and only there.
  bool begun_in_parent() const noexcept;
  /// The error of a call that is over because somebody ended it, while it was `doing` that.
  error cancelled(std::string_view doing) const;
  /// Something other than a ping has come.
  void note_content() noexcept { without_content_ = std::chrono::nanoseconds(0); }
  /// Begins a wait for bytes of a stream: when they have to be there.
  clock::time_point begin_wait() noexcept;
  /// Ends it. Only waits count as time without content: a slow consumer's own is not held against the server.
  void end_wait() noexcept { without_content_ += clock::now() - wait_begun_; }
  /// The error of a stream whose bytes were not there in time.
  error stream_timeout() const;

  /// When a phase that begins now has to be over.
  clock::time_point until(call_phase phase) const noexcept;
  /// The error of a phase that was not over in time: says which limit it was.
  error timeout(call_phase phase) const;

  /// Takes over the account of what the same call did before, at another model.
  void add(call_info const& earlier) {
    info.add(earlier);
    started_ -= earlier.total;
  }
  /// The call's account, with the total up to now.
  call_info const& finish();
  /// The call's last word: its error with the account and, when its time was up, where that went.
  error finish(error const& failure);

  /// Whether no time is left for another step.
  bool expired() const noexcept { return clock::now() >= deadline_; }
  /// An attempt failed, and another follows.
  void note_failed_attempt(error const& failure) { last_failure_ = failure; }

  call_info info;
  /// What the call tells of itself.
  call_observation observed;
  /// Tells the calls of this process apart.
  std::uint64_t const number;

private:
  std::chrono::milliseconds limit_of(call_phase phase) const noexcept;

  time_limits limits_;
  clock::time_point started_;
  clock::time_point deadline_ = clock::time_point::max();
  clock::time_point call_deadline_ = clock::time_point::max();
  error last_failure_; // of an attempt before the running one
  clock::time_point wait_begun_;
  ::pid_t process_;
  std::chrono::nanoseconds without_content_{0};
};

/// A wait of a call: adds its time to a sum, and tells of it.
class told_wait {
public:
  told_wait(call_progress& progress, wait_reason reason, std::chrono::nanoseconds& sum)
      : progress_(progress), sum_(sum), started_(call_progress::clock::now()), reason_(reason) {}
  told_wait(told_wait const&) = delete;
  told_wait& operator=(told_wait const&) = delete;
  ~told_wait() {
    auto const duration = call_progress::clock::now() - started_;
    sum_ += duration;
    progress_.observed.waited(reason_, duration, granted_);
  }
  void granted() noexcept { granted_ = true; }

private:
  call_progress& progress_;
  std::chrono::nanoseconds& sum_;
  call_progress::clock::time_point const started_;
  wait_reason const reason_;
  bool granted_ = false;
};

/// Adds the time from its construction to its destruction to a sum.
class stopwatch {
public:
  explicit stopwatch(std::chrono::nanoseconds& sum) : sum_(&sum), started_(call_progress::clock::now()) {}
  stopwatch(stopwatch const&) = delete;
  stopwatch& operator=(stopwatch const&) = delete;
  ~stopwatch() { *sum_ += call_progress::clock::now() - started_; }

  call_progress::clock::time_point started() const noexcept { return started_; }
  /// Adds the time from now on to another sum.
  void go_on(std::chrono::nanoseconds& sum) noexcept {
    auto const now = call_progress::clock::now();
    *sum_ += now - std::exchange(started_, now);
    sum_ = &sum;
  }

private:
  std::chrono::nanoseconds* sum_;
  call_progress::clock::time_point started_;
};

} // namespace claudio
