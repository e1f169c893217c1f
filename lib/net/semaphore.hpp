#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>

namespace claudio {

/// A counting semaphore that is awaited, first come first served. For one serial executor.
class semaphore {
public:
  /// `permits` 0: any number.
  semaphore(boost::asio::any_io_executor executor, std::size_t permits);

  enum class outcome { granted, timed_out, cancelled };

  /// One caller's turn, from its place in the queue on; given up when it goes.
  class permit {
  public:
    explicit permit(semaphore& owner);
    permit(permit const&) = delete;
    permit& operator=(permit const&) = delete;
    ~permit();

    bool granted() const noexcept { return granted_; }
    boost::asio::awaitable<outcome> wait(std::chrono::steady_clock::time_point limit);

  private:
    friend class semaphore;

    semaphore& owner_;
    bool granted_;
    std::list<permit*>::iterator position_;          // while it waits
    std::optional<boost::asio::steady_timer> woken_; // cancelled by the grant
  };

  /// Ends the waits there are as `cancelled`.
  void interrupt();

private:
  void release();

  boost::asio::any_io_executor executor_;
  std::size_t free_;
  std::list<permit*> queue_;
};

} // namespace claudio
