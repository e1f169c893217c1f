#pragma once

#include "core/api_base.hpp"
#include "core/proxy.hpp"
#include "net/call_progress.hpp"
#include "net/request_pieces.hpp"
#include "net/response.hpp"

#include <claudio/error.hpp>
#include <claudio/observer.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace claudio {

class deadline_sweep;
class name_cache;
class socket_poller;
class tls_context;

class session;

/// The sessions that exist, whoever has them.
class session_registry {
public:
  /// Breaks all of them off.
  void abort();

private:
  friend class session;
  std::vector<session*> sessions_;
};

/// One HTTP/1.1 connection to an endpoint, TLS or plain. All that is inside stays behind this interface.
///
/// One operation at a time, on the executor it was made with. After an operation that failed or was cancelled the
/// session is unusable. The object outlives its operations.
class session {
public:
  explicit session(std::shared_ptr<session_registry> registry);
  session(session const&) = delete;
  session& operator=(session const&) = delete;
  virtual ~session();

  /// Resolves and connects; through a proxy, up to the endpoint that is to shake hands.
  virtual boost::asio::awaitable<result<void>> connect(call_progress& progress) = 0;
  /// Shakes hands; nothing to do on a plain connection.
  virtual boost::asio::awaitable<result<void>> secure(call_progress& progress) = 0;

  /// Sends a serialized request and reads the whole response. An HTTP error status is a response like any other, but
  /// that a proxy's 407 comes without its body, and of another one no more than `response_parser::error_body_limit`.
  /// An answer above `session_environment::max_answer_bytes` is `errc::protocol`.
  virtual boost::asio::awaitable<result<http_response>> exchange(request_pieces request, call_progress& progress) = 0;

  /// Sends a serialized request and reads the response up to its body, which `read_some()` gives.
  virtual boost::asio::awaitable<result<http_response>> begin(request_pieces request, call_progress& progress) = 0;
  /// More of the body of a response that was begun, at most `into.size()` bytes; 0: the body is complete. What has
  /// arrived already comes without suspending. Bounded by `progress.begin_wait()`.
  virtual boost::asio::awaitable<result<std::size_t>> read_some(std::span<char> into, call_progress& progress) = 0;
  /// The same of what has arrived already, be it in the socket; 0: nothing has, or the body is complete. What ended the
  /// connection is no error here.
  virtual result<std::size_t> read_arrived(std::span<char> into) = 0;

  /// Whether anything of the current response has arrived.
  virtual bool response_begun() const noexcept = 0;
  /// After an exchange that failed: whether the request may be sent once more on another session, since this one had
  /// been closed before it began (`policy/replay.hpp`).
  virtual bool may_replay() const noexcept = 0;
  /// Whether all of the last request has been written, so that the peer may have acted on it.
  virtual bool sent_whole() const noexcept = 0;
  /// Whether the last response left the session fit for another request.
  virtual bool reusable() const noexcept = 0;
  /// Whether only the end of the last response's body is missing, behind a message that was complete: `alive()` reads
  /// it if it has come by then, and makes the session fit for another request.
  virtual bool settling() const noexcept = 0;
  /// Whether an idle session is still open, as far as can be seen without waiting.
  virtual bool alive() = 0;
  /// How its TLS began, once it has.
  virtual claudio::handshake handshake() const noexcept = 0;

  /// Closes the connection at once. What runs, and what comes, gives `errc::cancelled`.
  virtual void abort() noexcept = 0;

  call_progress::clock::time_point const created = call_progress::clock::now();
  std::size_t requests = 0; ///< that it was lent for
  bool open = false;        ///< whether it has been opened

private:
  friend class session_registry;
  std::shared_ptr<session_registry> registry_;
  std::size_t position_;
};

/// What the sessions to one endpoint share.
class session_environment {
public:
  boost::asio::any_io_executor executor;
  api_base endpoint;
  std::optional<proxy_address> proxy;
  std::shared_ptr<name_cache> names; ///< the proxy's, if there is one
  std::shared_ptr<tls_context> tls;  ///< null for plain HTTP
  std::shared_ptr<deadline_sweep> deadlines;
  std::shared_ptr<socket_poller> poller;
  std::uint64_t max_answer_bytes = 32 * 1024 * 1024; ///< that are held whole
  std::shared_ptr<session_registry> sessions = std::make_shared<session_registry>();
};

/// A session that is not open yet.
std::unique_ptr<session> make_session(std::shared_ptr<session_environment const> environment);

} // namespace claudio
