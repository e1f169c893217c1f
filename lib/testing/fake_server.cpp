#include "async/descriptors.hpp"
#include "core/process_id.hpp"
#include "testing/connection.hpp"
#include "testing/responder.hpp"
#include "testing/script.hpp"
#include "testing/server_identity.hpp"

#include <claudio/testing/fake_server.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace claudio::testing {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds pause_after_failure{20};
constexpr std::uint64_t body_limit = 256ull * 1024 * 1024;
constexpr std::string_view not_tls = "this is not TLS, and not HTTP either\r\n\r\n";

} // namespace

class fake_server::impl : public std::enable_shared_from_this<fake_server::impl> {
public:
  impl(asio::any_io_executor executor, fake_server_options given)
      : responder_(given), strand_(asio::make_strand(std::move(executor))), options_(std::move(given)),
        acceptor_(strand_), accept_again_(strand_) {
    listen();
    if (options_.tls)
      identity_ = std::make_unique<server_identity>(options_.certificate);
  }

  void start() { asio::co_spawn(strand_, accept(shared_from_this()), asio::detached); }

  // Runs the server on a thread of its own.
  static std::shared_ptr<impl> make_threaded(fake_server_options options) {
    auto context = std::make_unique<asio::io_context>(1);
    auto made = std::make_shared<impl>(context->get_executor(), std::move(options));
    made->start();
    made->context_ = std::move(context);
    made->thread_ = std::thread([&context = *made->context_] { context.run(); });
    return made;
  }

  void stop() {
    if (context_ && !thread_.joinable())
      return; // stopped before; a handler that nobody runs would keep us alive
    if (process_ != process_id()) {
      // A forked child has no such thread, and the server is the parent's.
      if (thread_.joinable())
        thread_.detach();
      return;
    }
    asio::post(strand_, [self = shared_from_this()] {
      self->stopped_ = true;
      error_code ignored;
      self->acceptor_.close(ignored);
      self->accept_again_.cancel();
      for (auto* open : self->open_)
        open->end();
    });
    if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id())
      thread_.join();
  }

  std::string api_base() const {
    bool const is_v6 = options_.address.find(':') != std::string::npos;
    std::string const host = is_v6 ? "[" + options_.address + "]" : options_.address;
    return (options_.tls ? "https://" : "http://") + host + ":" + std::to_string(port_) + "/v1";
  }

  std::string const& ca_pem() const noexcept {
    static std::string const none;
    return identity_ ? identity_->ca_pem() : none;
  }

  provider_options provider() const {
    provider_options options;
    options.api_key = secret(options_.api_key.empty() ? "sk-ant-fake-key-for-the-fake-server" : options_.api_key);
    options.api_base = api_base();
    if (identity_)
      options.ca_file = identity_->ca_file();
    return options;
  }

  std::uint16_t port_ = 0;

  // What other threads may touch.
  responder responder_;
  mutable std::mutex mutex_; // of the next two
  std::deque<connection_fault> connection_script_;
  unsigned connections_ = 0;
  std::atomic<std::uint64_t> stream_bytes_{0};
  ::pid_t const process_ = process_id();

