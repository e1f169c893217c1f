#include "support/tcp_proxy.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <future>

namespace claudio::test {
namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

tcp_proxy::tcp_proxy(unsigned short server_port)
    : acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      server_(asio::ip::address_v4::loopback(), server_port) {
  asio::co_spawn(context_, accept(), asio::detached);
  thread_ = std::thread([this] { context_.run(); });
}

tcp_proxy::~tcp_proxy() {
  context_.stop();
  thread_.join();
}

unsigned short tcp_proxy::port() const { return acceptor_.local_endpoint().port(); }

void tcp_proxy::cut() {
  std::promise<void> done;
  asio::post(context_, [&] {
    for (auto const& known : sockets_)
      if (auto const open = known.lock()) {
        error_code ignored;
        open->close(ignored);
      }
    sockets_.clear();
    done.set_value();
  });
  done.get_future().wait();
}

asio::awaitable<void> tcp_proxy::accept() {
  while (true) {
    error_code failure;
    auto const client = std::make_shared<socket>(context_);
    co_await acceptor_.async_accept(*client, asio::redirect_error(asio::use_awaitable, failure));
    if (!failure)
      asio::co_spawn(context_, serve(client), asio::detached);
  }
}

asio::awaitable<void> tcp_proxy::serve(std::shared_ptr<socket> client) {
  auto const server = std::make_shared<socket>(context_);
  error_code failure;
  co_await server->async_connect(server_, asio::redirect_error(asio::use_awaitable, failure));
  if (failure)
    co_return;
  client->set_option(tcp::no_delay(true));
  server->set_option(tcp::no_delay(true));
  sockets_.push_back(client);
  sockets_.push_back(server);
  asio::co_spawn(context_, pump(client, server, direction::to_server), asio::detached);
  asio::co_spawn(context_, pump(server, client, direction::to_client), asio::detached);
}

asio::awaitable<void> tcp_proxy::pump(std::shared_ptr<socket> from, std::shared_ptr<socket> to, direction which) {
  auto& left = left_[index(which)];
  std::vector<char> bytes(16384);
  while (true) {
    error_code failure;
    auto const got =
        co_await from->async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      break;
    if (swallows_)
      continue;
    bool const is_cut = got > left;
    auto const passing = std::min(got, left.load());
    co_await asio::async_write(*to, asio::buffer(bytes.data(), passing),
                               asio::redirect_error(asio::use_awaitable, failure));
    passed_[index(which)] += passing;
    if (left != unlimited)
      left -= passing;
    if (is_cut)
      left = unlimited;
    if (is_cut || failure)
      break;
  }
  error_code ignored;
  from->close(ignored);
  to->close(ignored);
}

} // namespace claudio::test
