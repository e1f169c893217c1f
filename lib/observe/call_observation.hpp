#pragma once

#include "observe/observation.hpp"

#include <claudio/observer.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace claudio {

/// What one call tells of itself. Until `begin()`, and after `end()`, it tells nothing.
class call_observation {
public:
  using clock = std::chrono::steady_clock;

  call_observation() = default;
  call_observation(call_observation const&) = delete;
  call_observation& operator=(call_observation const&) = delete;

  /// The observers outlive the call's end.
  void begin(observation const& by, observer* of_call, observed_call const& call) {
    by_ = &by;
    of_call_ = of_call;
    call_ = call;
    call_.endpoint = &by.endpoint;
    by_->tell(&observer::call_begun, call_, of_call_);
  }

  bool active() const noexcept { return by_ != nullptr; }

  void begin_attempt() noexcept { attempt_begun_ = clock::now(); }
  void attempted(attempt_info const& attempt) {
    if (!by_)
      return;
    attempt_event event;
    event.call = &call_;
    event.attempt = &attempt;
    event.begun = std::exchange(attempt_begun_, std::nullopt);
    by_->tell(&observer::attempt_ended, event, of_call_);
  }

  void waited(wait_reason reason, std::chrono::nanoseconds duration, bool granted) const {
    if (!by_)
      return;
    wait_event event;
    event.endpoint = &by_->endpoint;
    event.call = call_.number;
    event.reason = reason;
    event.duration = duration;
    event.granted = granted;
    by_->tell(&observer::waited, event, of_call_);
  }

  void streamed(stream_event event) const {
    if (!by_)
      return;
    event.call = &call_;
    by_->tell(&observer::stream_ended, event, of_call_);
  }

  void end(call_info const& info, error const* failure, message const* answer) {
    if (!by_)
      return;
    call_event event;
    event.call = &call_;
    event.info = &info;
    event.failure = failure;
    event.answer = answer;
    by_->tell(&observer::call_ended, event, of_call_);
    by_ = nullptr;
  }

private:
  observation const* by_ = nullptr;
  observer* of_call_ = nullptr;
  observed_call call_;
  std::optional<clock::time_point> attempt_begun_;
};

} // namespace claudio
