#pragma once

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/limiter.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

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
///     server.script({reply::answer("Let me see.").tool_call("weather", {{"city", "Paris"}}).pace(10ms)});
///
/// An answer is streamed where the request says `"stream": true`; the whole answer and the accumulated stream are
/// equal.
class reply {
public:
  /// A Messages answer with usage and ids. An empty `text` echoes the request's last message, unless the answer calls
  /// tools.
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

  /// Adds a thinking block, with a made-up signature, before the answer's text.
  reply& thinking(std::string text) &;
  reply&& thinking(std::string text) && { return std::move(thinking(std::move(text))); }
  /// Adds a tool_use block after the answer's text, and stops for `tool_use`. An empty `id` is made up.
  reply& tool_call(std::string name, boost::json::object input, std::string id = std::string()) &;
  reply&& tool_call(std::string name, boost::json::object input, std::string id = std::string()) && {
    return std::move(tool_call(std::move(name), std::move(input), std::move(id)));
  }
  /// Replaces `end_turn` or `tool_use`.
  reply& stop_reason(std::string reason) &;
  reply&& stop_reason(std::string reason) && { return std::move(stop_reason(std::move(reason))); }
  /// Says the text `n` times; a stream has one delta for each, made as it is sent, so that `n` may be huge.
  reply& repeat_deltas(std::size_t n) &;
  reply&& repeat_deltas(std::size_t n) && { return std::move(repeat_deltas(n)); }

  /// Adds a response header, or replaces one.
  reply& header(std::string name, std::string value) &;
  reply&& header(std::string name, std::string value) && {
    return std::move(header(std::move(name), std::move(value)));
  }
  /// Waits before the response.
  reply& delay(std::chrono::milliseconds time) &;
  reply&& delay(std::chrono::milliseconds time) && { return std::move(delay(time)); }
  /// Sends so many bytes of the response, then resets, closes, or falls silent. The head counts, and so does a stream's
  /// chunk framing.
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

  // What follows changes streams only. Events are counted with their pings.

  /// Waits between events.
  reply& pace(std::chrono::milliseconds time) &;
  reply&& pace(std::chrono::milliseconds time) && { return std::move(pace(time)); }
  /// Sends each event in a write and TLS record of its own, as `pace` does too. Otherwise many leave together.
  reply& record_per_event() &;
  reply&& record_per_event() && { return std::move(record_per_event()); }
  /// Ends the stream after so many events as if it were whole.
  reply& cut_after_events(std::size_t events) &;
  reply&& cut_after_events(std::size_t events) && { return std::move(cut_after_events(events)); }
  /// Ends the stream with an `error` event after so many events.
  reply& error_after(std::size_t events, std::string type, std::string message) &;
  reply&& error_after(std::size_t events, std::string type, std::string message) && {
    return std::move(error_after(events, std::move(type), std::move(message)));
  }
  /// After `message_start` sends nothing but pings, for ever.
  reply& pings_only(std::chrono::milliseconds every) &;
  reply&& pings_only(std::chrono::milliseconds every) && { return std::move(pings_only(every)); }

private:
  friend class reply_writer;
  enum class fault : std::uint8_t { none, reset, close, stall, half_body };

  reply& cut(fault kind, std::size_t bytes);

  int status_ = 200;
  std::optional<std::string> body_; // nothing: one like the API's
  std::string text_;
  boost::json::array thinking_;   // content blocks
  boost::json::array tool_calls_; // content blocks; their ids may be empty
  std::string stop_reason_;       // empty: what the blocks suggest
  std::optional<std::size_t> repeat_deltas_;
  std::string content_type_ = "application/json";
  std::vector<std::pair<std::string, std::string>> headers_;
  std::optional<std::string> raw_;
  std::chrono::milliseconds delay_{0};
  fault fault_ = fault::none;
  std::size_t fault_after_ = 0;
  bool then_close_ = false;
  std::chrono::milliseconds pace_{0};
  bool record_per_event_ = false;
  bool pings_only_ = false;
  std::optional<std::size_t> events_; // nothing: all
  std::string error_type_;            // empty: no error event
  std::string error_message_;
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
  std::chrono::milliseconds pace{0};    ///< between the events of streams that are not scripted
  /// What each key may have of each model a minute, from 1 to 10'000'000'000; what exceeds it is answered with 429. For
  /// `POST /v1/messages`, where no script and no `on_request` decides.
  rate_limits limits;
  std::size_t keep_requests = 100'000; ///< how many of the first requests `requests()` keeps
};

/// The server. Requests are answered like the Messages API would: `POST /v1/messages` and `/v1/messages/count_tokens`,
/// `GET /v1/models` and `/v1/models/{id}`, of API versions 2023-06-01 and 2026-10-21, each judged by the API's rules.
/// All models of the catalogue are served, the retired ones too, as a mirror would. A request that asks for thinking
/// gets a thought, one whose `tool_choice` forces a tool gets a call of it, all others an echo. Where a script is set
/// its replies serve one request each, in order of arrival, whatever the request says. Thread safety: all members may
/// be called from any thread. Lifetime: the destructor stops the server; one that runs on a given executor leaves
/// nothing there but handlers that end by themselves.
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
  /// The bytes of streamed responses that the server could write so far. It writes no further than the peer reads and
  /// the system buffers, so that this stands still while a slow consumer holds the stream back.
  std::uint64_t stream_bytes() const noexcept;

  /// Closes the listener and all connections.
  void stop();

private:
  class impl;
  std::shared_ptr<impl> impl_;
};

} // namespace claudio::testing
