#pragma once

#include "async/deadline_sweep.hpp"
#include "net/connector.hpp"
#include "net/request_pieces.hpp"
#include "net/socket_poller.hpp"
#include "net/tls_engine.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace claudio {

/// What an operation of a connection came to. After anything but `done` the connection is of no more use, except that
/// after a failed write what the peer has said before can still be read.
enum class io_status {
  done,
  timed_out,
  cancelled,
  closed,       ///< by the peer, who had said all (close_notify; the end of the bytes where there is no TLS)
  truncated,    ///< by the peer, without TLS's close_notify
  tls_failed,   ///< see `tls_failure()`
  socket_failed ///< see `socket_failure()`
};

/// A byte stream over TCP, with or without TLS. It holds no buffers while it waits, but for what the kernel does not
/// take or the caller does not read at once.
///
/// One operation at a time, on the executor of its poller; the object outlives it. Operations are bounded by the
/// deadline that is set, and cancelled by their coroutine's cancellation slot.
class connection final : private deadline_sweep::entry {
public:
  /// Not open yet. `tls` is null for plain TCP.
  connection(std::shared_ptr<tls_context> tls, std::shared_ptr<deadline_sweep> sweep,
             std::shared_ptr<socket_poller> poller);
  ~connection() override;

  /// Closes the socket at once. What runs, and what comes, is `cancelled`.
  void abort() noexcept;

  /// When the operations from now on have to be over; `time_point::max()` for none.
  void deadline(deadline_sweep::clock::time_point time) { arm(time); }

  /// Connects to that of `endpoints` which answers first.
  boost::asio::awaitable<io_status> connect(connector::endpoints const& endpoints);
  /// How many of them that took.
  std::size_t addresses_tried() const noexcept { return addresses_tried_; }
  /// The one that is connected.
  boost::asio::ip::tcp::endpoint const& address() const noexcept { return address_; }
  /// Prepares TLS with `host`; nothing to do without TLS. Errors: `errc::configuration` for a host that can't be used.
  result<void> begin_tls(std::string const& host);
  boost::asio::awaitable<io_status> shake_hands();

  /// Sends a request, by one TLS record and one system call when it is short and the kernel takes it. What is left in
  /// `request`, and what is behind `has_unsent()`, is for `continue_write()`.
  io_status begin_write(request_pieces& request);
  /// Sends as much of it as can be sent now. While something is left, the caller waits until that is worth another try,
  /// and reads what has come: TLS may have to read before it can write, and the peer may answer early.
  io_status continue_write(request_pieces& request);
  bool has_unsent() const noexcept { return !unsent_.empty() || !unencrypted_.empty(); }
  /// Sends all of it, without reading. For what is sent before TLS.
  boost::asio::awaitable<io_status> write(request_pieces request);
  /// Waits until `continue_write()` or `receive()` is worth a try, in the caller's own frame.
  auto async_wait_writable_or_readable() {
    auto const what = unencrypted_.empty() ? polled_socket::direction::either : polled_socket::direction::read;
    return socket_.async_wait(begin_wait(what), boost::asio::deferred);
  }

  /// Whether `receive()` has nothing to read yet. What `read_arrived()` can give has to be read before.
  /// True once in a while even so, so that a peer that sends without end does not keep the executor from other work.
  bool must_wait() const noexcept {
    return !expired_ && !aborted_ && (turn_is_over() || !(reads_without_socket() || socket_.readable()));
  }
  /// Waits until `receive()` is worth a try, in the caller's own frame; `waited()` says what it came to.
  auto async_wait_readable() {
    return socket_.async_wait(begin_wait(polled_socket::direction::read), boost::asio::deferred);
  }
  io_status waited(polled_socket::outcome outcome) const noexcept;
  /// Both, if need be.
  boost::asio::awaitable<io_status> wait_readable();

  /// Whether `receive()` is worth a try now: looks at the socket, and waits for nothing.
  bool has_arrived();
  /// Reads what the socket has, by one system call: `done` with `got` 0 when that was nothing, or TLS's own.
  io_status receive(std::span<char> into, std::size_t& got);
  /// Reads what has come out of the socket before: `done` with `got` 0 when there is nothing.
  io_status read_arrived(std::span<char> into, std::size_t& got);

  /// Whether the peer, of whom nothing is expected, has neither closed nor said anything, as of a millisecond ago at
  /// the most. TLS's own messages, like tickets and key updates, are no say.
  bool quiet();

  /// The kernel's estimate of the time to the peer and back; 0 when it has none.
  std::chrono::nanoseconds round_trip() const noexcept { return socket_.round_trip(); }
  /// Whether `receive()` would find something now.
  bool can_read() const noexcept { return reads_without_socket() || socket_.readable(); }

  boost::system::error_code socket_failure() const noexcept { return socket_failure_; }
  std::string tls_failure() const { return engine_ ? engine_->failure() : std::string(); }
  /// Whether TLS resumed an earlier session.
  bool resumed() const noexcept { return engine_ && engine_->resumed(); }

private:
  // The work of one turn of the executor: system calls, and records of TLS.
  static constexpr unsigned most_transfers_in_a_turn = 16;
  static constexpr int most_records_in_a_turn = 512;
  // Answers to TLS messages that a peer provokes and does not read.
  static constexpr std::size_t most_unread_answers = 64 * 1024;

  bool turn_is_over() const noexcept {
    return transfers_in_a_turn_ >= most_transfers_in_a_turn || (engine_ && engine_->exhausted());
  }
  void begin_turn() noexcept;
  // What a wait is for: when there is something to do already, for the executor's next turn.
  polled_socket::direction begin_wait(polled_socket::direction what) noexcept {
    begin_turn();
    return reads_without_socket() ? polled_socket::direction::next_turn : what;
  }

  boost::asio::awaitable<io_status> send_unsent();
  io_status concluded(boost::system::error_code failure);
  io_status concluded(tls_status status) const noexcept;

  io_status continue_handshake(bool& finished);
  io_status step_of_handshake(bool& finished);
  io_status write_some(std::string_view bytes);
  io_status encrypt(std::string_view& bytes);
  io_status flush();
  io_status send_encrypted(std::string& encrypted);
  io_status send_answers(std::string& encrypted);
  std::size_t send(std::string_view bytes);
  bool reads_without_socket() const noexcept;
  bool receive_encrypted();
  io_status decrypt(std::span<char> into, std::size_t& got);
  void keep_unread();

  void expired() noexcept override;

  std::shared_ptr<tls_context> tls_;
  std::shared_ptr<connector> connecting_;
  polled_socket socket_; // once it is connected
  std::unique_ptr<tls_engine> engine_;
  std::string unsent_;      // what the kernel had no room for
  std::string unencrypted_; // what TLS could not take before it has read more
  std::string carried_;     // ciphertext that the last reader had no room for
  boost::system::error_code socket_failure_;
  std::size_t addresses_tried_ = 0;
  std::size_t unread_answers_ = 0; // bytes, since all was sent
  unsigned transfers_in_a_turn_ = 0;
  boost::asio::ip::tcp::endpoint address_;
  bool expired_ = false;
  bool aborted_ = false;
};

} // namespace claudio
