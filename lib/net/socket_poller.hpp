#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <sys/types.h>
#include <type_traits>
#include <utility>
#include <vector>

namespace claudio {

class polled_socket;

/// Watches many sockets through an epoll set of its own, which is one descriptor to the executor. A socket is added
/// once and reports each change (EPOLLET), so that a wait costs no system call, and the changes of many sockets cost
/// one; Asio's own waits cost one each. For one serial executor.
///
/// While anybody waits there is outstanding work on the executor, else none.
///
/// After a fork the child shares the epoll set with its parent. The child leaves that set alone and makes its own;
/// waits that the parent began end as `cancelled` in the child.
class socket_poller : public std::enable_shared_from_this<socket_poller> {
public:
  using clock = std::chrono::steady_clock;

  explicit socket_poller(boost::asio::any_io_executor executor);
  socket_poller(socket_poller const&) = delete;
  socket_poller& operator=(socket_poller const&) = delete;
  ~socket_poller();

  boost::asio::any_io_executor const& executor() const noexcept { return executor_; }

  /// Looks at the sockets if that has not been done since `time`.
  void look_since(clock::time_point time);

private:
  friend class polled_socket;
  class turn;

  // What the kernel knows of a socket: a number that names a slot and its use. Events for an earlier use of a slot are
  // ignored. A pointer would not do, because the kernel goes on reporting for a closed descriptor while another process
  // holds a copy of it.
  struct slot {
    polled_socket* socket = nullptr;
    std::uint32_t use = 0;
  };

  boost::system::error_code open_set();
  boost::system::error_code add(polled_socket& socket);
  void remove(polled_socket& socket) noexcept;
  polled_socket* find(std::uint64_t number) const noexcept;
  void await(polled_socket& socket);
  void cancel(polled_socket& socket);
  void forget(polled_socket& socket) noexcept;

  bool is_shared_with_parent() const noexcept;
  void leave_parents_set();
  void look();
  void take_turn();
  void resume_ready();
  void arm();
  void disarm();
  void abandon() noexcept;

  boost::asio::any_io_executor executor_;
  boost::asio::posix::stream_descriptor set_;
  ::pid_t process_; // whose set it is
  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<polled_socket*> waiting_; // in no order; each knows its place
  std::vector<polled_socket*> ready_;   // of these, what will be resumed; null for a socket that has gone
  std::size_t next_ready_ = 0;
  clock::time_point looked_;
  bool armed_ = false;
  bool posted_ = false;
  bool resuming_ = false;
};

/// A connected TCP socket that is watched by a poller. One wait at a time, on the poller's executor. Reads and writes
/// do not block. In a child that was forked with the socket open, reads and writes fail with `operation_aborted` and
/// waits end as `cancelled`: the connection is the parent's.
class polled_socket {
public:
  /// What to wait for. `next_turn` is nothing but the executor's other work.
  enum class direction : unsigned char { read, write, either, next_turn };
  enum class outcome : unsigned char { ready, cancelled };

  explicit polled_socket(std::shared_ptr<socket_poller> poller) noexcept : poller_(std::move(poller)) {}
  polled_socket(polled_socket const&) = delete;
  polled_socket& operator=(polled_socket const&) = delete;
  ~polled_socket() { close(); }

  /// Takes over a connected, non-blocking socket. The socket is closed if that fails.
  boost::system::error_code open(int descriptor);
  void close() noexcept;

  /// As much as the kernel has, or takes, now; `would_block` for nothing, `eof` for the end.
  std::size_t receive(std::span<char> into, boost::system::error_code& failure) noexcept;
  std::size_t send(std::string_view bytes, boost::system::error_code& failure) noexcept;

  /// Whether the last look at the sockets found something here that `receive()` has not used up.
  bool readable() const noexcept { return readable_; }
  bool writable() const noexcept { return writable_; }
  socket_poller& poller() const noexcept { return *poller_; }
  /// Whether another process opened it, of which this one is a fork.
  bool belongs_to_parent() const noexcept;
  /// The kernel's estimate (tcp(7), TCP_INFO); 0 when it has none.
  std::chrono::nanoseconds round_trip() const noexcept;

  /// Completes with an `outcome` when `receive()`, `send()`, or one of them, is worth another try. Cancellation:
  /// terminal.
  template <class Token>
  auto async_wait(direction what, Token&& token) {
    return boost::asio::async_initiate<Token, void(outcome)>(initiation(*this, what), token);
  }
  /// Ends the wait with `cancelled`, if there is one.
  void cancel();

private:
  friend class socket_poller;

  // A completion handler, without its type and without an allocation.
  class resumption {
  public:
    resumption() = default;
    template <class Handler>
    explicit resumption(Handler handler) noexcept : functions_(&functions_of<Handler>) {
      static_assert(sizeof(Handler) <= sizeof(storage_) && std::is_nothrow_move_constructible_v<Handler>);
      ::new (static_cast<void*>(storage_)) Handler(std::move(handler));
    }
    resumption(resumption&& other) noexcept { take(other); }
    resumption& operator=(resumption&& other) noexcept {
      reset();
      take(other);
      return *this;
    }
    ~resumption() { reset(); }

    explicit operator bool() const noexcept { return functions_ != nullptr; }
    void operator()(outcome how) && { std::exchange(functions_, nullptr)->call(storage_, how); }

  private:
    struct functions {
      void (*call)(void*, outcome); // and destroy
      void (*move)(void*, void*) noexcept;
      void (*destroy)(void*) noexcept;
    };
    template <class Handler>
    static constexpr functions functions_of{[](void* stored, outcome how) {
                                              Handler handler(std::move(*static_cast<Handler*>(stored)));
                                              static_cast<Handler*>(stored)->~Handler();
                                              std::move(handler)(how);
                                            },
                                            [](void* from, void* to) noexcept {
                                              ::new (to) Handler(std::move(*static_cast<Handler*>(from)));
                                              static_cast<Handler*>(from)->~Handler();
                                            },
                                            [](void* stored) noexcept { static_cast<Handler*>(stored)->~Handler(); }};

    void take(resumption& other) noexcept {
      functions_ = std::exchange(other.functions_, nullptr);
      if (functions_)
        functions_->move(other.storage_, storage_);
    }
    void reset() noexcept {
      if (functions_)
        std::exchange(functions_, nullptr)->destroy(storage_);
    }

    functions const* functions_ = nullptr;
    alignas(std::max_align_t) std::byte storage_[4 * sizeof(void*)];
  };

  class initiation {
  public:
    initiation(polled_socket& socket, direction what) noexcept : socket_(&socket), what_(what) {}
    template <class Handler>
    void operator()(Handler handler) const {
      auto slot = boost::asio::get_associated_cancellation_slot(handler);
      if (slot.is_connected())
        slot.assign([socket = socket_](boost::asio::cancellation_type) { socket->cancel(); });
      socket_->begin_wait(what_, resumption(std::move(handler)));
    }

  private:
    polled_socket* socket_;
    direction what_;
  };

  void begin_wait(direction what, resumption resume);
  bool awaited_is_ready() const noexcept;

  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  std::shared_ptr<socket_poller> poller_;
  resumption resume_; // while it waits
  std::size_t place_ = nowhere;
  int descriptor_ = -1;
  ::pid_t process_ = 0;    // that opened it
  std::uint32_t slot_ = 0; // of the poller, while it is open
  direction awaited_ = direction::read;
  // What has been reported and not been used up. The end is reported once.
  bool readable_ = false;
  bool writable_ = false;
  bool ended_ = false;
  bool queued_ = false;
};

} // namespace claudio
