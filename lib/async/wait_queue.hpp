#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace claudio {

/// How a wait ended.
enum class wait_outcome : std::uint8_t {
  granted,    ///< what was waited for is there
  late,       ///< the time was up
  cancelled,  ///< the caller was cancelled
  interrupted ///< nobody is to wait here any more
};

/// Callers who wait, in order, until somebody says that they may go on. What that means, and who comes first where it
/// is not the order of coming, is its owner's business. For one serial executor.
class wait_queue {
public:
  using clock = std::chrono::steady_clock;

  /// A caller's stay in the queue. It goes before the queue does.
  class waiter : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  public:
    explicit waiter(wait_queue& queue) : timer_(queue.executor_), queue_(queue) { queue.waiters_.push_back(*this); }
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;
    ~waiter() = default;

    /// Takes it out of the queue and wakes it up. The caller goes on later, from its executor.
    void grant() noexcept;
    bool granted() const noexcept { return granted_; }

    /// Waits until it is granted, or a time has come. To be awaited at once. What was granted stays so, whatever else
    /// ends the wait.
    auto wait(clock::time_point limit) {
      timer_.expires_at(over() ? clock::time_point::min() : limit);
      return timer_.async_wait(boost::asio::deferred(
          [this](boost::system::error_code woken) { return boost::asio::deferred.values(outcome(woken)); }));
    }

  private:
    friend class wait_queue;

    bool over() const noexcept { return granted_ || queue_.interrupted_; }
    wait_outcome outcome(boost::system::error_code woken) const noexcept;

    boost::asio::steady_timer timer_;
    wait_queue& queue_;
    bool granted_ = false;
  };

  explicit wait_queue(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  wait_queue(wait_queue const&) = delete;
  wait_queue& operator=(wait_queue const&) = delete;
  ~wait_queue() = default;

  boost::asio::any_io_executor const& executor() const noexcept { return executor_; }
  bool empty() const noexcept { return waiters_.empty(); }

  /// False: nobody waits.
  bool grant_first() noexcept;
  void grant_all() noexcept;
  /// Ends all waits, those to come included.
  void interrupt() noexcept;
  bool interrupted() const noexcept { return interrupted_; }

private:
  boost::asio::any_io_executor executor_;
  boost::intrusive::list<waiter, boost::intrusive::constant_time_size<false>> waiters_;
  bool interrupted_ = false;
};

} // namespace claudio
