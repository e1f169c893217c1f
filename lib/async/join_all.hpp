#pragma once

#include <claudio/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

/// Coroutines side by side on one serial executor, a bounded number at once. Asio's operators can't bound, nor do they
/// take as many as there happen to be.
namespace claudio {

/// What came of them, in their order; nothing for those that did not begin or were cancelled.
template <class T>
class joined {
public:
  joined() = default;

  std::vector<std::optional<T>> values;
  errc stopped = errc::none; ///< `cancelled` by the caller, or `timeout`: the deadline has passed
};

/// One run of them. Owned by the coroutines' completion handlers; it owns the waiting caller. So nothing refers to the
/// caller's frame but what it waits for, and all goes together when a context is destroyed.
template <class T, class Handler>
class joined_run : public std::enable_shared_from_this<joined_run<T, Handler>> {
public:
  joined_run(boost::asio::any_io_executor executor, std::vector<boost::asio::awaitable<T>> work, std::size_t most,
             Handler handler)
      : executor_(std::move(executor)), work_(std::move(work)), most_(most), signals_(work_.size()),
        deadline_(executor_), handler_(std::move(handler)) {
    outcome_.values.resize(work_.size());
  }

  void begin(std::optional<std::chrono::steady_clock::time_point> deadline) {
    namespace asio = boost::asio;
    auto const weak = this->weak_from_this();
    if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected())
      slot.assign([weak, executor = executor_](asio::cancellation_type) {
        // Where the signal is emitted elsewhere, as before a context runs.
        asio::dispatch(executor, [weak] {
          if (auto const self = weak.lock())
            self->stop(errc::cancelled);
        });
      });
    if (deadline) {
      deadline_.expires_at(*deadline);
      deadline_.async_wait([weak](boost::system::error_code failure) {
        if (auto const self = weak.lock(); self && !failure)
          self->stop(errc::timeout);
      });
    }
    while (begun_ < work_.size() && running_ < most_)
      begin_next();
    if (running_ == 0)
      complete();
  }

private:
  void begin_next() {
    namespace asio = boost::asio;
    std::size_t const index = begun_++;
    ++running_;
    auto ended = [self = this->shared_from_this(), index](std::exception_ptr failure, T value) {
      self->end(index, failure, std::move(value));
    };
    asio::co_spawn(executor_, std::move(work_[index]),
                   asio::bind_cancellation_slot(signals_[index].slot(), std::move(ended)));
  }

  void end(std::size_t index, std::exception_ptr failure, T value) {
    --running_;
    if (!failure) {
      outcome_.values[index].emplace(std::move(value));
    } else if (outcome_.stopped == errc::none) {
      failure_ = failure;
      stop(errc::cancelled);
    }
    if (outcome_.stopped == errc::none && begun_ < work_.size())
      begin_next();
    else if (running_ == 0)
      complete();
  }

  void stop(errc why) {
    if (outcome_.stopped != errc::none)
      return;
    outcome_.stopped = why;
    for (auto& signal : signals_)
      signal.emit(boost::asio::cancellation_type::terminal);
  }

  // Posted: the last coroutine may have ended inside the very emission that clearing the slot would destroy.
  void complete() {
    namespace asio = boost::asio;
    deadline_.cancel();
    asio::post(executor_, [self = this->shared_from_this()] {
      asio::get_associated_cancellation_slot(self->handler_).clear();
      auto handler = std::move(self->handler_);
      std::move(handler)(self->failure_, std::move(self->outcome_));
    });
  }

  boost::asio::any_io_executor executor_;
  std::vector<boost::asio::awaitable<T>> work_;
  std::size_t most_;
  std::vector<boost::asio::cancellation_signal> signals_;
  boost::asio::steady_timer deadline_;
  Handler handler_;
  joined<T> outcome_;
  std::exception_ptr failure_;
  std::size_t begun_ = 0;
  std::size_t running_ = 0;
};

/// Starts them; an initiation for `async_initiate`.
template <class T>
class side_by_side {
public:
  side_by_side(boost::asio::any_io_executor executor, std::vector<boost::asio::awaitable<T>> work, std::size_t most,
               std::optional<std::chrono::steady_clock::time_point> deadline)
      : executor_(std::move(executor)), work_(std::move(work)), most_(most), deadline_(deadline) {}

  template <class Handler>
  void operator()(Handler handler) {
    auto const run = std::make_shared<joined_run<T, Handler>>(executor_, std::move(work_), most_, std::move(handler));
    run->begin(deadline_);
  }

private:
  boost::asio::any_io_executor executor_;
  std::vector<boost::asio::awaitable<T>> work_;
  std::size_t most_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
};

/// Runs coroutines side by side on the caller's executor, which has to be serial, until the last one has ended.
/// Cancellation of the caller and the deadline cancel all that run; these are waited for. An exception of one cancels
/// the others and is thrown in the end.
/// @param most that run at once, at least 1
template <class T>
boost::asio::awaitable<joined<T>> join_all(std::vector<boost::asio::awaitable<T>> work, std::size_t most,
                                           std::optional<std::chrono::steady_clock::time_point> deadline) {
  namespace asio = boost::asio;
  auto executor = co_await asio::this_coro::executor;
  side_by_side<T> start(std::move(executor), std::move(work), most, deadline);
  auto outcome = co_await asio::async_initiate<asio::use_awaitable_t<> const, void(std::exception_ptr, joined<T>)>(
      std::move(start), asio::use_awaitable);
  co_return outcome;
}

} // namespace claudio
