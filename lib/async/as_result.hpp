#pragma once

#include <claudio/error.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

/// By Asio's rule a coroutine that goes on after its cancellation meets an exception at its next `co_await`. No public
/// call shows it: its outermost coroutine ends with `errc::cancelled`.
namespace claudio {

inline error cancelled_by_caller() { return error(errc::cancelled, "the caller cancelled"); }

/// In a handler of exceptions: throws on what does not come of a cancellation. For a coroutine that has something to do
/// before it ends, or is too often called for a frame more.
inline void rethrow_unless_cancelled(boost::system::system_error const& thrown) {
  if (thrown.code() != boost::asio::error::operation_aborted)
    throw;
}

/// The outermost coroutine of a public call that has nothing else to do when it is cancelled.
template <class T>
boost::asio::awaitable<result<T>> as_result(boost::asio::awaitable<result<T>> work) {
  try {
    auto outcome = co_await std::move(work);
    co_return outcome;
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return cancelled_by_caller();
}

} // namespace claudio
