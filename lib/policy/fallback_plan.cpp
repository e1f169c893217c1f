#include "policy/fallback_plan.hpp"

#include "core/saturating_time.hpp"

#include <algorithm>

namespace claudio {

std::optional<std::size_t> fallback_plan::next(error const& failure, time_point now) {
  info_ = account(failure.info());
  failed_.emplace_back(candidates_[current_].model, failure);
  looked_at_ = current_;
  return find(now);
}

std::optional<std::size_t> fallback_plan::skip(time_point now) { return find(now); }

std::optional<std::size_t> fallback_plan::find(time_point now) {
  if (time_left(now).count() <= 0)
    return std::nullopt;
  auto const kind = failed_.back().second.code();
  while (++looked_at_ < candidates_.size()) {
    auto const& on = candidates_[looked_at_].on;
    if (std::find(on.begin(), on.end(), kind) != on.end())
      return looked_at_;
  }
  return std::nullopt;
}

void fallback_plan::take(std::size_t next) {
  current_ = next;
  ++info_.fallbacks;
}

std::chrono::milliseconds fallback_plan::time_left(time_point now) const {
  if (deadline_ == time_point::max())
    return std::chrono::milliseconds::max();
  return std::chrono::floor<std::chrono::milliseconds>(saturating_difference(deadline_, now));
}

call_info fallback_plan::account(call_info last) const {
  last.add(info_);
  return last;
}

error fallback_plan::failure() const {
  auto const& last = failed_.back().second;
  if (info_.fallbacks == 0)
    return last;
  std::string note;
  for (auto const& [model, earlier] : std::span(failed_).first(failed_.size() - 1))
    note += (note.empty() ? "before it, " : ", ") + std::string(model) + " failed with " + earlier.summary();
  return last.with_note(note).with_info(info_);
}

error fallback_plan::failure(error const& other) const { return other.with_info(info_); }

std::vector<std::string> fallback_plan::warnings() const {
  std::vector<std::string> sentences;
  for (auto const& [model, earlier] : failed_) {
    auto const status =
        earlier.http_status() == 0 ? std::string() : " (HTTP " + std::to_string(earlier.http_status()) + ")";
    sentences.push_back(std::string(model) + " failed with " + std::string(to_string(earlier.code())) + status + ": " +
                        std::string(candidates_[current_].model) + " answered instead");
  }
  return sentences;
}

} // namespace claudio
