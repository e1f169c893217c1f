#pragma once

#include <claudio/call_options.hpp>
#include <claudio/chat.hpp>
#include <claudio/client.hpp>
#include <claudio/error.hpp>
#include <claudio/events.hpp>
#include <claudio/message.hpp>
#include <claudio/model.hpp>
#include <claudio/toolbox.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace claudio {

/// What is called with each piece of a streamed answer: a function, or a coroutine that gives `awaitable<void>`. The
/// latter is awaited before the next piece is read, so that a slow receiver holds the sender back.
template <class Piece>
class piece_handler {
public:
  piece_handler() = default;
  template <class Handler>
  requires std::invocable<Handler&, Piece const&> &&
      (!std::same_as<Handler, piece_handler>)piece_handler(Handler handler) {
    if constexpr (std::same_as<std::invoke_result_t<Handler&, Piece const&>, boost::asio::awaitable<void>>)
      coroutine = std::move(handler);
    else
      function = std::move(handler);
  }

  explicit operator bool() const noexcept { return function || coroutine; }

  std::function<void(Piece const&)> function;
  std::function<boost::asio::awaitable<void>(Piece const&)> coroutine;
};

/// What `run_tools()` has just done. It refers to what exists only while the callback runs.
class tool_step {
public:
  tool_step() = default;

  unsigned turn = 0;                       ///< of the model, from 1
  chat_response const* response = nullptr; ///< the model's answer; null when a tool was called, or in the native form
  message const* answer = nullptr;         ///< the model's answer in the native form; else null
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
  /// If set, the answers are streamed, and each chunk of them is given to it, on the caller's executor. It must not
  /// throw, and may be a coroutine.
  piece_handler<chat_chunk> on_chunk;
  /// The same for the native form, with Anthropic's events.
  piece_handler<message_event> on_event;
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

/// What came of `run_tools()` in its native form. As `tool_run`.
class native_tool_run {
public:
  native_tool_run() = default;

  message response;
  message_request request;
  unsigned turns = 0;
  message_usage usage; ///< of all of them
  tool_run_end end = tool_run_end::answered;
};

/// The same in Anthropic's own format. The names of the tools have to be such as the API takes. A turn that the API has
/// paused (`pause_turn`) is sent back to go on, and counts as a turn.
boost::asio::awaitable<result<native_tool_run>> run_tools(client endpoint, message_request request, toolbox tools,
                                                          run_tools_options options = run_tools_options());

} // namespace claudio
