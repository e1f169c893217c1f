#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace claudio::testing {

/// One connection of a server: what it may wait for, and how it is ended from outside. All on the server's strand.
class connection {
public:
  using strand_type = boost::asio::strand<boost::asio::any_io_executor>;

  /// Is a member of `open` as long as it lives.
  connection(strand_type strand, std::vector<connection*>& open, boost::asio::ip::tcp::socket& socket);
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;
  ~connection();

  /// Closes the socket and wakes who waits here.
  void end();
  bool ended() const noexcept { return ended_; }
  /// The same, by RST instead of FIN.
  void reset();

  /// Waits so long, or until the end.
  boost::asio::awaitable<void> pause(std::chrono::milliseconds time);
  /// Waits for the end, or until the peer goes away.
  boost::asio::awaitable<void> fall_silent();

private:
  friend class peer_watch;

  std::vector<connection*>& open_;
  boost::asio::ip::tcp::socket& socket_;
  boost::asio::steady_timer timer_;
  bool ended_ = false;
};

/// While it lives, the connection ends as soon as its peer goes away; for the time in which nobody reads.
class peer_watch {
public:
  explicit peer_watch(connection& watched);
  peer_watch(peer_watch const&) = delete;
  peer_watch& operator=(peer_watch const&) = delete;
  ~peer_watch();

private:
  class state;
  static boost::asio::awaitable<void> run(std::shared_ptr<state> self);

  std::shared_ptr<state> state_;
};

} // namespace claudio::testing