private:
  void listen() {
    error_code failure;
    auto const address = asio::ip::make_address(options_.address, failure);
    if (failure)
      throw std::runtime_error("fake server: \"" + options_.address + "\" is not an IP address to listen on");
    tcp::endpoint const endpoint(address, options_.port);
    failure = listen_on(acceptor_, endpoint);
    if (failure)
      throw std::runtime_error("fake server: can't listen on " + options_.address + ":" +
                               std::to_string(options_.port) + ": " + failure.message());
    port_ = acceptor_.local_endpoint().port();
  }

  static asio::awaitable<void> accept(std::shared_ptr<impl> self) {
    while (!self->stopped_) {
      tcp::socket socket(self->strand_);
      auto accepting = accept_socket(self->acceptor_, socket);
      auto failure = co_await std::move(accepting);
      if (failure == asio::error::operation_aborted || failure == asio::error::bad_descriptor)
        co_return;
      if (failure) {
        // For want of descriptors or memory, it may be; at once it would fail again.
        self->accept_again_.expires_after(pause_after_failure);
        co_await self->accept_again_.async_wait(asio::redirect_error(asio::use_awaitable, failure));
        continue;
      }
      socket.set_option(tcp::no_delay(true), failure);
      auto serving = serve(self, std::move(socket));
      asio::co_spawn(self->strand_, std::move(serving), asio::detached);
    }
  }

  static asio::awaitable<void> serve(std::shared_ptr<impl> self, tcp::socket socket) {
    if (self->stopped_)
      co_return;
    auto const [number, fault] = self->register_connection();
    if (fault != connection_fault::none) {
      connection guard(self->strand_, self->open_, socket);
      auto failing = self->misbehave(fault, socket, guard);
      co_await std::move(failing);
      co_return;
    }
    if (!self->options_.tls) {
      connection guard(self->strand_, self->open_, socket);
      auto talking = self->talk(socket, guard, number);
      co_await std::move(talking);
      co_return;
    }
    asio::ssl::stream<tcp::socket> stream(std::move(socket), self->identity_->tls());
    connection guard(self->strand_, self->open_, stream.next_layer());
    error_code failure;
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return;
    auto talking = self->talk(stream, guard, number);
    co_await std::move(talking);
  }

  asio::awaitable<void> misbehave(connection_fault fault, tcp::socket& socket, connection& guard) {
    error_code ignored;
    if (fault == connection_fault::stall) {
      auto waiting = guard.fall_silent();
      co_await std::move(waiting);
    } else if (fault == connection_fault::garbage) {
      co_await asio::async_write(socket, asio::buffer(not_tls), asio::redirect_error(asio::use_awaitable, ignored));
      auto draining = drain(socket);
      co_await std::move(draining);
    } else {
      if (fault == connection_fault::reset_handshake)
        co_await socket.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, ignored));
      guard.reset();
    }
  }

  template <class Stream>
  asio::awaitable<void> talk(Stream& stream, connection& guard, unsigned connection_number) {
    beast::flat_buffer buffer;
    while (!guard.ended()) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(body_limit);
      error_code failure;
      co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, failure));
      if (failure)
        co_return;
      reply_writer written = responder_.respond(request_of(parser.get(), connection_number));
      auto sending = send(stream, guard, written);
      co_await std::move(sending);
      if (guard.ended())
        co_return;
      switch (written.then()) {
      case reply_writer::ending::keep:
        break;
      case reply_writer::ending::close:
        co_return;
      case reply_writer::ending::reset:
        guard.reset();
        co_return;
      case reply_writer::ending::stall: {
        auto waiting = guard.fall_silent();
        co_await std::move(waiting);
        co_return;
      }
      }
      if (!parser.keep_alive())
        co_return;
    }
  }

  template <class Stream>
  asio::awaitable<void> send(Stream& stream, connection& guard, reply_writer& written) {
    std::optional<peer_watch> watch;
    if (written.streams())
      watch.emplace(guard);
    while (auto const piece = written.next()) {
      auto pausing = guard.pause(piece->pause);
      co_await std::move(pausing);
      if (guard.ended())
        co_return;
      error_code failure;
      co_await asio::async_write(stream, asio::buffer(piece->bytes),
                                 asio::redirect_error(asio::use_awaitable, failure));
      if (failure)
        guard.end();
      if (guard.ended())
        co_return;
      if (written.streams())
        stream_bytes_ += piece->bytes.size();
    }
  }

  // Reads to the end: closing a socket with unread bytes in it would reset it, and what was sent would be lost.
  static asio::awaitable<void> drain(tcp::socket& socket) {
    error_code failure;
    socket.shutdown(tcp::socket::shutdown_send, failure);
    std::array<char, 4096> bytes{};
    while (!failure)
      co_await socket.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
  }

  std::pair<unsigned, connection_fault> register_connection() {
    std::lock_guard const lock(mutex_);
    auto fault = connection_fault::none;
    if (!connection_script_.empty()) {
      fault = connection_script_.front();
      connection_script_.pop_front();
    }
    return {++connections_, fault};
  }

  static received_request request_of(http::request<http::string_body>& message, unsigned connection_number) {
    received_request request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    request.body = std::move(message.body());
    request.connection = connection_number;
    for (auto const& field : message.base()) {
      std::string name(field.name_string());
      for (char& c : name)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    return request;
  }

  std::unique_ptr<asio::io_context> context_; // before all that lives on it
  asio::strand<asio::any_io_executor> strand_;
  fake_server_options const options_;
  tcp::acceptor acceptor_;
  asio::steady_timer accept_again_;
  std::unique_ptr<server_identity> identity_; // nothing without TLS
  std::vector<connection*> open_;
  bool stopped_ = false;

  std::thread thread_;
};

fake_server::fake_server(fake_server_options options) : impl_(impl::make_threaded(std::move(options))) {}

fake_server::fake_server(asio::any_io_executor executor, fake_server_options options)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(options))) {
  impl_->start();
}

fake_server::~fake_server() {
  stop();
  // A forked child shares the sockets, and their epoll set, with the server of its parent.
  if (impl_->process_ != process_id())
    static_cast<void>(new std::shared_ptr(impl_));
}

std::string fake_server::api_base() const { return impl_->api_base(); }
std::uint16_t fake_server::port() const noexcept { return impl_->port_; }
std::string const& fake_server::ca_pem() const noexcept { return impl_->ca_pem(); }
provider_options fake_server::provider() const { return impl_->provider(); }

void fake_server::script(std::vector<reply> replies) { impl_->responder_.script(std::move(replies)); }

result<void> fake_server::script(std::string_view json) {
  auto parsed = parse_script(json);
  if (!parsed)
    return parsed.error();
  script(std::move(parsed->replies));
  script_connections(std::move(parsed->connections));
  return {};
}

void fake_server::clear_script() { impl_->responder_.clear_script(); }

void fake_server::on_request(std::function<reply(received_request const&)> decide) {
  impl_->responder_.on_request(std::move(decide));
}

void fake_server::script_connections(std::vector<connection_fault> faults) {
  std::lock_guard const lock(impl_->mutex_);
  impl_->connection_script_.insert(impl_->connection_script_.end(), faults.begin(), faults.end());
}

std::vector<received_request> fake_server::requests() const { return impl_->responder_.requests(); }

unsigned fake_server::connections() const {
  std::lock_guard const lock(impl_->mutex_);
  return impl_->connections_;
}

std::uint64_t fake_server::stream_bytes() const noexcept { return impl_->stream_bytes_; }

void fake_server::stop() { impl_->stop(); }

} // namespace claudio::testing
