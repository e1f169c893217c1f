#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace claudio::test {

/// A forward proxy on loopback, with a thread of its own: it leads to where it is asked to, and says what it is told
/// to.
class scripted_proxy {
public:
  enum class then { relay, close, hang, flood };

  /// What every request is answered with.
  class behaviour {
  public:
    behaviour() = default;
    behaviour(std::string said, then after) : text(std::move(said)), next(after) {}

    std::string text = "HTTP/1.1 200 Connection established\r\n\r\n";
    then next = then::relay;
    std::size_t pause_after = std::string::npos; ///< so many bytes of the text, so that they come by themselves
  };

  scripted_proxy();
  scripted_proxy(scripted_proxy const&) = delete;
  scripted_proxy& operator=(scripted_proxy const&) = delete;
  ~scripted_proxy();

  /// `http://[credentials@]127.0.0.1:PORT`
  std::string address(std::string_view credentials = {}) const;
  void behave(behaviour wanted);
  /// The heads of the requests so far, of plain ones too.
  std::vector<std::string> heads() const;
  void forget();

private:
  using socket = boost::asio::ip::tcp::socket;

  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(std::shared_ptr<socket> client);
  boost::asio::awaitable<void> pump(std::shared_ptr<socket> from, std::shared_ptr<socket> to, std::string origin);
  behaviour note(std::string head);

  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  mutable std::mutex mutex_;
  behaviour behaviour_;
  std::vector<std::string> heads_;
  std::thread thread_;
};

} // namespace claudio::test
