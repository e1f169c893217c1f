#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace claudio {

/// The deadlines of many operations on one timer, which is pending only while there are any. A deadline is noticed at
/// most `granularity` late, plus what the executor takes. For one serial executor.
///
/// Setting a deadline costs no system call and, mostly, no timer: limits that lie ahead of the next sweep are looked at
/// then, and by then have mostly been replaced.
class deadline_sweep : public std::enable_shared_from_this<deadline_sweep> {
public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds granularity{10};

  /// Something with a deadline. It goes before the sweep does.
  class entry {
  public:
    explicit entry(std::shared_ptr<deadline_sweep> sweep) noexcept : sweep_(std::move(sweep)) {}
    entry(entry const&) = delete;
    entry& operator=(entry const&) = delete;
    virtual ~entry() { disarm(); }

    /// Sets or replaces the deadline; `time_point::max()` takes it away.
    void arm(clock::time_point deadline);
    void disarm() noexcept;

  private:
    friend class deadline_sweep;

    /// The deadline has passed; it is disarmed already. May arm and disarm entries, but not destroy them.
    virtual void expired() noexcept = 0;

    static constexpr std::size_t not_listed = static_cast<std::size_t>(-1);
    std::shared_ptr<deadline_sweep> sweep_;
    clock::time_point deadline_;
    std::size_t position_ = not_listed;
  };

  explicit deadline_sweep(boost::asio::any_io_executor executor) : timer_(std::move(executor)) {}

private:
  void wake_at(clock::time_point time);
  void sweep();

  boost::asio::steady_timer timer_;
  clock::time_point next_ = clock::time_point::max();
  std::vector<entry*> entries_;
  std::vector<entry*> due_;
};

} // namespace claudio
