#include "async/semaphore.hpp"

#include <limits>

namespace claudio {
namespace asio = boost::asio;

semaphore::semaphore(asio::any_io_executor executor, std::size_t permits)
    : queue_(std::move(executor)), free_(permits == 0 ? std::numeric_limits<std::size_t>::max() : permits) {}

semaphore::permit::permit(semaphore& owner) : owner_(owner) {
  if (owner_.free_ > 0)
    --owner_.free_;
  else
    stay_.emplace(owner_.queue_);
}

semaphore::permit::~permit() {
  if (granted())
    owner_.release();
}

asio::awaitable<wait_outcome> semaphore::permit::wait(wait_queue::clock::time_point limit) {
  if (granted())
    co_return wait_outcome::granted;
  auto waiting = stay_->wait(limit);
  auto const outcome = co_await std::move(waiting);
  co_return outcome;
}

void semaphore::release() noexcept {
  if (!queue_.grant_first())
    ++free_;
}

} // namespace claudio
