#pragma once

#include <claudio/call_info.hpp>
#include <claudio/call_options.hpp>
#include <claudio/error.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace claudio {

/// `now + limit`, or `time_point::max()` where that would be beyond it.
std::chrono::steady_clock::time_point saturating_add(std::chrono::steady_clock::time_point now,
                                                     std::chrono::milliseconds limit) noexcept;

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

  /// When the whole call has to be over; `time_point::max()` when nothing limits it.
  clock::time_point deadline() const noexcept { return deadline_; }
  std::optional<clock::time_point> optional_deadline() const noexcept;

  /// The answer streams from now on: the total binds no more, the call's deadline does.
  void begin_stream() noexcept;
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
  /// Tells the calls of this process apart in the log.
  std::uint64_t const number;

private:
  std::chrono::milliseconds limit_of(call_phase phase) const noexcept;

  time_limits limits_;
  clock::time_point started_;
  clock::time_point deadline_ = clock::time_point::max();
  clock::time_point call_deadline_ = clock::time_point::max();
  error last_failure_; // of an attempt before the running one
  clock::time_point wait_begun_;
  std::chrono::nanoseconds without_content_{0};
};

/// Adds the time from its construction to its destruction to a sum.
class stopwatch {
public:
  explicit stopwatch(std::chrono::nanoseconds& sum) : sum_(&sum), started_(call_progress::clock::now()) {}
  stopwatch(stopwatch const&) = delete;
  stopwatch& operator=(stopwatch const&) = delete;
  ~stopwatch() { *sum_ += call_progress::clock::now() - started_; }

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
