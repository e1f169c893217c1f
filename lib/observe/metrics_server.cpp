#include "async/descriptors.hpp"

#include <claudio/metrics_server.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <chrono>
#include <list>
#include <string_view>

namespace claudio {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_clients = 16;
constexpr std::uint32_t longest_head = 8 * 1024;
constexpr auto time_of_request = 10s;
constexpr auto lag_interval = 100ms;
constexpr auto pause_after_failure = 100ms;

using response = http::response<http::string_body>;

response make_response(http::status status, std::string body, std::string_view type = "text/plain; charset=utf-8") {
  response made(status, 11);
  made.set(http::field::content_type, boost::beast::string_view(type.data(), type.size()));
  made.keep_alive(false);
  made.body() = std::move(body);
  made.prepare_payload();
  return made;
}

asio::awaitable<result<void>> run_empty() {
  co_return error(errc::configuration, "an empty claudio::metrics_server; get one from metrics_server::listen()");
}

} // namespace

class metrics_server::state : public std::enable_shared_from_this<state> {
public:
  state(asio::any_io_executor executor, std::shared_ptr<metrics> measured)
      : acceptor(std::move(executor)), timer(acceptor.get_executor()), measured_(std::move(measured)) {}

  static asio::awaitable<result<void>> run(std::shared_ptr<state> self) {
    self->stopped_ = false;
    asio::co_spawn(self->acceptor.get_executor(), measure_lag(self), asio::detached);
    error outcome(errc::cancelled, "the caller cancelled");
    try {
      while (true) {
        tcp::socket socket(self->acceptor.get_executor());
        auto accepting = accept_socket(self->acceptor, socket);
        auto const failure = co_await std::move(accepting);
        if (failure == asio::error::operation_aborted)
          break;
        if (failure && !self->acceptor.is_open()) {
          outcome = error(errc::connect, "accepting connections: " + failure.message());
          break;
        }
        if (failure) {
          // Of descriptors or memory, it may be.
          asio::steady_timer pause(self->acceptor.get_executor(), pause_after_failure);
          co_await pause.async_wait(asio::use_awaitable);
        } else if (self->streams_.size() < most_clients) {
          auto client = std::make_unique<listed_stream>(self, std::move(socket));
          asio::co_spawn(self->acceptor.get_executor(), serve(std::move(client)), asio::detached);
        }
      }
    } catch (boost::system::system_error const& thrown) {
      if (thrown.code() != asio::error::operation_aborted)
        throw;
    }
    self->stop();
    co_return outcome;
  }

  tcp::acceptor acceptor;
  asio::steady_timer timer;
  std::atomic<bool> ready{true};
  std::uint16_t port = 0;

private:
  // Listed as long as it exists, so that the end of `run()` is that of its connections.
  class listed_stream {
  public:
    listed_stream(std::shared_ptr<state> of, tcp::socket socket)
        : stream(std::move(socket)), owner(std::move(of)),
          position_(owner->streams_.insert(owner->streams_.end(), &stream)) {}
    listed_stream(listed_stream const&) = delete;
    listed_stream& operator=(listed_stream const&) = delete;
    ~listed_stream() { owner->streams_.erase(position_); }

    beast::tcp_stream stream;
    std::shared_ptr<state> const owner;

  private:
    std::list<beast::tcp_stream*>::iterator position_;
  };

  static asio::awaitable<void> serve(std::unique_ptr<listed_stream> client) {
    beast::flat_buffer buffer(longest_head);
    http::request_parser<http::empty_body> parser;
    parser.header_limit(longest_head);
    error_code failure;
    client->stream.expires_after(time_of_request);
    co_await http::async_read_header(client->stream, buffer, parser,
                                     asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return;
    auto answer = client->owner->answer(parser.get());
    if (parser.get().method() == http::verb::head)
      answer.body().clear();
    client->stream.expires_after(time_of_request);
    co_await http::async_write(client->stream, answer, asio::redirect_error(asio::use_awaitable, failure));
    error_code ignored;
    client->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  response answer(http::request<http::empty_body> const& request) const {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      auto refused = make_response(http::status::method_not_allowed, "GET or HEAD\n");
      refused.set(http::field::allow, "GET, HEAD");
      return refused;
    }
    auto const target = request.target();
    auto const path = target.substr(0, target.find('?'));
    if (path == "/metrics")
      return make_response(http::status::ok, measured_->text(), "text/plain; version=0.0.4; charset=utf-8");
    if (path == "/livez")
      return make_response(http::status::ok, "ok\n");
    if (path == "/readyz")
      return ready ? make_response(http::status::ok, "ok\n")
                   : make_response(http::status::service_unavailable, "not ready\n");
    return make_response(http::status::not_found, "/metrics, /livez or /readyz\n");
  }

  static asio::awaitable<void> measure_lag(std::shared_ptr<state> self) {
    while (!self->stopped_) {
      self->timer.expires_after(lag_interval);
      error_code failure;
      co_await self->timer.async_wait(asio::redirect_error(asio::use_awaitable, failure));
      if (!failure)
        self->measured_->note_event_loop_lag(asio::steady_timer::clock_type::now() - self->timer.expiry());
    }
  }

  void stop() {
    stopped_ = true;
    error_code ignored;
    acceptor.close(ignored);
    timer.cancel();
    for (auto* const stream : streams_)
      stream->close();
  }

  std::shared_ptr<metrics> const measured_;
  std::list<beast::tcp_stream*> streams_;
  bool stopped_ = false;
};

result<metrics_server> metrics_server::listen(asio::any_io_executor executor, std::string const& address,
                                              std::uint16_t port, std::shared_ptr<metrics> measured) {
  error_code failure;
  auto const parsed = asio::ip::make_address(address, failure);
  if (failure)
    return error(errc::configuration, "address: expected an IP address of this machine, got \"" + address + "\"");
  auto made = std::make_shared<state>(std::move(executor), std::move(measured));
  tcp::endpoint const endpoint(parsed, port);
  failure = listen_on(made->acceptor, endpoint);
  if (failure)
    return error(errc::connect,
                 "listening for metrics on " + address + ":" + std::to_string(port) + ": " + failure.message());
  made->port = made->acceptor.local_endpoint(failure).port();
  return metrics_server(std::move(made));
}

asio::awaitable<result<void>> metrics_server::run() const { return state_ ? state::run(state_) : run_empty(); }

std::uint16_t metrics_server::port() const noexcept { return state_ ? state_->port : 0; }

void metrics_server::set_ready(bool ready) const noexcept {
  if (state_)
    state_->ready = ready;
}

} // namespace claudio
