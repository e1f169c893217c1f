#pragma once

#include <claudio/call_options.hpp>
#include <claudio/chat.hpp>
#include <claudio/client.hpp>
#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/stream.hpp>
#include <claudio/translate.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <memory>
#include <string>
#include <vector>

namespace claudio {

/// Who answers where a model fails.
class fallback_route {
public:
  fallback_route() = default;

  client endpoint;
  translation_target target;
  /// The kinds of the error, of the model tried last, that the call goes on for.
  std::vector<errc> on = model_fallback().on;
};

class model_routes;

/// One configured model, spoken to in OpenAI's chat-completions format. A handle: copies share the model; an empty one
/// answers `errc::configuration`. While its manager watches a configuration, each call goes where that says; a model
/// that was removed answers `errc::model_not_found`. Executor, cancellation, lifetime and thread safety are those of
/// `client`.
class model {
public:
  model() = default;
  /// A model at `endpoint`, as described by `target`.
  /// @param fallbacks asked in this order when the model fails
  model(client endpoint, translation_target target,
        std::vector<fallback_route> fallbacks = std::vector<fallback_route>());

  /// Sends a chat request and gives the whole answer. One of `max_tokens` that would hardly come within the call's time
  /// has a warning.
  ///
  ///     chat_request request;
  ///     request.user("Hello!").max_tokens(1000);
  ///     auto response = co_await model.invoke(request);
  ///
  /// Where the model fails for good, the call goes to its first fallback that is there for that kind of error and can
  /// take the request, and so on. All of it has the time of one call, and `info()` is its account.
  /// Errors: those of `to_anthropic()` before anything is sent, then those of `client::create()`; of the model tried
  /// last, with those before it in the message.
  boost::asio::awaitable<result<chat_response>> invoke(chat_request request,
                                                       call_options options = call_options()) const;

  /// Sends a chat request and gives its answer in chunks, as it is made. See `client::stream()`; until the
  /// first event fallbacks are as in `invoke()`.
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
  /// The endpoint that serves it now, not its fallbacks, for Anthropic's own format. It does not follow the
  /// configuration.
  client endpoint() const;

private:
  friend class model_manager;
  class state;
  explicit model(std::shared_ptr<state> shared) noexcept : state_(std::move(shared)) {}
  static std::shared_ptr<state> make_state(client endpoint, translation_target target,
                                           std::vector<fallback_route> fallbacks);
  std::shared_ptr<model_routes const> routes() const;
  static boost::asio::awaitable<result<chat_response>> run(std::shared_ptr<model_routes const> routes,
                                                           chat_request request, call_options options);
  static boost::asio::awaitable<result<chat_stream>> run_stream(std::shared_ptr<model_routes const> routes,
                                                                chat_request request, call_options options);

  std::shared_ptr<state> state_;
};

} // namespace claudio
