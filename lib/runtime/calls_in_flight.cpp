#include "runtime/calls_in_flight.hpp"

#include "net/call_progress.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace claudio {
namespace asio = boost::asio;

// Listed as long as it exists, so that others can end the wait for it.
class calls_in_flight::listed_timer {
public:
  listed_timer(std::list<asio::steady_timer*>& list, asio::any_io_executor const& executor, clock::time_point until)
      : timer(executor, until), list_(list), position_(list.insert(list.end(), &timer)) {}
  listed_timer(listed_timer const&) = delete;
  listed_timer& operator=(listed_timer const&) = delete;
  ~listed_timer() { list_.erase(position_); }

  asio::steady_timer timer;

private:
  std::list<asio::steady_timer*>& list_;
  std::list<asio::steady_timer*>::iterator position_;
};

asio::awaitable<void> calls_in_flight::wait(std::list<asio::steady_timer*>& list, clock::time_point until) {
  listed_timer waiting(list, executor_, until);
  boost::system::error_code ignored;
  co_await waiting.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> calls_in_flight::wait_for_end(clock::time_point deadline) {
  if (count_ == 0)
    co_return;
  auto waiting = wait(drains_, deadline);
  co_await std::move(waiting);
}

asio::awaitable<void> calls_in_flight::sleep(std::chrono::nanoseconds delay) {
  if (interrupted_)
    co_return;
  auto waiting = wait(sleepers_, saturating_add(clock::now(), std::chrono::ceil<std::chrono::milliseconds>(delay)));
  co_await std::move(waiting);
}

void calls_in_flight::interrupt() {
  interrupted_ = true;
  for (auto* timer : sleepers_)
    timer->cancel();
}

void calls_in_flight::end_one() noexcept {
  if (--count_ > 0)
    return;
  for (auto* timer : drains_)
    timer->cancel();
}

} // namespace claudio
