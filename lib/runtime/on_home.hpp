#pragma once

#include <claudio/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <memory>
#include <utility>

/// Moving a call to the executor where its client lives, and its outcome back.
///
/// `co_await co_spawn(home, work, use_awaitable)` would do, but not when the call is cancelled: Boost 1.81 posts a raw
/// pointer to the caller's cancellation signal to the other executor, and the call may end first.
namespace claudio {

/// Starts work on its home executor; the completion handler is called on the caller's.
template <class Outcome>
class hop {
public:
  hop(boost::asio::any_io_executor home, boost::asio::awaitable<Outcome> work)
      : home_(std::move(home)), work_(std::move(work)) {}

  template <class Handler>
  void operator()(Handler handler) {
    namespace asio = boost::asio;
    auto const caller = asio::get_associated_executor(handler);
    auto slot = asio::get_associated_cancellation_slot(handler);
    // Shared with every emission on its way home, so that none outlives the signal.
    auto const signal = std::make_shared<asio::cancellation_signal>();
    auto const inner = signal->slot();
    if (slot.is_connected())
      slot.assign([signal, home = home_](asio::cancellation_type type) {
        asio::post(home, [signal, type] { signal->emit(type); });
      });
    auto done = [signal, slot, caller, work = asio::prefer(caller, asio::execution::outstanding_work.tracked),
                 handler = std::move(handler)](std::exception_ptr failure, Outcome outcome) mutable {
      asio::post(caller, [slot, failure, outcome = std::move(outcome), handler = std::move(handler)]() mutable {
        slot.clear();
        std::move(handler)(failure, std::move(outcome));
      });
    };
    asio::co_spawn(home_, std::move(work_),
                   asio::bind_cancellation_slot(inner, asio::bind_executor(home_, std::move(done))));
  }

private:
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
    hop<result<T>> there(home, std::move(work));
    auto outcome = co_await asio::async_initiate<asio::use_awaitable_t<> const, void(std::exception_ptr, result<T>)>(
        std::move(there), asio::use_awaitable);
    co_return outcome;
  } catch (boost::system::system_error const& thrown) {
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return error(errc::cancelled, "the caller cancelled");
}

} // namespace claudio
