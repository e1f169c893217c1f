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

namespace claudio {

/// A request in Anthropic's Messages format: one JSON object with builders for what is common.
/// Thread safety: as a JSON value; distinct objects may be used concurrently.
class message_request {
public:
  message_request();
  /// Takes over a request object of the Messages API.
  explicit message_request(boost::json::object json);

  /// The model's name. Required by the API.
  message_request& model(std::string_view name) & { return put("model", boost::json::string_view(name)); }
  message_request&& model(std::string_view name) && { return std::move(put("model", boost::json::string_view(name))); }

  /// The system prompt, as one string.
  message_request& system(std::string_view text) & { return put("system", boost::json::string_view(text)); }
  message_request&& system(std::string_view text) && {
    return std::move(put("system", boost::json::string_view(text)));
  }

  /// Adds a turn of role `user`.
  message_request& user(std::string_view text) & { return add("user", boost::json::string_view(text)); }
  message_request&& user(std::string_view text) && { return std::move(add("user", boost::json::string_view(text))); }
  /// The same with several content blocks: `text_part()`, `image_file()` and so on.
  message_request& user(boost::json::array blocks) & { return add("user", std::move(blocks)); }
  message_request&& user(boost::json::array blocks) && { return std::move(add("user", std::move(blocks))); }

  /// Adds a turn of role `assistant`.
  message_request& assistant(std::string_view text) & { return add("assistant", boost::json::string_view(text)); }
  message_request&& assistant(std::string_view text) && {
    return std::move(add("assistant", boost::json::string_view(text)));
  }

  /// Adds a turn whose content is an array of blocks.
  message_request& message(std::string_view role, boost::json::value content) & {
    return add(role, std::move(content));
  }
  message_request&& message(std::string_view role, boost::json::value content) && {
    return std::move(add(role, std::move(content)));
  }

  /// The most tokens the answer may have. Required by the API.
  message_request& max_tokens(std::int64_t tokens) & { return put("max_tokens", tokens); }
  message_request&& max_tokens(std::int64_t tokens) && { return std::move(put("max_tokens", tokens)); }

  /// Sets any field.
  message_request& set(std::string_view field, boost::json::value value) & { return put(field, std::move(value)); }
  message_request&& set(std::string_view field, boost::json::value value) && {
    return std::move(put(field, std::move(value)));
  }

  std::string_view model() const noexcept;
  boost::json::object const& json() const& noexcept { return json_; }
  boost::json::object json() && noexcept { return std::move(json_); }

private:
  message_request& put(std::string_view field, boost::json::value value);
  message_request& add(std::string_view role, boost::json::value content);

  boost::json::object json_;
};

/// Tokens of one call as Anthropic counts them: cached input is not part of `input_tokens`.
class message_usage {
public:
  message_usage() = default;

  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t cache_creation_input_tokens = 0;
  std::uint64_t cache_read_input_tokens = 0;
};

/// An answer in Anthropic's Messages format.
class message {
public:
  message() = default;
  explicit message(boost::json::object json, std::shared_ptr<call_info const> info = nullptr);

  /// Parses a response body.
  /// Errors: `errc::transformation` when the text is not a JSON object of `"type": "message"`.
  static result<message> parse(std::string_view json);

  std::string_view id() const noexcept;
  /// The model that served the call.
  std::string_view model() const noexcept;
  /// All text blocks, joined without a separator.
  std::string text() const;
  /// The content blocks; empty when there are none.
  boost::json::array const& content() const noexcept;
  /// "end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", …; new values may come at any time.
  std::string_view stop_reason() const noexcept;
  message_usage usage() const noexcept;
  boost::json::object const& json() const& noexcept { return json_; }
  boost::json::object json() && noexcept { return std::move(json_); }
  call_info const& info() const noexcept { return info_ ? *info_ : call_info::none(); }
  /// The same, to stand beside another object too; may be null.
  std::shared_ptr<call_info const> shared_info() const noexcept { return info_; }
  void info(call_info info) { info_ = std::make_shared<call_info const>(std::move(info)); }

private:
  friend class message_accumulator;

  boost::json::object json_;
  std::shared_ptr<call_info const> info_; // not in place, since an answer is handed through many frames
};

} // namespace claudio
