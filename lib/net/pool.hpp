#pragma once

#include "async/semaphore.hpp"
#include "net/session.hpp"
#include "observe/observation.hpp"
#include "policy/pool_state.hpp"

#include <claudio/session_pool.hpp>

#include <boost/intrusive/list_hook.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <sys/types.h>

namespace claudio {

class session_lease;

/// The sessions to one endpoint, maybe through a proxy. All members but `statistics()` are for the home executor only,
/// which is serial. It holds no work: nothing runs here unless a caller awaits it.
class session_pool : public std::enable_shared_from_this<session_pool> {
public:
  session_pool(boost::asio::any_io_executor home, api_base endpoint, std::optional<proxy_address> proxy,
               std::shared_ptr<tls_context> tls, session_pool_options options,
               std::shared_ptr<observation const> observed, std::uint64_t max_answer_bytes = 32 * 1024 * 1024);
  ~session_pool();

  /// An idle session for one request; an empty lease when there is none. Its caller keeps the pool.
  session_lease try_acquire();
  /// The same, else a new session, else one after a wait in order.
  boost::asio::awaitable<result<session_lease>> acquire(call_progress& progress);

  /// Opens a session and leaves it idle.
  boost::asio::awaitable<result<void>> open_idle(call_progress& progress);
  /// How many sessions `open_idle()` could open until that many are idle.
  std::size_t missing_idle(std::size_t wanted);

  /// Closes idle sessions, now and as they come back.
  void keep_none();
  /// Ends every wait and closes every session. Later calls of the pool's members give `errc::cancelled`.
  void shut_down();
  /// What an error is to the caller: what `shut_down()` has ended says so.
  error explain(error const& failure) const;

  /// Thread-safe.
  session_pool_statistics statistics() const noexcept;

private:
  friend class session_lease;

  // A caller's stay in the queue. Whatever it was granted and did not take goes to the next.
  class waiter : public boost::intrusive::list_base_hook<> {
  public:
    explicit waiter(session_pool& pool);
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;
    ~waiter();

    void grant(std::unique_ptr<session> granted);
    void grant_place() { stay.grant(); }
    std::unique_ptr<session> take() noexcept;

    wait_queue::waiter stay;

  private:
    session_pool& pool_;
    std::unique_ptr<session> session_;
    bool taken_ = false;
  };

  boost::asio::awaitable<result<session_lease>> wait(call_progress& progress, std::optional<error> shortage);
  void leave_parents_sessions();
  std::unique_ptr<session> take_idle();
  bool is_spent(session const& used, call_progress::clock::time_point now) const noexcept;
  void give_back(std::unique_ptr<session> used);
  void free_place();
  // Closes one that is open, or is being opened.
  void close(std::unique_ptr<session> ended, session_end reason);
  void close_all(std::vector<std::unique_ptr<session>> ended, session_end reason);
  pool_level level() const noexcept;
  // Puts a new session into a lease and opens it.
  boost::asio::awaitable<result<void>> open(session_lease& lease, call_progress& progress);
  boost::asio::awaitable<result<void>> secure(session_lease& lease, call_progress& progress);
  void publish() noexcept;

  std::shared_ptr<session_environment const> environment_;
  std::shared_ptr<observation const> const observed_;
  pool_level published_;
  std::chrono::nanoseconds const max_age_;
  std::size_t const max_requests_;
  semaphore handshakes_;
  wait_queue waiters_;
  pool_state<std::unique_ptr<session>, waiter> state_;
  ::pid_t process_;           // whose sessions they are
  std::size_t connected_ = 0; // of the sessions, those that are open
  bool keeps_none_ = false;
  bool shut_down_ = false;

  // Written on the home executor, read from any thread.
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> idle_{0};
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> most_open_{0};
  std::atomic<std::uint64_t> opened_{0};
  std::atomic<std::uint64_t> reused_{0};
  std::atomic<std::uint64_t> waits_{0};
};

/// One caller's hold on a place of the pool and the session in it. When it goes the session is closed, unless `reuse()`
/// was called.
class session_lease {
public:
  session_lease() = default;
  session_lease(std::shared_ptr<session_pool> pool, std::unique_ptr<session> held, bool reused)
      : pool_(std::move(pool)), session_(std::move(held)), reused_(reused) {}
  session_lease(session_lease&&) noexcept = default;
  session_lease& operator=(session_lease&& other) noexcept;
  ~session_lease() { release(); }

  explicit operator bool() const noexcept { return session_ != nullptr; }
  session* operator->() const noexcept { return session_.get(); }
  /// Whether the session has served an earlier request, so that its peer may have closed it meanwhile.
  bool reused() const noexcept { return reused_; }
  bool holds_place() const noexcept { return pool_ != nullptr; }
  /// The session goes back to the pool.
  void reuse() noexcept { fit_ = true; }
  /// The whole response was read, or all of it that matters: the session goes back if that left it fit for another
  /// request, or, with `settles`, if the end of the body may do so yet.
  void conclude(bool settles = false) noexcept {
    ++session_->requests;
    fit_ = session_->reusable() || (settles && session_->settling());
    end_ = session_end::not_kept;
  }
  /// Opens a new session in the place of one that died.
  boost::asio::awaitable<result<void>> replace(call_progress& progress);
  /// Gives the place back without waking a waiter, who would meet the same shortage.
  void abandon_place() noexcept;

private:
  friend class session_pool;

  void put(std::unique_ptr<session> fresh);
  void release() noexcept;

  std::shared_ptr<session_pool> pool_;
  std::unique_ptr<session> session_;
  bool reused_ = false;
  bool fit_ = false;
  session_end end_ = session_end::broken; // unless it is fit
};

} // namespace claudio
