#include "async/descriptors.hpp"
#include "core/process_id.hpp"
#include "testing/certificates.hpp"
#include "testing/connection.hpp"
#include "testing/limit_reply.hpp"
#include "testing/messages_api.hpp"
#include "testing/reply_writer.hpp"
#include "testing/script.hpp"

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
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unistd.h>

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

// A file that goes with its object.
class temporary_file {
public:
  explicit temporary_file(std::string const& content)
      : path_((std::filesystem::temp_directory_path() / "claudio-ca-").string() + std::string(6, 'X')) { // mkstemp's
    int const descriptor = ::mkostemp(path_.data(), O_CLOEXEC);
    if (descriptor < 0)
      throw std::runtime_error("fake server: can't make a temporary file " + path_);
    bool const written = ::write(descriptor, content.data(), content.size()) == static_cast<ssize_t>(content.size());
    ::close(descriptor);
    if (!written)
      throw std::runtime_error("fake server: can't write " + path_);
  }
  temporary_file(temporary_file const&) = delete;
  temporary_file& operator=(temporary_file const&) = delete;
  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  std::string const& path() const noexcept { return path_; }

private:
  std::string path_;
};

} // namespace

class fake_server::impl : public std::enable_shared_from_this<fake_server::impl> {
public:
  impl(asio::any_io_executor executor, fake_server_options given)
      : strand_(asio::make_strand(std::move(executor))), options_(std::move(given)), limits_(options_.limits),
        acceptor_(strand_), accept_again_(strand_), tls_(asio::ssl::context::tls_server) {
    listen();
    if (options_.tls)
      set_up_tls();
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

  provider_options provider() const {
    provider_options options;
    options.api_key = secret(options_.api_key.empty() ? "sk-ant-fake-key-for-the-fake-server" : options_.api_key);
    options.api_base = api_base();
    if (ca_file_)
      options.ca_file = ca_file_->path();
    return options;
  }

  std::uint16_t port_ = 0;
  std::string ca_pem_;

  // What other threads may touch.
  mutable std::mutex mutex_;
  std::deque<reply> script_;
  std::deque<connection_fault> connection_script_;
  std::function<reply(received_request const&)> decide_;
  std::vector<received_request> received_;
  unsigned connections_ = 0;
  std::uint64_t request_count_ = 0;
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

  void set_up_tls() {
    certificate_authority authority;
    auto const issued = issue_certificate(authority);
    ca_pem_ = authority.pem();
    ca_file_ = std::make_unique<temporary_file>(ca_pem_);
    tls_.use_certificate_chain(asio::buffer(issued.certificate_pem));
    tls_.use_private_key(asio::buffer(issued.key_pem), asio::ssl::context::pem);
    SSL_CTX_set_mode(tls_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  }

  credentials issue_certificate(certificate_authority& authority) const {
    std::string const here = "DNS:localhost,IP:127.0.0.1,IP:::1";
    switch (options_.certificate) {
    case certificate_kind::expired:
      return authority.issue(here, -1);
    case certificate_kind::other_host:
      return authority.issue("DNS:other.example");
    case certificate_kind::self_signed:
      return certificate_authority::self_signed(here);
    case certificate_kind::valid:
      break;
    }
    return authority.issue(here);
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
    asio::ssl::stream<tcp::socket> stream(std::move(socket), self->tls_);
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
      reply_writer written = respond(parser.get(), connection_number);
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

  reply_writer respond(http::request<http::string_body>& message, unsigned connection_number) {
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
    std::uint64_t number = 0;
    std::optional<reply> scripted;
    std::function<reply(received_request const&)> decide;
    {
      std::lock_guard const lock(mutex_);
      number = ++request_count_;
      if (received_.size() < options_.keep_requests)
        received_.push_back(request);
      if (!script_.empty()) {
        scripted = std::move(script_.front());
        script_.pop_front();
      }
      decide = decide_;
    }
    auto const date = std::chrono::system_clock::now();
    if (!scripted)
      scripted = decide ? decide(request) : judge_and_limit(request, number, date);
    return reply_writer(*scripted, request, number, std::chrono::floor<std::chrono::seconds>(date));
  }

  reply judge_and_limit(received_request const& request, std::uint64_t number,
                        std::chrono::system_clock::time_point date) {
    auto made = judge(request, options_.api_key);
    if (limits_.any())
      made = limit_reply(limits_, std::move(made), request, number, std::chrono::steady_clock::now(), date);
    made.delay(options_.latency).pace(options_.pace);
    return made;
  }

  std::unique_ptr<asio::io_context> context_; // before all that lives on it
  asio::strand<asio::any_io_executor> strand_;
  fake_server_options const options_;
  enforced_limits limits_;
  tcp::acceptor acceptor_;
  asio::steady_timer accept_again_;
  asio::ssl::context tls_;
  std::unique_ptr<temporary_file> ca_file_;
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
std::string const& fake_server::ca_pem() const noexcept { return impl_->ca_pem_; }
provider_options fake_server::provider() const { return impl_->provider(); }

void fake_server::script(std::vector<reply> replies) {
  std::lock_guard const lock(impl_->mutex_);
  std::move(replies.begin(), replies.end(), std::back_inserter(impl_->script_));
}

result<void> fake_server::script(std::string_view json) {
  auto parsed = parse_script(json);
  if (!parsed)
    return parsed.error();
  script(std::move(parsed->replies));
  script_connections(std::move(parsed->connections));
  return {};
}

void fake_server::clear_script() {
  std::lock_guard const lock(impl_->mutex_);
  impl_->script_.clear();
}

void fake_server::on_request(std::function<reply(received_request const&)> decide) {
  std::lock_guard const lock(impl_->mutex_);
  impl_->decide_ = std::move(decide);
}

void fake_server::script_connections(std::vector<connection_fault> faults) {
  std::lock_guard const lock(impl_->mutex_);
  impl_->connection_script_.insert(impl_->connection_script_.end(), faults.begin(), faults.end());
}

std::vector<received_request> fake_server::requests() const {
  std::lock_guard const lock(impl_->mutex_);
  return impl_->received_;
}

unsigned fake_server::connections() const {
  std::lock_guard const lock(impl_->mutex_);
  return impl_->connections_;
}

std::uint64_t fake_server::stream_bytes() const noexcept { return impl_->stream_bytes_; }

void fake_server::stop() { impl_->stop(); }

} // namespace claudio::testing
