#pragma once

#include "async/wait_queue.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace claudio {

/// What drains: how many are inside, whether more may come, and their pauses, which can be ended. For one serial
/// executor.
class gate : public std::enable_shared_from_this<gate> {
public:
  using clock = wait_queue::clock;

  explicit gate(boost::asio::any_io_executor executor) : drains_(executor), sleepers_(std::move(executor)) {}

  /// A stay inside, from its construction to its end.
  class place {
  public:
    place() = default;
    explicit place(std::shared_ptr<gate> owner) noexcept : owner_(std::move(owner)) { ++owner_->count_; }
    place(place&&) noexcept = default;
    place& operator=(place&& other) noexcept {
      leave();
      owner_ = std::move(other.owner_);
      return *this;
    }
    ~place() { leave(); }
    void leave() noexcept {
      if (auto const owner = std::move(owner_))
        owner->end_one();
    }

  private:
    std::shared_ptr<gate> owner_;
  };

  place enter() { return place(shared_from_this()); }
  std::size_t count() const noexcept { return count_; }

  /// Nobody is to enter from now on.
  void close() noexcept { closed_ = true; }
  bool closed() const noexcept { return closed_; }
  /// Waits until the last one has left, or that time has come; `count()` tells which.
  boost::asio::awaitable<void> wait_for_end(clock::time_point deadline);

  /// A pause of somebody inside.
  boost::asio::awaitable<void> sleep(std::chrono::nanoseconds delay);
  /// Ends the pauses, those to come included.
  void interrupt() noexcept { sleepers_.interrupt(); }

private:
  void end_one() noexcept;

  wait_queue drains_;
  wait_queue sleepers_;
  std::size_t count_ = 0;
  bool closed_ = false;
};

} // namespace claudio
