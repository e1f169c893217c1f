#pragma once

#include <claudio/call_info.hpp>
#include <claudio/error.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace claudio {

/// Which model is asked after one that failed, and what the whole call comes to. Pure: the time is passed in.
class fallback_plan {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// One that can be asked.
  class candidate {
  public:
    std::string_view model;
    std::span<errc const> on; ///< the kinds of the error before it that it is there for; of the first one nothing
  };

  /// @param candidates the called model first; what they view outlives this object
  /// @param deadline of the answer, or of a stream's first event
  fallback_plan(std::vector<candidate> candidates, time_point deadline)
      : candidates_(std::move(candidates)), deadline_(deadline) {}

  /// The model that is asked at present.
  std::size_t current() const noexcept { return current_; }

  /// The current model failed. The next one that is there for this kind of error, if there is one and time is left.
  std::optional<std::size_t> next(error const& failure, time_point now);
  /// The one that was named last can't take the request: the next one.
  std::optional<std::size_t> skip(time_point now);
  /// The one that was named last is asked.
  void take(std::size_t next);

  /// What is left for all that follow; `max()`: nothing limits it.
  std::chrono::milliseconds time_left(time_point now) const;

  /// The account of the whole call: that of its last part with those before it.
  call_info account(call_info last) const;
  /// The call's error, once `next()` has named none: the last one, with those before it in its message.
  error failure() const;
  /// The error of a call that ended for another reason: with the account.
  error failure(error const& other) const;
  /// A sentence for each model that failed before the one that answered.
  std::vector<std::string> warnings() const;

private:
  std::optional<std::size_t> find(time_point now);

  std::vector<candidate> candidates_;
  time_point deadline_;
  std::size_t current_ = 0;
  std::size_t looked_at_ = 0;
  std::vector<std::pair<std::string_view, error>> failed_;
  call_info info_; // of the models that have failed
};

} // namespace claudio
