#include "async/deadline_sweep.hpp"

#include "core/saturating_time.hpp"

#include <algorithm>

namespace claudio {

void deadline_sweep::entry::arm(clock::time_point deadline) {
  if (deadline == clock::time_point::max()) {
    disarm();
    return;
  }
  deadline_ = deadline;
  if (position_ == not_listed) {
    position_ = sweep_->entries_.size();
    sweep_->entries_.push_back(this);
  }
  if (sweep_->next_ == clock::time_point::max() || saturating_add(deadline, granularity) < sweep_->next_)
    sweep_->wake_at(deadline);
}

void deadline_sweep::entry::disarm() noexcept {
  if (position_ == not_listed)
    return;
  auto& entries = sweep_->entries_;
  entries[position_] = entries.back();
  entries[position_]->position_ = position_;
  entries.pop_back();
  position_ = not_listed;
  if (entries.empty()) {
    sweep_->next_ = clock::time_point::max();
    sweep_->timer_.cancel();
  }
}

void deadline_sweep::wake_at(clock::time_point time) {
  next_ = time;
  timer_.expires_at(time);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code failure) {
    if (auto const self = weak.lock(); self && !failure)
      self->sweep();
  });
}

void deadline_sweep::sweep() {
  auto const now = clock::now();
  // A wait that ended before it was replaced.
  if (now < next_)
    return;
  next_ = clock::time_point::max();
  auto earliest = clock::time_point::max();
  for (auto* listed : entries_) {
    if (listed->deadline_ <= now)
      due_.push_back(listed);
    else
      earliest = std::min(earliest, listed->deadline_);
  }
  for (auto* late : due_)
    late->disarm();
  if (earliest != clock::time_point::max())
    wake_at(earliest);
  for (auto* late : due_)
    late->expired();
  due_.clear();
}

} // namespace claudio
