#pragma once

#include "async/as_result.hpp"
#include "async/remote_operation.hpp"

#include <claudio/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

/// Moving a call to the executor where its client lives, and its outcome back.
///
/// `co_await co_spawn(home, work, use_awaitable)` would do, but not when the call is cancelled: Boost 1.81 posts a raw
/// pointer to the caller's cancellation signal to the other executor, and the call may end first. Nor when the caller's
/// context is destroyed before the call ends.
namespace claudio {

/// The cancellation signal of work on another executor.
class remote_signal : public std::enable_shared_from_this<remote_signal> {
public:
  explicit remote_signal(boost::asio::any_io_executor home) : home_(std::move(home)) {}

  boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }

  /// Emits at home. Shared with every emission on its way there, so that none outlives the signal. Thread-safe.
  void emit(boost::asio::cancellation_type type) {
    std::scoped_lock const lock(mutex_);
    if (home_)
      boost::asio::post(*home_, [self = shared_from_this(), type] { self->signal_.emit(type); });
  }

  /// The work has ended, or was destroyed with its context: nothing is posted there any more.
  void end() noexcept {
    std::scoped_lock const lock(mutex_);
    home_.reset();
  }

private:
  std::mutex mutex_;
  std::optional<boost::asio::any_io_executor> home_;
  boost::asio::cancellation_signal signal_;
};

/// Starts work on its home executor; the completion handler is called on the caller's.
template <class Outcome>
class hop {
public:
  hop(boost::asio::any_io_executor home, boost::asio::awaitable<Outcome> work)
      : home_(std::move(home)), work_(std::move(work)) {}

  template <class Handler>
  void operator()(Handler handler) {
    namespace asio = boost::asio;
    auto const waiting = remote_operation<Handler, std::exception_ptr, Outcome>::begin(std::move(handler));
    auto const signal = std::make_shared<remote_signal>(home_);
    if (auto slot = waiting->slot(); slot.is_connected())
      slot.assign([signal](asio::cancellation_type type) { signal->emit(type); });
    auto const inner = signal->slot();
    auto home = std::move(home_);
    asio::co_spawn(home, std::move(work_),
                   asio::bind_cancellation_slot(inner, asio::bind_executor(home, ending(waiting, signal))));
  }

private:
  // Completes the operation, also when the work is destroyed with its context instead of ending.
  template <class Waiting>
  class ending {
  public:
    ending(std::shared_ptr<Waiting> waiting, std::shared_ptr<remote_signal> signal) noexcept
        : waiting_(std::move(waiting)), signal_(std::move(signal)) {}
    ending(ending&&) noexcept = default;
    ending& operator=(ending&&) = delete;
    ~ending() {
      if (waiting_)
        (*this)(std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)), Outcome());
    }

    void operator()(std::exception_ptr failure, Outcome outcome) {
      signal_->end();
      auto const waiting = std::move(waiting_);
      waiting->complete(failure, std::move(outcome));
    }

  private:
    std::shared_ptr<Waiting> waiting_;
    std::shared_ptr<remote_signal> signal_;
  };

  boost::asio::any_io_executor home_;
  boost::asio::awaitable<Outcome> work_;
};

/// Runs `work` on `home`, directly when the caller is there already. The outermost coroutine of every public call:
/// what Asio throws after a cancellation becomes `errc::cancelled`.
template <class T>
boost::asio::awaitable<result<T>> on_home(boost::asio::any_io_executor home, boost::asio::awaitable<result<T>> work) {
  namespace asio = boost::asio;
  try {
    auto const caller = co_await asio::this_coro::executor;
    if (caller == home) {
      auto outcome = co_await std::move(work);
      co_return outcome;
    }
    hop<result<T>> there(std::move(home), std::move(work));
    auto outcome = co_await asio::async_initiate<asio::use_awaitable_t<> const, void(std::exception_ptr, result<T>)>(
        std::move(there), asio::use_awaitable);
    co_return outcome;
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return cancelled_by_caller();
}

} // namespace claudio
