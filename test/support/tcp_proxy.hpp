#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace claudio::test {

/// A bad network on loopback, with a thread of its own: it leads to a server of this machine, and loses what it is told
/// to lose.
class tcp_proxy {
public:
  enum class direction { to_server, to_client };

  explicit tcp_proxy(unsigned short server_port);
  tcp_proxy(tcp_proxy const&) = delete;
  tcp_proxy& operator=(tcp_proxy const&) = delete;
  ~tcp_proxy();

  unsigned short port() const;
  /// Takes all bytes and passes none on, without closing anything; or passes them again.
  void swallow(bool on) { swallows_ = on; }
  /// Closes the connection that passes so many bytes more in a direction, before the next one.
  void cut_after(direction which, std::size_t bytes) { left_[index(which)] = bytes; }
  /// Closes all connections.
  void cut();
  /// The bytes passed so far.
  std::size_t passed(direction which) const { return passed_[index(which)]; }

private:
  using socket = boost::asio::ip::tcp::socket;

  static std::size_t index(direction which) { return which == direction::to_server ? 0 : 1; }
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(std::shared_ptr<socket> client);
  boost::asio::awaitable<void> pump(std::shared_ptr<socket> from, std::shared_ptr<socket> to, direction which);

  static constexpr auto unlimited = std::numeric_limits<std::size_t>::max();

  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::endpoint server_;
  std::atomic<bool> swallows_{false};
  std::array<std::atomic<std::size_t>, 2> left_{unlimited, unlimited};
  std::array<std::atomic<std::size_t>, 2> passed_{0, 0};
  std::vector<std::weak_ptr<socket>> sockets_; // of the thread
  std::thread thread_;
};

} // namespace claudio::test
