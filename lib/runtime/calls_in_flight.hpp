#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <utility>

namespace claudio {

/// The calls of one client: how many there are, whether more may come, and their waits between two attempts. For one
/// serial executor.
class calls_in_flight : public std::enable_shared_from_this<calls_in_flight> {
public:
  using clock = std::chrono::steady_clock;

  explicit calls_in_flight(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// One call, from its construction to its end.
  class place {
  public:
    place() = default;
    explicit place(std::shared_ptr<calls_in_flight> calls) noexcept : calls_(std::move(calls)) { ++calls_->count_; }
    place(place&&) noexcept = default;
    place& operator=(place&& other) noexcept {
      leave();
      calls_ = std::move(other.calls_);
      return *this;
    }
    ~place() { leave(); }
    void leave() noexcept {
      if (auto const calls = std::move(calls_))
        calls->end_one();
    }

  private:
    std::shared_ptr<calls_in_flight> calls_;
  };

  place enter() { return place(shared_from_this()); }
  std::size_t count() const noexcept { return count_; }

  /// No more calls from now on.
  void close() noexcept { closed_ = true; }
  bool closed() const noexcept { return closed_; }
  /// Waits until the last call has ended, or that time has come; `count()` tells which.
  boost::asio::awaitable<void> wait_for_end(clock::time_point deadline);

  /// A call's wait between two attempts.
  boost::asio::awaitable<void> sleep(std::chrono::nanoseconds delay);
  /// Ends these waits, those to come included.
  void interrupt();
  bool interrupted() const noexcept { return interrupted_; }

private:
  class listed_timer;

  boost::asio::awaitable<void> wait(std::list<boost::asio::steady_timer*>& list, clock::time_point until);
  void end_one() noexcept;

  boost::asio::any_io_executor executor_;
  std::list<boost::asio::steady_timer*> drains_;
  std::list<boost::asio::steady_timer*> sleepers_;
  std::size_t count_ = 0;
  bool closed_ = false;
  bool interrupted_ = false;
};

} // namespace claudio
