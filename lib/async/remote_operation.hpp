#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

namespace claudio {

/// An operation that runs on another execution context, or on a thread, than the one that waits for it.
///
/// The completion handler owns the waiting coroutine, so it belongs to the waiting context, as a handler of a timer or
/// socket there would: when that context is destroyed it destroys the handler, and nothing is posted to it any more.
class remote_operation_base {
public:
  remote_operation_base(remote_operation_base const&) = delete;
  remote_operation_base& operator=(remote_operation_base const&) = delete;
  virtual ~remote_operation_base() = default;

protected:
  /// What a context knows of the operations it waits for. It outlives the context as long as one of them does.
  class waiting_list {
  public:
    std::mutex mutex;
    std::list<std::shared_ptr<remote_operation_base>> operations;
  };

  remote_operation_base() = default;

  /// Ties an operation to the context that waits for it.
  static void enlist(std::shared_ptr<remote_operation_base> const& operation, boost::asio::execution_context& context);
  /// Takes the operation off its context's list, whose mutex the caller holds. False: the context is gone, or the
  /// operation was taken off before.
  bool delist();
  std::mutex& mutex() const noexcept { return list_->mutex; }

private:
  class service;

  /// The context is being destroyed.
  virtual void destroy_handler() noexcept = 0;

  std::shared_ptr<waiting_list> list_;
  std::list<std::shared_ptr<remote_operation_base>>::iterator position_;
  bool listed_ = false;
};

template <class Handler, class... Arguments>
class remote_operation final : public remote_operation_base {
public:
  /// Called on the executor of `handler`.
  static std::shared_ptr<remote_operation> begin(Handler handler) {
    std::shared_ptr<remote_operation> const made(new remote_operation(std::move(handler)));
    enlist(made, boost::asio::query(*made->executor_, boost::asio::execution::context_as<context&>));
    return made;
  }

  boost::asio::cancellation_slot slot() const noexcept { return slot_; }

  /// Invokes the handler on its executor, unless the context is gone. The first call counts. Thread-safe.
  void complete(Arguments... arguments) {
    std::scoped_lock const lock(mutex()); // so that the context stays until the post is made
    if (!delist())
      return;
    auto invoke = [slot = slot_, handler = std::move(*handler_),
                   given = std::make_tuple(std::move(arguments)...)]() mutable {
      slot.clear();
      std::apply(std::move(handler), std::move(given));
    };
    handler_.reset();
    boost::asio::post(*executor_, std::move(invoke));
    executor_.reset();
  }

private:
  using context = boost::asio::execution_context;

  explicit remote_operation(Handler handler)
      : slot_(boost::asio::get_associated_cancellation_slot(handler)),
        executor_(boost::asio::prefer(boost::asio::any_io_executor(boost::asio::get_associated_executor(handler)),
                                      boost::asio::execution::outstanding_work.tracked)),
        handler_(std::move(handler)) {}

  void destroy_handler() noexcept override {
    handler_.reset();
    executor_.reset();
  }

  boost::asio::cancellation_slot slot_;
  std::optional<boost::asio::any_io_executor> executor_; // until it is done
  std::optional<Handler> handler_;
};

} // namespace claudio
