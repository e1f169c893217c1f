#pragma once

#include <claudio/call_info.hpp>
#include <claudio/error.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace claudio {

/// A request in OpenAI's chat-completions format: one JSON object with builders for what is common. What has no builder
/// is set with `set()` or comes with `parse()`, and passes through untouched.
///
///     chat_request request;
///     request.system("You are a helpful assistant.").user("Hello!").max_tokens(1000);
///
/// Builders exist for lvalues and for temporaries, so that a chain on a temporary moves its JSON.
/// Thread safety: as a JSON value; distinct objects may be used concurrently.
class chat_request {
public:
  chat_request();
  /// Takes over a request object as any OpenAI client builds it.
  explicit chat_request(boost::json::object json);

  /// Parses a request as any OpenAI client sends it. Unknown fields are kept.
  /// Errors: `errc::transformation` when the text is not one JSON object of at most 128 nested levels, or has a key
  /// twice in the same object; `errc::request_too_large` beyond 32 MiB.
  static result<chat_request> parse(std::string_view json);

  /// The model's name. Optional: an instance of `model` knows its own; a different name is refused by it.
  chat_request& model(std::string_view name) & { return put("model", boost::json::string_view(name)); }
  chat_request&& model(std::string_view name) && { return std::move(put("model", boost::json::string_view(name))); }

  /// Adds a message of role `system`.
  chat_request& system(std::string_view text) & { return add("system", text); }
  chat_request&& system(std::string_view text) && { return std::move(add("system", text)); }

  /// Adds a message of role `developer`, OpenAI's newer name for `system`.
  chat_request& developer(std::string_view text) & { return add("developer", text); }
  chat_request&& developer(std::string_view text) && { return std::move(add("developer", text)); }

  /// Adds a message of role `user`.
  chat_request& user(std::string_view text) & { return add("user", text); }
  chat_request&& user(std::string_view text) && { return std::move(add("user", text)); }
  /// The same with several parts: `text_part()`, `image_file()` and so on, or those of OpenAI's format.
  chat_request& user(boost::json::array parts) & { return add("user", std::move(parts)); }
  chat_request&& user(boost::json::array parts) && { return std::move(add("user", std::move(parts))); }

  /// Adds a message of role `assistant`: an earlier answer of the conversation.
  chat_request& assistant(std::string_view text) & { return add("assistant", text); }
  chat_request&& assistant(std::string_view text) && { return std::move(add("assistant", text)); }

  /// Adds a message as it is, e.g. one taken from an answer.
  chat_request& message(boost::json::object message) & { return add(std::move(message)); }
  chat_request&& message(boost::json::object message) && { return std::move(add(std::move(message))); }

  /// The most tokens the answer may have.
  chat_request& max_tokens(std::int64_t tokens) & { return put("max_tokens", tokens); }
  chat_request&& max_tokens(std::int64_t tokens) && { return std::move(put("max_tokens", tokens)); }

  /// Randomness, 0 to 1 on Claude.
  chat_request& temperature(double value) & { return put("temperature", value); }
  chat_request&& temperature(double value) && { return std::move(put("temperature", value)); }

  /// Nucleus sampling, 0 to 1.
  chat_request& top_p(double value) & { return put("top_p", value); }
  chat_request&& top_p(double value) && { return std::move(put("top_p", value)); }

  /// Sampling among the k likeliest tokens; Anthropic's extension of the format.
  chat_request& top_k(std::int64_t value) & { return put("top_k", value); }
  chat_request&& top_k(std::int64_t value) && { return std::move(put("top_k", value)); }

  /// Texts that end the answer.
  chat_request& stop(std::vector<std::string> const& sequences) & { return put_stop(sequences); }
  chat_request&& stop(std::vector<std::string> const& sequences) && { return std::move(put_stop(sequences)); }

  /// Sets any field.
  chat_request& set(std::string_view field, boost::json::value value) & { return put(field, std::move(value)); }
  chat_request&& set(std::string_view field, boost::json::value value) && {
    return std::move(put(field, std::move(value)));
  }

  /// The model's name, empty when the request names none.
  std::string_view model() const noexcept;
  boost::json::object const& json() const& noexcept { return json_; }
  boost::json::object json() && noexcept { return std::move(json_); }

private:
  chat_request& put(std::string_view field, boost::json::value value);
  chat_request& put_stop(std::vector<std::string> const& sequences);
  chat_request& add(std::string_view role, std::string_view text);
  chat_request& add(std::string_view role, boost::json::array parts);
  chat_request& add(boost::json::object message);

  boost::json::object json_;
};

/// Tokens of one call as OpenAI counts them: cached input is part of `prompt_tokens`.
class chat_usage {
public:
  chat_usage() = default;

  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t total_tokens = 0;
  std::uint64_t cached_tokens = 0; ///< the part of `prompt_tokens` read from the prompt cache
};

/// An answer in OpenAI's chat-completions format.
class chat_response {
public:
  chat_response() = default;
  explicit chat_response(boost::json::object json, std::shared_ptr<call_info const> info = nullptr,
                         std::vector<std::string> warnings = std::vector<std::string>());

  /// The text of the first choice; empty when there is none.
  std::string_view text() const& noexcept;
  std::string text() && { return std::string(static_cast<chat_response const&>(*this).text()); }
  /// "stop", "length", "content_filter", …; empty when there is no choice.
  std::string_view finish_reason() const noexcept;
  /// The message of the first choice, to be added to the conversation with `chat_request::message()`.
  boost::json::object message() const;
  /// The calls of tools in the first choice's message; empty when there are none. Refers into the response.
  boost::json::array const& tool_calls() const& noexcept;
  boost::json::array tool_calls() && { return static_cast<chat_response const&>(*this).tool_calls(); }
  /// The text as JSON; one fenced block (```json … ```) around all of it is taken off.
  /// Errors: `errc::transformation`, which says whether there is no text, the answer was cut off, or where it is no
  /// JSON.
  result<boost::json::value> parse_json() const;
  chat_usage usage() const noexcept;
  /// Anthropic's id of the message.
  std::string_view id() const noexcept;
  /// The model that served the call.
  std::string_view model() const noexcept;
  boost::json::object const& json() const& noexcept { return json_; }
  boost::json::object json() && noexcept { return std::move(json_); }

  /// What the translation to the model's format changed or left out, one sentence each.
  std::vector<std::string> const& warnings() const noexcept { return warnings_; }
  call_info const& info() const noexcept { return info_ ? *info_ : call_info::none(); }

private:
  boost::json::object json_;
  std::shared_ptr<call_info const> info_;
  std::vector<std::string> warnings_;
};

} // namespace claudio
