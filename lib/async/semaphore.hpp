#pragma once

#include "async/wait_queue.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <optional>

namespace claudio {

/// A counting semaphore that is awaited, first come first served. For one serial executor.
class semaphore {
public:
  /// `permits` 0: any number.
  semaphore(boost::asio::any_io_executor executor, std::size_t permits);

  /// One caller's turn, from its place in the queue on; given up when it goes.
  class permit {
  public:
    explicit permit(semaphore& owner);
    permit(permit const&) = delete;
    permit& operator=(permit const&) = delete;
    ~permit();

    bool granted() const noexcept { return !stay_ || stay_->granted(); }
    boost::asio::awaitable<wait_outcome> wait(wait_queue::clock::time_point limit);

  private:
    semaphore& owner_;
    std::optional<wait_queue::waiter> stay_; // unless it was granted at once
  };

  /// Ends all waits, those to come included.
  void interrupt() noexcept { queue_.interrupt(); }

private:
  void release() noexcept;

  wait_queue queue_;
  std::size_t free_;
};

} // namespace claudio
