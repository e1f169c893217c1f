#pragma once

#include "policy/connect_race.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace claudio {

/// Connects to that of several addresses which answers first, as `connect_race` has it. Used once, on one serial
/// executor. The attempts are plain handlers that wake the one coroutine; they share the object, which must be owned by
/// a `shared_ptr`.
class connector : public std::enable_shared_from_this<connector> {
public:
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

  connector(boost::asio::any_io_executor const& executor, endpoints const& addresses);

  /// However it ends, all sockets but the winner's are closed. `operation_aborted`: cancelled or stopped.
  boost::asio::awaitable<boost::system::error_code> connect();
  /// Closes everything and ends `connect()`.
  void stop() noexcept;
  /// After success: the descriptor of the connected socket, ready for use, and no longer Asio's, whose reactor would go
  /// on watching it.
  int release(boost::system::error_code& failure);

  std::size_t addresses_tried() const noexcept { return race_.begun(); }
  /// After success: the address that was connected to.
  boost::asio::ip::tcp::endpoint const& address() const noexcept { return address_; }

private:
  using tcp = boost::asio::ip::tcp;
  class closer;

  void begin_due();
  void note(std::size_t attempt, boost::system::error_code failure);
  void end() noexcept;
  void wake() noexcept;

  endpoints addresses_;
  connect_race race_;
  ::pid_t process_;
  boost::asio::steady_timer woken_;  // cancelled when something was noted
  std::vector<tcp::socket> sockets_; // one for each attempt
  std::optional<tcp::socket> winner_;
  tcp::endpoint address_; // the winner's
  boost::system::error_code outcome_;
  bool noted_ = false;
  bool ended_ = false;
};

} // namespace claudio
