#pragma once

#include <claudio/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>

#include <atomic>
#include <functional>
#include <memory>

namespace claudio {

/// A thread for work that blocks: jobs run on it one after the other. It ends with this object, or with the execution
/// context, whichever goes first; jobs that have not begun are then dropped.
class worker {
public:
  /// A job gives up early, if it can, when it is told to.
  using job = std::function<result<void>(std::atomic<bool> const& cancelled)>;

  explicit worker(boost::asio::execution_context& home);
  worker(worker const&) = delete;
  worker& operator=(worker const&) = delete;
  ~worker();

  /// Completes on the caller's executor. Errors: those of the job; `errc::cancelled` when it never began.
  boost::asio::awaitable<result<void>> run(job work);

private:
  class thread;
  class service;
  std::shared_ptr<thread> thread_;
};

} // namespace claudio
