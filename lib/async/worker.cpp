#include "async/worker.hpp"

#include "async/remote_operation.hpp"
#include "core/process_id.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

namespace claudio {
namespace asio = boost::asio;

namespace {

class queued_job {
public:
  explicit queued_job(worker::job work) : work_(std::move(work)) {}
  queued_job(queued_job const&) = delete;
  queued_job& operator=(queued_job const&) = delete;
  virtual ~queued_job() = default;

  void cancel() noexcept { cancelled_ = true; }
  virtual void complete(result<void> outcome) = 0;

  result<void> work() {
    if (cancelled_)
      return error(errc::cancelled, "the caller cancelled");
    // On a thread of ours nobody would catch it.
    try {
      return work_(cancelled_);
    } catch (std::exception const& thrown) {
      return error(errc::storage, std::string("the operation failed: ") + thrown.what());
    } catch (...) {
      return error(errc::storage, "the operation failed: an exception of an unknown kind");
    }
  }

private:
  worker::job work_;
  std::atomic<bool> cancelled_{false};
};

template <class Handler>
class job_for final : public queued_job {
public:
  job_for(worker::job work, Handler handler)
      : queued_job(std::move(work)), waiting_(remote_operation<Handler, result<void>>::begin(std::move(handler))) {}

  void watch(std::weak_ptr<queued_job> self) {
    if (auto slot = waiting_->slot(); slot.is_connected())
      slot.assign([self = std::move(self)](asio::cancellation_type) {
        if (auto const job = self.lock())
          job->cancel();
      });
  }

  void complete(result<void> outcome) override { waiting_->complete(std::move(outcome)); }

private:
  std::shared_ptr<remote_operation<Handler, result<void>>> const waiting_;
};

// A signal is for the program's own threads.
class signals_blocked {
public:
  signals_blocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  signals_blocked(signals_blocked const&) = delete;
  signals_blocked& operator=(signals_blocked const&) = delete;
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_;
};

} // namespace

class worker::thread {
public:
  using jobs = std::list<std::shared_ptr<queued_job>>;

  thread() {
    signals_blocked const blocked;
    running_ = std::thread([this] { run(); });
  }

  // A forked child has none of its parent's threads.
  bool runs_here() const noexcept { return process_ == process_id(); }

  void add(std::shared_ptr<queued_job> job) {
    {
      std::scoped_lock const lock(mutex_);
      if (!stopped_)
        waiting_.push_back(job);
      else
        job->cancel();
    }
    wake_.notify_one();
  }

  // What is dropped is destroyed last: with it may go whoever holds the thread.
  static void end(std::shared_ptr<thread> ended) {
    // There the mutex may be locked for ever, too: the object is left as it is.
    if (!ended->runs_here())
      static_cast<void>(new std::shared_ptr<thread>(std::move(ended)));
    else
      auto const dropped = ended->stop();
  }

private:
  jobs stop() {
    {
      std::scoped_lock const lock(mutex_);
      stopped_ = true;
      if (current_)
        current_->cancel();
    }
    wake_.notify_one();
    if (running_.joinable())
      running_.join();
    return std::exchange(waiting_, jobs());
  }

  void run() {
    while (auto const job = next()) {
      auto outcome = job->work();
      {
        std::scoped_lock const lock(mutex_);
        current_.reset();
      }
      job->complete(std::move(outcome));
    }
  }

  std::shared_ptr<queued_job> next() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    if (stopped_)
      return nullptr;
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    return current_;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  jobs waiting_;
  std::shared_ptr<queued_job> current_;
  bool stopped_ = false;
  ::pid_t const process_ = process_id();
  std::thread running_;
};

// Knows the threads of an execution context, and ends them before it goes.
class worker::service final : public asio::execution_context::service {
public:
  using key_type = service;
  static asio::execution_context::id id;

  explicit service(asio::execution_context& context) : asio::execution_context::service(context) {}

  void add(std::weak_ptr<thread> added) {
    std::scoped_lock const lock(mutex_);
    std::erase_if(threads_, [](auto const& known) { return known.expired(); });
    threads_.push_back(std::move(added));
  }

private:
  void shutdown() noexcept override {
    while (auto last = take())
      thread::end(std::move(last));
  }

  std::shared_ptr<thread> take() {
    std::scoped_lock const lock(mutex_);
    while (!threads_.empty()) {
      auto last = threads_.back().lock();
      threads_.pop_back();
      if (last)
        return last;
    }
    return nullptr;
  }

  std::mutex mutex_;
  std::vector<std::weak_ptr<thread>> threads_;
};

asio::execution_context::id worker::service::id;

namespace {

asio::awaitable<result<void>> refuse() {
  co_return error(errc::storage, "this process was forked after the database was opened; open it again in the child");
}

} // namespace

worker::worker(asio::execution_context& home) : thread_(std::make_shared<thread>()) {
  asio::use_service<service>(home).add(thread_);
}

worker::~worker() { thread::end(std::move(thread_)); }

asio::awaitable<result<void>> worker::run(job work) {
  if (!thread_->runs_here())
    return refuse();
  auto initiate = [thread = thread_, work = std::move(work)](auto handler) mutable {
    auto const queued = std::make_shared<job_for<decltype(handler)>>(std::move(work), std::move(handler));
    queued->watch(queued);
    thread->add(queued);
  };
  return asio::async_initiate<asio::use_awaitable_t<> const, void(result<void>)>(std::move(initiate),
                                                                                 asio::use_awaitable);
}

} // namespace claudio
