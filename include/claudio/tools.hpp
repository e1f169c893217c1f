#pragma once

#include <claudio/call_options.hpp>
#include <claudio/chat.hpp>
#include <claudio/error.hpp>
#include <claudio/model.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

/// What `run_tools()` has just done. It refers to what exists only while the callback runs.
class tool_step {
public:
  tool_step() = default;

  unsigned turn = 0;                       ///< of the model, from 1
  chat_response const* response = nullptr; ///< the model's answer; null when a tool was called
  std::string_view tool;                   ///< the called tool; empty for an answer of the model
  std::string_view arguments;              ///< as the model gave them: JSON
  tool_result const* result = nullptr;     ///< what the tool gave; null for an answer of the model
  std::chrono::nanoseconds duration{0};    ///< how long the model or the tool took
};

/// Limits of `run_tools()`.
class run_tools_options {
public:
  run_tools_options() = default;

  unsigned max_turns = 16;                       ///< calls of the model, at least 1
  std::optional<std::uint64_t> max_total_tokens; ///< no further turn once so many were used, in and out, in all turns
  unsigned max_parallel = 8;                     ///< tools that run at once, at least 1
  /// For the calls of the model. The deadline is one for all, handlers included; other limits hold for each call.
  call_options call;
  /// Called on the caller's executor after each answer of the model and each call of a tool. Must not throw.
  std::function<void(tool_step const&)> on_step;
};

/// Why `run_tools()` ended.
enum class tool_run_end : std::uint8_t {
  answered,        ///< the model called no further tool
  max_turns,       ///< it would have, but has had its turns
  max_total_tokens ///< it would have, but has used its tokens
};

/// What came of `run_tools()`.
class tool_run {
public:
  tool_run() = default;

  chat_response response; ///< the last one
  /// The whole conversation, the last answer included, to go on from. Calls that were not carried out are answered by
  /// an error that says so.
  chat_request request;
  unsigned turns = 0; ///< calls of the model
  chat_usage usage;   ///< of all of them
  tool_run_end end = tool_run_end::answered;
};

/// Lets a model use tools: calls it, carries out the calls that it asks for, side by side, sends the results back, and
/// so on until it answers without asking or a limit is reached.
///
///     auto run = co_await run_tools(claude, request, tools);
///     if (run)
///       std::cout << run->response.text();
///
/// @param request gets the tools added to its own, in place of those of the same name; its `tool_choice`, if it forces
/// a call, holds for the first turn
/// Errors: those of `model::invoke()`; `errc::timeout` also when the deadline passes while handlers run;
/// `errc::configuration` for a limit of 0. What goes wrong with a tool is no error: the model is told
/// (`toolbox::call()`).
/// Executor: the caller's, which has to be serial; the handlers run there.
/// Cancellation: cancels the call of the model or the handlers, waits for these, and gives `errc::cancelled`. A
/// deadline that passes does the same; so no handler outlives the run, and one that ignores cancellation prolongs it.
boost::asio::awaitable<result<tool_run>> run_tools(model claude, chat_request request, toolbox tools,
                                                   run_tools_options options = run_tools_options());

} // namespace claudio
