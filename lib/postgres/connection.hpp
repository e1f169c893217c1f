#pragma once

#include "core/process_id.hpp"
#include "postgres/address.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

/// A client for PostgreSQL: libpq without blocking, on Asio's descriptors.
namespace claudio {

/// A statement with parameters `$1` and so on, which a connection prepares once. Both texts live for ever.
struct postgres_statement {
  char const* name;
  char const* sql;
};

/// What a query gave, as text. Rows and columns count from 0.
class postgres_rows {
public:
  postgres_rows() = default;
  explicit postgres_rows(pg_result* answer);

  std::size_t size() const;
  /// Empty for NULL.
  std::string_view text(std::size_t row, int column) const;

private:
  std::shared_ptr<pg_result> answer_;
};

/// Whether an error says that there is no connection any more or none can be had, so that another one may do.
bool is_lost_connection(error const& failure) noexcept;

/// A connection, for one operation at a time on one serial executor: that of the coroutine that connected.
///
/// Errors of all operations: `errc::storage`, with the SQLSTATE in `error_code()` (08006 for a connection that broke or
/// did not answer in time). Cancellation: terminal; what the server does then goes on, see `ask_to_cancel`.
class postgres_connection : public std::enable_shared_from_this<postgres_connection> {
public:
  using clock = std::chrono::steady_clock;
  using pointer = std::shared_ptr<postgres_connection>;

  postgres_connection(postgres_connection const&) = delete;
  postgres_connection& operator=(postgres_connection const&) = delete;
  ~postgres_connection();

  /// Connects to a server of an address, whose numeric address is known. Errors: also `errc::configuration` for
  /// parameters that libpq does not take.
  static boost::asio::awaitable<result<pointer>> connect(std::shared_ptr<postgres_address const> address,
                                                         postgres_address::server where, clock::time_point limit);

  static boost::asio::awaitable<result<postgres_rows>>
  query(pointer self, postgres_statement statement, std::vector<std::string> parameters, clock::time_point limit);
  /// Runs a text of several statements without parameters.
  static boost::asio::awaitable<result<void>> execute(pointer self, std::string statements, clock::time_point limit);

  /// Waits for a notification of a channel that is listened to. False: none came until then.
  static boost::asio::awaitable<result<bool>> wait_for_notification(pointer self, clock::time_point limit);

  /// Whether the next operation can begin: none was left before its end, and no transaction is open.
  bool is_idle() const;
  bool is_connected() const;
  /// Whether a process number of the one means something to the other.
  bool is_same_server(postgres_connection const& other) const;
  /// Whether all that is left of its work is to end a transaction.
  bool is_between_operations() const noexcept { return !in_operation_; }
  /// Asks the server, by this connection, to end what another one does.
  static boost::asio::awaitable<void> ask_to_cancel(pointer self, pointer other, clock::time_point limit);
  /// Brings an operation to its end that was left, and a transaction.
  static boost::asio::awaitable<void> settle(pointer self, clock::time_point limit);

  std::string name() const { return address_->name(); }

private:
  class time_limit;
  class close {
  public:
    ::pid_t process = process_id();
    void operator()(pg_conn* opened) const noexcept;
  };

  postgres_connection(boost::asio::any_io_executor const& executor, std::shared_ptr<postgres_address const> address);

  static boost::asio::awaitable<result<void>> handshake(pointer self, clock::time_point limit);
  static boost::asio::awaitable<bool> ready(pointer self, boost::asio::posix::descriptor_base::wait_type what);
  static boost::asio::awaitable<result<postgres_rows>> finish(pointer self);

  bool take_socket();
  error lost(std::string const& why) const;
  error failure_now() const;
  error refusal_now() const;
  error failure_of(pg_result const* answer) const;

  std::shared_ptr<postgres_address const> address_;
  std::unique_ptr<pg_conn, close> connection_;
  boost::asio::posix::stream_descriptor socket_; // of a file of its own: libpq closes its when it likes
  boost::asio::steady_timer timer_;
  std::set<std::string, std::less<>> prepared_;
  char const* preparing_ = nullptr; // the statement that the operation prepares
  std::uint64_t operations_ = 0;
  bool timed_out_ = false;
  bool in_operation_ = false;
};

} // namespace claudio
