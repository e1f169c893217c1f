#include "net/semaphore.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <limits>

namespace claudio {
namespace asio = boost::asio;

semaphore::semaphore(asio::any_io_executor executor, std::size_t permits)
    : executor_(std::move(executor)), free_(permits == 0 ? std::numeric_limits<std::size_t>::max() : permits) {}

semaphore::permit::permit(semaphore& owner) : owner_(owner), granted_(owner.free_ > 0) {
  if (granted_)
    --owner_.free_;
  else
    position_ = owner_.queue_.insert(owner_.queue_.end(), this);
}

semaphore::permit::~permit() {
  if (granted_)
    owner_.release();
  else
    owner_.queue_.erase(position_);
}

asio::awaitable<semaphore::outcome> semaphore::permit::wait(std::chrono::steady_clock::time_point limit) {
  if (granted_)
    co_return outcome::granted;
  woken_.emplace(owner_.executor_, limit);
  boost::system::error_code woken;
  co_await woken_->async_wait(asio::redirect_error(asio::use_awaitable, woken));
  if (granted_)
    co_return outcome::granted;
  co_return woken ? outcome::cancelled : outcome::timed_out;
}

void semaphore::interrupt() {
  for (auto* const waiting : queue_)
    if (waiting->woken_)
      waiting->woken_->cancel();
}

void semaphore::release() {
  if (queue_.empty()) {
    ++free_;
    return;
  }
  auto* const first = queue_.front();
  queue_.pop_front();
  first->granted_ = true;
  if (first->woken_)
    first->woken_->cancel();
}

} // namespace claudio
