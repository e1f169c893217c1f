#pragma once

#include <claudio/chat.hpp>
#include <claudio/error.hpp>
#include <claudio/events.hpp>
#include <claudio/message.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace claudio {

namespace detail {
class answer_source;
}

/// A running answer in Anthropic's format, made by `client::stream()`. Events are pulled; while nobody pulls, TCP holds
/// the sender back.
///
///     while (true) {
///       auto event = co_await stream.next();
///       if (!event) …          // an error; response() has what had arrived
///       if (!*event) break;    // the end
///     }
///
/// A handle, to be moved on. An empty stream answers `errc::configuration`. The stream ends with `message_stop`: what
/// the server sends after it, or fails to send, is not waited for. It gives its session back to the pool if the
/// response's body has ended by then, and else closes it, as a stream that is dropped before its end does. Executor,
/// cancellation and lifetime are those of `client`; one operation at a time.
class message_stream {
public:
  message_stream() = default;
  explicit message_stream(std::shared_ptr<detail::answer_source> source) : source_(std::move(source)) {}
  /// The next event, or nothing when the stream has ended. Events that have arrived already are handed out without
  /// suspending. Pings are events too.
  /// A server that answers with one whole JSON answer gives the events that it would have come as.
  /// Errors: `errc::stream_truncated` when the stream ends without `message_stop`; what an `error` event says;
  /// `errc::protocol` for an event that does not fit those before it, such as a delta of a block that is not open;
  /// `errc::timeout` with `timeout_ms.between_bytes` or `timeout_ms.between_content` in `param()` when the server falls
  /// silent, or sends only pings; `errc::connect`. After an error there is nothing more.
  boost::asio::awaitable<result<std::optional<message_event>>> next();

  /// All that has arrived: the whole answer once the stream has ended, as `client::create()` would have given it.
  message const& response() const noexcept;

private:
  std::shared_ptr<detail::answer_source> source_;
};

/// A running answer in OpenAI's format, made by `model::stream()`. As `message_stream`, in chunks.
class chat_stream {
public:
  class state;

  chat_stream() = default;
  explicit chat_stream(std::shared_ptr<state> s) : state_(std::move(s)) {}

  /// The next chunk, or nothing when the answer is complete. Errors: those of `message_stream::next()`.
  boost::asio::awaitable<result<std::optional<chat_chunk>>> next();

  /// All that has arrived: once the stream has ended, the answer that `model::invoke()` would have given.
  chat_response response() const;

private:
  static boost::asio::awaitable<result<std::optional<chat_chunk>>> next_of(std::shared_ptr<state> state);

  std::shared_ptr<state> state_;
};

} // namespace claudio
