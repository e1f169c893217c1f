#include "async/as_result.hpp"
#include "async/descriptors.hpp"
#include "core/process_id.hpp"

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
    auto outcome = cancelled_by_caller();
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
        } else {
          self->make_place();
          auto client = std::make_unique<listed_stream>(self, std::move(socket));
          asio::co_spawn(self->acceptor.get_executor(), serve(std::move(client)), asio::detached);
        }
      }
    } catch (boost::system::system_error const& thrown) {
      rethrow_unless_cancelled(thrown);
    }
    self->stop();
    co_return outcome;
  }

  ~state() { leave_to_parent_if_shared(acceptor); }

  // In a forked child the sockets are the parent's, and so may be the epoll set they are in.
  template <class Socket>
  void leave_to_parent_if_shared(Socket& socket) const noexcept {
    if (process_ != process_id() && socket.is_open())
      leave_to_parent(socket.native_handle());
  }

  tcp::acceptor acceptor;
  asio::steady_timer timer;
  std::atomic<bool> ready{true};
  std::uint16_t port = 0;

private:
  // Listed as long as it is served, so that the end of `run()` is that of its connections. It is silent until its
  // request has come.
  class listed_stream {
  public:
    listed_stream(std::shared_ptr<state> of, tcp::socket socket)
        : stream(std::move(socket)), owner(std::move(of)),
          position_(owner->silent_.insert(owner->silent_.end(), this)) {}
    listed_stream(listed_stream const&) = delete;
    listed_stream& operator=(listed_stream const&) = delete;
    ~listed_stream() {
      owner->leave_to_parent_if_shared(stream.socket());
      if (list_)
        list_->erase(position_);
    }

    /// Something of its request has come: others have been silent for longer.
    void note_bytes() {
      if (list_)
        list_->splice(list_->end(), *list_, position_);
    }
    void note_request() {
      if (!list_)
        return;
      owner->answered_.splice(owner->answered_.end(), *list_, position_);
      list_ = &owner->answered_;
    }
    void close() {
      list_->erase(position_);
      list_ = nullptr;
      owner->leave_to_parent_if_shared(stream.socket());
      stream.close();
    }

    beast::tcp_stream stream;
    std::shared_ptr<state> const owner;

  private:
    std::list<listed_stream*>* list_ = &owner->silent_; // null: it was closed
    std::list<listed_stream*>::iterator position_;
  };

  // Whoever says nothing must not keep out those who do: the longest silent one goes, and only among clients that are
  // all being answered the one whose request came first.
  void make_place() {
    if (silent_.size() + answered_.size() >= most_clients)
      (silent_.empty() ? answered_ : silent_).front()->close();
  }

  // Whether a request's head has come.
  static asio::awaitable<bool> read_head(listed_stream& client, http::request_parser<http::empty_body>& parser) {
    beast::flat_buffer buffer(longest_head);
    error_code failure = http::error::need_more;
    while (failure == http::error::need_more && buffer.size() < longest_head) {
      auto const free = buffer.prepare(longest_head - buffer.size());
      auto const got = co_await client.stream.async_read_some(free, asio::redirect_error(asio::use_awaitable, failure));
      if (failure)
        co_return false;
      buffer.commit(got);
      client.note_bytes();
      buffer.consume(parser.put(buffer.data(), failure));
    }
    co_return !failure && parser.is_header_done();
  }

  static asio::awaitable<void> serve(std::unique_ptr<listed_stream> client) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(longest_head);
    client->stream.expires_after(time_of_request);
    auto reading = read_head(*client, parser);
    bool const asked = co_await std::move(reading);
    if (!asked)
      co_return;
    client->note_request();
    auto answer = client->owner->answer(parser.get());
    if (parser.get().method() == http::verb::head)
      answer.body().clear();
    client->stream.expires_after(time_of_request);
    error_code failure;
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
    leave_to_parent_if_shared(acceptor);
    error_code ignored;
    acceptor.close(ignored);
    timer.cancel();
    for (auto* const clients : {&silent_, &answered_})
      while (!clients->empty())
        clients->front()->close();
  }

  std::shared_ptr<metrics> const measured_;
  std::list<listed_stream*> silent_; // the longest silent one first
  std::list<listed_stream*> answered_;
  bool stopped_ = false;
  ::pid_t const process_ = process_id();
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
