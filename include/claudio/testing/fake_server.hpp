#pragma once

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// For tests of code that uses claudio: a server on loopback that behaves like the Messages API, and misbehaves on
/// request.
namespace claudio::testing {

/// What the server does with one request.
///
///     server.script({reply::status(429).header("retry-after", "1"), reply::stall(), reply::answer("Hello!")});
class reply {
public:
  /// A Messages answer with usage, ids and rate-limit headers. An empty `text` echoes the request's last message.
  static reply answer(std::string text = std::string());
  /// An HTTP status with an error body like the API's.
  static reply status(int status);
  /// An HTTP status with a body of any kind.
  static reply status(int status, std::string body, std::string content_type = "application/json");
  /// These bytes instead of an HTTP response.
  static reply garbage(std::string bytes = "\x15\x03 this is not HTTP\r\n\r\n");
  /// No response: the connection stays open and silent.
  static reply stall() { return reply().stall_after(0); }
  /// No response: the connection is reset.
  static reply reset() { return reply().reset_after(0); }
  /// No response: the connection is closed.
  static reply close() { return reply().close_after(0); }

  /// Adds a response header, or replaces one.
  reply& header(std::string name, std::string value) &;
  reply&& header(std::string name, std::string value) && {
    return std::move(header(std::move(name), std::move(value)));
  }
  /// Waits before the response.
  reply& delay(std::chrono::milliseconds time) &;
  reply&& delay(std::chrono::milliseconds time) && { return std::move(delay(time)); }
  /// Sends so many bytes of the response, then resets, closes, or falls silent.
  reply& reset_after(std::size_t bytes) & { return cut(fault::reset, bytes); }
  reply&& reset_after(std::size_t bytes) && { return std::move(cut(fault::reset, bytes)); }
  reply& close_after(std::size_t bytes) & { return cut(fault::close, bytes); }
  reply&& close_after(std::size_t bytes) && { return std::move(cut(fault::close, bytes)); }
  reply& stall_after(std::size_t bytes) & { return cut(fault::stall, bytes); }
  reply&& stall_after(std::size_t bytes) && { return std::move(cut(fault::stall, bytes)); }
  /// Sends the head and half of the body, then closes.
  reply& half_body() &;
  reply&& half_body() && { return std::move(half_body()); }
  /// Sends the whole response and promises to keep the connection, but closes it.
  reply& then_close() &;
  reply&& then_close() && { return std::move(then_close()); }

private:
  friend class reply_writer;
  enum class fault : std::uint8_t { none, reset, close, stall, half_body };

  reply& cut(fault kind, std::size_t bytes);

  int status_ = 200;
  std::optional<std::string> body_; // nothing: one like the API's
  std::string text_;
  std::string content_type_ = "application/json";
  std::vector<std::pair<std::string, std::string>> headers_;
  std::optional<std::string> raw_;
  std::chrono::milliseconds delay_{0};
  fault fault_ = fault::none;
  std::size_t fault_after_ = 0;
  bool then_close_ = false;
};

/// What happens to a new connection before any request.
enum class connection_fault : std::uint8_t {
  none,
  reset,          ///< reset as soon as it is accepted
  stall,          ///< accepted, then silence
  garbage,        ///< bytes that are not TLS
  reset_handshake ///< reset in the middle of the TLS handshake
};

/// A request that the server has received.
class received_request {
public:
  received_request() = default;

  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers; ///< names in lower case
  std::string body;
  unsigned connection = 0; ///< 1 for the server's first connection

  /// A header's value by its name in lower case; empty when it is absent.
  std::string_view header(std::string_view name) const noexcept;
};

/// What a server's TLS certificate is like.
enum class certificate_kind : std::uint8_t {
  valid,      ///< for localhost, 127.0.0.1 and ::1, by the authority of `ca_pem()`
  expired,    ///< the same, a day too late
  other_host, ///< by the authority, for another host
  self_signed ///< by no authority
};

/// How a server is set up.
class fake_server_options {
public:
  fake_server_options() = default;

  std::string address = "127.0.0.1";
  std::uint16_t port = 0; ///< 0: any free one
  bool tls = true;        ///< with a certificate of an authority made at start
  certificate_kind certificate = certificate_kind::valid;
  std::string api_key;                  ///< the one key that is accepted; empty: any that begins with "sk-ant-"
  std::chrono::milliseconds latency{0}; ///< before every answer that is not scripted
  std::size_t keep_requests = 100'000;  ///< how many of the first requests `requests()` keeps
};

/// The server. Requests are answered like the Messages API would: `POST /v1/messages` and `/v1/messages/count_tokens`,
/// `GET /v1/models` and `/v1/models/{id}`, of API versions 2023-06-01 and 2026-10-21, each judged by the API's rules.
/// All models of the catalogue are served, the retired ones too, as a mirror would. Where a script is set its replies
/// serve one request each, in order of arrival, whatever the request says. Thread safety: all members may be called
/// from any thread. Lifetime: the destructor stops the server; one that runs on a given executor leaves nothing there
/// but handlers that end by themselves.
class fake_server {
public:
  /// Runs on a thread of its own. Throws `std::runtime_error` when it can't listen.
  explicit fake_server(fake_server_options options = fake_server_options());
  /// Runs on `executor`.
  explicit fake_server(boost::asio::any_io_executor executor, fake_server_options options = fake_server_options());
  fake_server(fake_server const&) = delete;
  fake_server& operator=(fake_server const&) = delete;
  ~fake_server();

  /// `https://127.0.0.1:PORT/v1`
  std::string api_base() const;
  std::uint16_t port() const noexcept;
  /// The certificate authority to trust, PEM. Empty without TLS.
  std::string const& ca_pem() const noexcept;
  /// Options that reach this server, with a key that it accepts. The CA stands in a temporary file that goes with it.
  provider_options provider() const;

  /// Adds replies for the next requests.
  void script(std::vector<reply> replies);
  /// Adds replies and connection faults in their JSON form (`docs/testing.md`).
  /// Errors: `errc::configuration` with the path of the field at fault; then nothing is added.
  result<void> script(std::string_view json);
  /// Forgets replies that no request has reached.
  void clear_script();
  /// Decides on every request that no script serves; called on the server's executor.
  void on_request(std::function<reply(received_request const&)> decide);
  /// Adds faults for the next connections.
  void script_connections(std::vector<connection_fault> faults);

  /// What was received so far, in order; at most `keep_requests`.
  std::vector<received_request> requests() const;
  /// The connections accepted so far.
  unsigned connections() const;

  /// Closes the listener and all connections.
  void stop();

private:
  class impl;
  std::shared_ptr<impl> impl_;
};

} // namespace claudio::testing
