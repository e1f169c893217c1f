#pragma once

#include <claudio/call_options.hpp>
#include <claudio/chat.hpp>
#include <claudio/client.hpp>
#include <claudio/error.hpp>
#include <claudio/stream.hpp>
#include <claudio/translate.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <memory>
#include <string>

namespace claudio {

/// One configured model, spoken to in OpenAI's chat-completions format. A handle: copies share the model; an empty one
/// answers `errc::configuration`. Executor, cancellation, lifetime and thread safety are those of `client`.
class model {
public:
  model() = default;
  /// A model at `endpoint`, as described by `target`.
  model(client endpoint, translation_target target);

  /// Sends a chat request and gives the whole answer. One of `max_tokens` that would hardly come within the call's time
  /// has a warning.
  ///
  ///     chat_request request;
  ///     request.user("Hello!").max_tokens(1000);
  ///     auto response = co_await model.invoke(request);
  ///
  /// Errors: those of `to_anthropic()` before anything is sent, then those of `client::create()`.
  boost::asio::awaitable<result<chat_response>> invoke(chat_request request,
                                                       call_options options = call_options()) const;

  /// Sends a chat request and gives its answer in chunks, as it is made. See `client::stream()`.
  ///
  ///     auto stream = co_await model.stream(request);
  ///     …
  ///     while (true) {
  ///       auto chunk = co_await stream->next();
  ///       if (!chunk || !*chunk) break;
  ///       std::cout << (*chunk)->text();
  ///     }
  ///     chat_response whole = stream->response();
  boost::asio::awaitable<result<chat_stream>> stream(chat_request request, call_options options = call_options()) const;

  /// Always `errc::unsupported`: Anthropic offers no embeddings API.
  boost::asio::awaitable<result<boost::json::object>> embed(boost::json::object request) const;
  /// Always `errc::unsupported`: Anthropic offers no reranking API.
  boost::asio::awaitable<result<boost::json::object>> rerank(boost::json::object request) const;

  /// The model's name; empty for an empty handle.
  std::string const& name() const noexcept;
  /// The endpoint that serves it, for Anthropic's own format.
  client endpoint() const;

private:
  class state;
  static boost::asio::awaitable<result<chat_response>> run(std::shared_ptr<state const> state, chat_request request,
                                                           call_options options);
  static boost::asio::awaitable<result<chat_stream>> run_stream(std::shared_ptr<state const> state,
                                                                chat_request request, call_options options);

  std::shared_ptr<state const> state_;
};

} // namespace claudio
