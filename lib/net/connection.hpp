#pragma once

#include "net/connector.hpp"
#include "net/deadline_sweep.hpp"
#include "net/request_pieces.hpp"
#include "net/socket_poller.hpp"
#include "net/tls_engine.hpp"

#include <claudio/secret.hpp>

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
  ~connection() { wipe(unsent_); }

  /// Closes the socket at once. What runs, and what comes, is `cancelled`.
  void abort() noexcept;

  /// When the operations from now on have to be over; `time_point::max()` for none.
  void deadline(deadline_sweep::clock::time_point time) { arm(time); }

  /// Connects to that of `endpoints` which answers first.
  boost::asio::awaitable<io_status> connect(connector::endpoints const& endpoints);
  /// How many of them that took.
  std::size_t addresses_tried() const noexcept { return addresses_tried_; }
  /// Prepares TLS with `host`; nothing to do without TLS. Errors: `errc::configuration` for a host that can't be used.
  result<void> begin_tls(std::string const& host);
  boost::asio::awaitable<io_status> shake_hands();

  /// Sends a request, by one TLS record and one system call when it is short and the kernel takes it. What is left in
  /// `request`, and what is behind `has_unsent()`, is for `write()`.
  io_status begin_write(request_pieces& request);
  bool has_unsent() const noexcept { return !unsent_.empty(); }
  /// Sends all of it.
  boost::asio::awaitable<io_status> write(request_pieces request);

  /// Whether `receive()` has nothing to read yet. What `read_arrived()` can give has to be read before.
  /// True once in a while even so, that a peer which sends without end lets others, and the deadlines, have their turn.
  bool must_wait() const noexcept {
    return !expired_ && !aborted_ && !reads_without_socket() &&
           (!socket_.readable() || reads_in_a_row_ >= most_reads_in_a_row);
  }
  /// Waits until `receive()` is worth a try, in the caller's own frame; `waited()` says what it came to.
  auto async_wait_readable() {
    reads_in_a_row_ = 0;
    return socket_.async_wait(polled_socket::direction::read, boost::asio::deferred);
  }
  io_status waited(polled_socket::outcome outcome) const noexcept;
  /// Both, if need be.
  boost::asio::awaitable<io_status> wait_readable();

  /// Reads what the socket has, by one system call: `done` with `got` 0 when that was nothing, or TLS's own.
  io_status receive(std::span<char> into, std::size_t& got);
  /// Reads what has come out of the socket before: `done` with `got` 0 when there is nothing.
  io_status read_arrived(std::span<char> into, std::size_t& got);

  /// Whether the peer, of whom nothing is expected, has neither closed nor said anything, as of a millisecond ago at
  /// the most. TLS's own messages, like tickets and key updates, are no say.
  bool quiet();

  boost::system::error_code socket_failure() const noexcept { return socket_failure_; }
  std::string tls_failure() const { return engine_ ? engine_->failure() : std::string(); }
  /// Whether TLS resumed an earlier session.
  bool resumed() const noexcept { return engine_ && engine_->resumed(); }

private:
  static constexpr unsigned most_reads_in_a_row = 16;

  boost::asio::awaitable<io_status> send_unsent();
  io_status concluded(boost::system::error_code failure);
  io_status concluded(tls_status status) const noexcept;

  io_status continue_handshake(bool& finished);
  io_status step_of_handshake(bool& finished);
  io_status write_some(std::string_view bytes);
  io_status send_encrypted(std::string& encrypted);
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
  std::string unsent_;  // what the kernel had no room for
  std::string carried_; // ciphertext that the last reader had no room for
  boost::system::error_code socket_failure_;
  std::size_t addresses_tried_ = 0;
  unsigned reads_in_a_row_ = 0; // of the socket, without a wait
  bool expired_ = false;
  bool aborted_ = false;
};

} // namespace claudio
