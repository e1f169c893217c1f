#pragma once

#include <claudio/error.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace claudio {

/// What a tool gives to the model: text, JSON, images, or several of them; or an error, from which the model goes on.
class tool_result {
public:
  /// An empty text.
  tool_result() = default;
  tool_result(std::string text);
  tool_result(std::string_view text) : tool_result(std::string(text)) {}
  tool_result(char const* text) : tool_result(std::string(text)) {}
  /// JSON, which the model reads as text.
  template <class Json>
  requires std::same_as<Json, boost::json::value> || std::same_as<Json, boost::json::object> ||
      std::same_as<Json, boost::json::array>
      tool_result(Json const& json) : tool_result(boost::json::serialize(json)) {}

  /// An image of a type that Claude takes, e.g. "image/png".
  static tool_result image(std::string_view media_type, std::string_view base64);
  /// A result that tells the model that, and why, the tool failed.
  static tool_result failure(tool_result why);

  /// Adds what another result holds. The result is an error when either was.
  tool_result& add(tool_result more) &;
  tool_result&& add(tool_result more) && { return std::move(add(std::move(more))); }

  bool is_error() const noexcept { return is_error_; }
  /// As the `content` of a message of role `tool`: a text, or an array of parts.
  boost::json::value content() const;

private:
  boost::json::array parts_;
  bool is_error_ = false;
};

namespace detail {

template <class T>
struct tool_outcome {
  using type = T; // what a handler gives, without result<> and awaitable<>
  static constexpr bool is_awaitable = false;
};
template <class T>
struct tool_outcome<result<T>> : tool_outcome<T> {};
template <class T>
struct tool_outcome<boost::asio::awaitable<T>> : tool_outcome<T> {
  static constexpr bool is_awaitable = true;
};

template <class Handler>
using handler_outcome = tool_outcome<std::invoke_result_t<Handler&, boost::json::object>>;

using tool_function = std::function<boost::asio::awaitable<result<tool_result>>(boost::json::object)>;

template <class T>
result<tool_result> to_tool_result(T outcome) {
  return tool_result(std::move(outcome));
}
template <class T>
result<tool_result> to_tool_result(result<T> outcome) {
  if (outcome.has_error())
    return outcome.error();
  return tool_result(std::move(*outcome));
}

// Holds the handler as long as its coroutine runs, and the arguments, so that it may take them by reference.
template <class Handler>
boost::asio::awaitable<result<tool_result>> run_handler(std::shared_ptr<Handler> handler,
                                                        boost::json::object arguments) {
  if constexpr (handler_outcome<Handler>::is_awaitable) {
    auto running = std::invoke(*handler, std::move(arguments));
    auto outcome = co_await std::move(running);
    co_return to_tool_result(std::move(outcome));
  } else {
    auto outcome = std::invoke(*handler, std::move(arguments));
    co_return to_tool_result(std::move(outcome));
  }
}

} // namespace detail

/// What carries out a tool's calls: takes the arguments as `boost::json::object` and gives a `tool_result`, or what
/// makes one (text, JSON), or a `result<>` of it, or is a coroutine that gives any of these (`asio::awaitable<>`).
template <class Handler>
concept tool_handler = std::invocable<Handler&, boost::json::object> &&
    std::convertible_to<typename detail::handler_outcome<Handler>::type, tool_result>;

/// The tools that a model may call.
///
///     toolbox tools;
///     tools.add("get_weather", "The weather in a city.",
///               {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}, {"required", {"city"}}},
///               [&](boost::json::object arguments) -> asio::awaitable<tool_result> { … });
///
/// Copies share the handlers, which are kept as long as one of their coroutines runs. Thread safety: distinct objects
/// may be used concurrently; a handler is called wherever its toolbox is used.
class toolbox {
public:
  toolbox() = default;

  /// Adds a tool.
  /// @param name any text; what the API does not take in it is spelled otherwise there
  /// @param description what the model is told of it
  /// @param schema JSON schema of the arguments; a call that does not fit goes back to the model
  /// @param handler a `tool_handler`. Its error or exception goes back to the model, with its message
  /// Throws `configuration_error` when the name is empty or taken.
  template <tool_handler Handler>
  toolbox& add(std::string name, std::string description, boost::json::object schema, Handler handler) {
    auto const kept = std::make_shared<Handler>(std::move(handler));
    return put(std::move(name), std::move(description), std::move(schema),
               [kept](boost::json::object arguments) { return detail::run_handler(kept, std::move(arguments)); });
  }

  /// Carries out one call as `run_tools()` does: an unknown name, arguments that are no JSON or do not fit the schema,
  /// and a handler's error or exception are results with `is_error()`.
  /// Executor: the caller's. Cancellation: the handler's part; gives `errc::cancelled`, the only error there is.
  boost::asio::awaitable<result<tool_result>> call(std::string_view name, std::string arguments) const;

  bool empty() const noexcept { return tools_.empty(); }
  /// The tools as a chat request's `tools`.
  boost::json::array definitions() const;

private:
  class tool;
  toolbox& put(std::string name, std::string description, boost::json::object schema, detail::tool_function function);
  static boost::asio::awaitable<result<tool_result>> run(std::shared_ptr<tool const> called, std::string arguments);

  std::vector<std::shared_ptr<tool const>> tools_;
};

} // namespace claudio
