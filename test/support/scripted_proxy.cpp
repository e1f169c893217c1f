#include "support/scripted_proxy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace claudio::test {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// `POST http://HOST:PORT/…` or `CONNECT HOST:PORT …`
std::string authority_of(std::string const& head) {
  auto const begin = head.find(' ') + 1;
  auto authority = head.substr(begin, head.find(' ', begin) - begin);
  if (authority.starts_with("http://")) {
    authority.erase(0, 7);
    authority.erase(authority.find('/'));
  }
  return authority;
}

tcp::endpoint endpoint_of(std::string const& authority) {
  auto const colon = authority.rfind(':');
  return {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(authority.substr(colon + 1)))};
}

asio::awaitable<void> write(tcp::socket& to, std::string_view text) {
  error_code failure;
  co_await asio::async_write(to, asio::buffer(text), asio::redirect_error(asio::use_awaitable, failure));
}

// Until the peer goes.
asio::awaitable<void> swallow(tcp::socket& from) {
  error_code failure;
  char bytes[1024];
  while (!failure)
    co_await from.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
}

asio::awaitable<void> flood(tcp::socket& to) {
  error_code failure;
  std::string const line = "x-endless: " + std::string(1000, 'x') + "\r\n";
  while (!failure)
    co_await asio::async_write(to, asio::buffer(line), asio::redirect_error(asio::use_awaitable, failure));
}

} // namespace

scripted_proxy::scripted_proxy() : acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  asio::co_spawn(context_, accept(), asio::detached);
  thread_ = std::thread([this] { context_.run(); });
}

scripted_proxy::~scripted_proxy() {
  context_.stop();
  thread_.join();
}

std::string scripted_proxy::address(std::string_view credentials) const {
  return "http://" + std::string(credentials) + (credentials.empty() ? "" : "@") +
         "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
}

void scripted_proxy::behave(behaviour wanted) {
  std::lock_guard const lock(mutex_);
  behaviour_ = std::move(wanted);
}

std::vector<std::string> scripted_proxy::heads() const {
  std::lock_guard const lock(mutex_);
  return heads_;
}

void scripted_proxy::forget() {
  std::lock_guard const lock(mutex_);
  heads_.clear();
}

scripted_proxy::behaviour scripted_proxy::note(std::string head) {
  std::lock_guard const lock(mutex_);
  heads_.push_back(std::move(head));
  return behaviour_;
}

asio::awaitable<void> scripted_proxy::accept() {
  while (true) {
    auto const client = std::make_shared<socket>(context_);
    error_code failure;
    co_await acceptor_.async_accept(*client, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return;
    asio::co_spawn(context_, serve(client), asio::detached);
  }
}

asio::awaitable<void> scripted_proxy::serve(std::shared_ptr<socket> client) {
  error_code failure;
  std::string received;
  auto buffer = asio::dynamic_buffer(received);
  std::size_t const size =
      co_await asio::async_read_until(*client, buffer, "\r\n\r\n", asio::redirect_error(asio::use_awaitable, failure));
  if (failure)
    co_return;
  auto const head = received.substr(0, size);
  auto const wanted = note(head);
  bool const is_tunnel = head.starts_with("CONNECT ");
  // A plain request is answered by the endpoint, unless it goes no further.
  if (is_tunnel || wanted.next != then::relay) {
    std::string_view const text = wanted.text;
    auto first = write(*client, text.substr(0, wanted.pause_after));
    co_await std::move(first);
    if (wanted.pause_after < text.size()) {
      asio::steady_timer pause(context_, std::chrono::milliseconds(1));
      co_await pause.async_wait(asio::use_awaitable);
      auto second = write(*client, text.substr(wanted.pause_after));
      co_await std::move(second);
    }
  }
  switch (wanted.next) {
  case then::close:
    break;
  case then::hang: {
    auto waiting = swallow(*client);
    co_await std::move(waiting);
    break;
  }
  case then::flood: {
    auto flooding = flood(*client);
    co_await std::move(flooding);
    break;
  }
  case then::relay: {
    auto const authority = authority_of(head);
    auto const there = std::make_shared<socket>(context_);
    auto const endpoint = endpoint_of(authority);
    co_await there->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return;
    std::string const origin = "http://" + authority;
    if (!is_tunnel) {
      received.erase(received.find(origin), origin.size());
      auto forwarding = write(*there, received);
      co_await std::move(forwarding);
    }
    asio::co_spawn(context_, pump(there, client, std::string()), asio::detached);
    auto pumping = pump(client, there, is_tunnel ? std::string() : origin);
    co_await std::move(pumping);
    break;
  }
  }
}

// Requests to `origin` get its name taken out.
asio::awaitable<void> scripted_proxy::pump(std::shared_ptr<socket> from, std::shared_ptr<socket> to,
                                           std::string origin) {
  error_code failure;
  std::string bytes(64 * 1024, '\0');
  while (!failure) {
    std::size_t const got =
        co_await from->async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
    std::string piece = bytes.substr(0, got);
    if (auto const at = piece.find(origin); !origin.empty() && at != std::string::npos) {
      note(piece.substr(0, piece.find("\r\n\r\n") + 4));
      piece.erase(at, origin.size());
    }
    auto writing = write(*to, piece);
    co_await std::move(writing);
  }
  error_code ignored;
  to->shutdown(tcp::socket::shutdown_both, ignored);
  from->shutdown(tcp::socket::shutdown_both, ignored);
}

} // namespace claudio::test
