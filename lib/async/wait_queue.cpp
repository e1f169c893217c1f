#include "async/wait_queue.hpp"

namespace claudio {

void wait_queue::waiter::grant() noexcept {
  unlink();
  granted_ = true;
  timer_.cancel();
}

wait_outcome wait_queue::waiter::outcome(boost::system::error_code woken) const noexcept {
  if (granted_)
    return wait_outcome::granted;
  if (queue_.interrupted_)
    return wait_outcome::interrupted;
  return woken ? wait_outcome::cancelled : wait_outcome::late;
}

bool wait_queue::grant_first() noexcept {
  if (waiters_.empty())
    return false;
  waiters_.front().grant();
  return true;
}

void wait_queue::grant_all() noexcept {
  while (grant_first()) {
  }
}

void wait_queue::interrupt() noexcept {
  interrupted_ = true;
  for (auto& one : waiters_)
    one.timer_.cancel();
}

} // namespace claudio
