#pragma once

#include <claudio/chat.hpp>
#include <claudio/error.hpp>
#include <claudio/headers.hpp>
#include <claudio/message.hpp>
#include <claudio/models.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace claudio {

/// What becomes of that which Claude, or the model at hand, does not take.
enum class translation_mode : std::uint8_t {
  lenient, ///< it is left out or replaced by what comes nearest, with a warning
  strict   ///< the request is refused
};

/// What becomes of an instruction (role `system` or `developer`) inside a conversation. Those at its beginning are the
/// system prompt.
enum class system_placement : std::uint8_t {
  hoist,    ///< it moves to the system prompt, which changes the beginning that a prompt cache keeps
  in_place, ///< it stays where the model takes it there (`mid_conversation_system`), else as by `user_turn`
  user_turn ///< it stays as a text of the user's, in `<system>`
};

/// What translation needs to know of the model that a request goes to.
class translation_target {
public:
  translation_target() = default;

  std::string model;                              ///< sent as `model`
  std::optional<model_capabilities> capabilities; ///< what the model accepts; not set: `capabilities_of(model)`
  boost::json::object default_parameters;         ///< `model_params`: used where the request says nothing
  std::optional<std::int64_t> max_tokens;         ///< used where neither the request nor `default_parameters` says it
  translation_mode mode = translation_mode::lenient;
  system_placement system_messages = system_placement::hoist;
};

/// What translating the answer has to know of the request.
class answer_context {
public:
  answer_context() = default;

  std::vector<std::pair<std::string, std::string>>
      tool_names;               ///< as sent, and as the caller knows it; changed ones only
  std::string json_tool;        ///< the tool that stands for `response_format`; empty: none
  std::string prefill;          ///< put before the answer's text
  bool function_call = false;   ///< the caller uses `functions`, the predecessor of `tools`
  bool hide_reasoning = false;  ///< the caller does not want `reasoning_content`
  bool usage_in_stream = false; ///< `stream_options.include_usage`
};

/// A translated request.
class translated_request {
public:
  translated_request() = default;

  message_request request;
  std::vector<std::string> warnings; ///< what was changed or left out, one sentence each; at most about a hundred
  std::vector<std::string> betas;    ///< names for the `anthropic-beta` header
  answer_context answer;             ///< for `to_openai()`
};

/// Translates a request from OpenAI's chat-completions to Anthropic's Messages format. Pure: no I/O, no clock. Takes
/// time and memory linear in the request; big values are moved, so hand it a temporary.
///
/// Everything that has a counterpart is carried: messages of all roles, images, documents, tools and their results,
/// thinking blocks, `response_format`, reasoning, sampling. Anthropic's own fields, tools and content blocks pass
/// through. What `target.capabilities` say the model refuses is repaired or left out, as `target.mode` has it.
/// `docs/translation.md` has every field. `max_tokens` is the request's, else that of `default_parameters`, else
/// `target.max_tokens`, else 4096 (32,000 for models that think unasked), and never above the model's cap.
/// Errors: `errc::transformation` with `param()` naming the field; `errc::model_not_found` when the request names a
/// model other than `target.model`.
result<translated_request> to_anthropic(chat_request request, translation_target const& target);

/// A translated request as JSON text.
class translated_text {
public:
  translated_text() = default;

  std::string text;
  std::vector<std::string> warnings;
  std::vector<std::string> betas;
  answer_context answer;
};

/// `to_anthropic()` from JSON text to JSON text, for servers that pass requests on: quicker, since the JSON between
/// them lies in memory of its own. Errors: those of `chat_request::parse()` and `to_anthropic()`.
result<translated_text> to_anthropic_text(std::string_view request, translation_target const& target);

/// Translates an answer from Anthropic's to OpenAI's format. Pure; big values are moved.
/// @param context of the request's translation
/// @param created becomes the answer's `created`
/// @param warnings of the request's translation; the answer's own are added
chat_response to_openai(message answer, answer_context const& context, std::chrono::system_clock::time_point created,
                        std::vector<std::string> warnings = std::vector<std::string>());

/// `to_openai()` from JSON text to JSON text. Errors: those of `message::parse()`.
/// @param warnings the answer's own are added
result<std::string> to_openai_text(std::string_view answer, answer_context const& context,
                                   std::chrono::system_clock::time_point created, std::vector<std::string>& warnings);

/// An error as OpenAI's API would send it.
class openai_error {
public:
  openai_error() = default;

  int status = 500;         ///< the HTTP status
  header_list headers;      ///< `retry-after`, `x-request-id`, `x-ratelimit-…`, `x-should-retry`
  boost::json::object body; ///< `{"error": {"message", "type", "param", "code"}}`
};

/// Translates an error to OpenAI's format. Pure. The headers are those that the error knows of: `retry-after-ms`,
/// `retry-after`, `x-request-id`, `x-should-retry`.
openai_error to_openai_error(error const& failure);

/// Translates an HTTP response of Anthropic's that is not an answer. Pure.
/// @param headers of the response; those that OpenAI's clients know are carried over under their names
/// @param now what a `retry-after` date is relative to
openai_error to_openai_error(int status, header_list const& headers, std::string_view body,
                             std::chrono::system_clock::time_point now);

/// The headers of an answer of Anthropic's under OpenAI's names: `request-id` as `x-request-id`,
/// `anthropic-ratelimit-requests-limit` as `x-ratelimit-limit-requests` and so on, with their values as they are;
/// `retry-after`, `retry-after-ms` and `x-should-retry` unchanged. All others are left out.
header_list to_openai_headers(header_list const& headers);

} // namespace claudio
