#pragma once

#include <claudio/call_options.hpp>
#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/message.hpp>
#include <claudio/observer.hpp>
#include <claudio/session_pool.hpp>
#include <claudio/stream.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace claudio {

/// Promise that an executor runs one thing at a time: one thread, or a strand that the caller shares.
class serial_t {
public:
  explicit constexpr serial_t() = default;
};
inline constexpr serial_t serial{};

namespace detail {
class endpoint;
}

/// One provider endpoint in Anthropic's own format, with its pool of HTTPS sessions.
///
/// A handle: copies share the endpoint; an empty one answers `errc::configuration`.
/// Executor: the client works on its home executor. With `serial` that is the given executor, used as it is; a caller
/// on the same executor pays nothing. Without it, home is a strand of the client's own. A call may be awaited on any
/// executor that is itself serial, and resumes there.
/// Cancellation: terminal, at every await; the call's session is closed at once and the call gives `errc::cancelled`
/// (after which Asio throws at the caller's own next `co_await`, unless it reset its cancellation state).
/// Lifetime: does not outlive the execution context of its home. Idle sessions keep no work outstanding, so `run()`
/// returns when no call is in flight.
/// Thread safety: all members may be called from any thread.
class client {
public:
  client() = default;

  /// @param observed_by is told what the client does; null: nobody is, but for the log
  /// Errors: `errc::configuration` for an address or header that can't be, for http:// or unverified TLS beyond
  /// loopback without leave, and for an unreadable CA file.
  static result<client> make(boost::asio::any_io_executor executor, provider_options options,
                             std::shared_ptr<observer> observed_by = nullptr);
  static result<client> make(boost::asio::any_io_executor executor, provider_options options, serial_t,
                             std::shared_ptr<observer> observed_by = nullptr);

  /// `POST {api_base}/messages`.
  /// Errors: see `docs/errors.md`; `error::info()` has the attempts and times.
  boost::asio::awaitable<result<message>> create(message_request request, call_options options = call_options()) const;
  /// The same for a request that is serialized already.
  boost::asio::awaitable<result<message>> create(std::string serialized_request,
                                                 call_options options = call_options()) const;

  /// `POST {api_base}/messages` with `"stream": true`: gives the stream once its first event has arrived, which is when
  /// retries end. `time_limits::total` binds until then; afterwards the call's deadline does, `between_bytes` and
  /// `between_content`. Errors: those of `create()`.
  boost::asio::awaitable<result<message_stream>> stream(message_request request,
                                                        call_options options = call_options()) const;
  /// The same for a request that is serialized already, `"stream": true` included.
  boost::asio::awaitable<result<message_stream>> stream(std::string serialized_request,
                                                        call_options options = call_options()) const;

  /// `POST {api_base}/messages/count_tokens`: how many tokens the input of a request has, by the API's own count, which
  /// costs nothing and has a rate limit of its own. What only an answer needs (`max_tokens`, `stream`, …) is not sent.
  /// Errors: those of `create()`; `errc::protocol` for an answer without a count.
  boost::asio::awaitable<result<std::uint64_t>> count_tokens(message_request request,
                                                             call_options options = call_options()) const;

  /// Opens sessions until that many are idle (at most `max_idle`, and within `max_sessions`), so that the first calls
  /// need not wait for it. Of the options the limits and the deadline count.
  /// Errors: of the first session that could not be opened; those that could are kept. `errc::cancelled`.
  boost::asio::awaitable<result<void>> prewarm(std::size_t sessions, call_options options = call_options()) const;

  /// Finishes what is in flight: new calls are refused with `errc::shut_down`, those that run, wait or stream go on,
  /// and no session is kept. At the deadline what is left is cut off: its connections are closed, its callers get
  /// `errc::shut_down`. There is no way back; copies of the client are the same client.
  /// Errors: `errc::timeout` when calls were cut off, of which the message says how many; their callers may still be on
  /// their way to their errors. `errc::cancelled`: what is in flight goes on, new calls stay refused.
  boost::asio::awaitable<result<void>> drain(std::chrono::steady_clock::time_point deadline) const;

  /// A snapshot of the pool, as of the last change on the home executor.
  session_pool_statistics pool() const;

private:
  explicit client(std::shared_ptr<detail::endpoint> shared) : endpoint_(std::move(shared)) {}
  friend class detail::endpoint;

  std::shared_ptr<detail::endpoint> endpoint_;
};

} // namespace claudio
