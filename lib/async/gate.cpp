#include "async/gate.hpp"

#include "core/saturating_time.hpp"

namespace claudio {
namespace asio = boost::asio;

asio::awaitable<void> gate::wait_for_end(clock::time_point deadline) {
  if (count_ == 0)
    co_return;
  wait_queue::waiter stay(drains_);
  auto waiting = stay.wait(deadline);
  co_await std::move(waiting);
}

asio::awaitable<void> gate::sleep(std::chrono::nanoseconds delay) {
  wait_queue::waiter stay(sleepers_);
  auto waiting = stay.wait(saturating_add(clock::now(), std::chrono::ceil<std::chrono::milliseconds>(delay)));
  co_await std::move(waiting);
}

void gate::end_one() noexcept {
  if (--count_ == 0)
    drains_.grant_all();
}

} // namespace claudio
