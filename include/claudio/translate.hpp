#pragma once

#include <claudio/chat.hpp>
#include <claudio/error.hpp>
#include <claudio/message.hpp>
#include <claudio/models.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace claudio {

/// What translation needs to know of the model that a request goes to.
class translation_target {
public:
  translation_target() = default;

  std::string model;                      ///< sent as `model`
  model_capabilities capabilities;        ///< what the model accepts
  boost::json::object default_parameters; ///< `model_params`: used where the request says nothing
  std::optional<std::int64_t> max_tokens; ///< used where neither the request nor `default_parameters` says it
};

/// A translated request.
class translated_request {
public:
  translated_request() = default;

  message_request request;
  std::vector<std::string> warnings; ///< what was changed or left out, one sentence each
};

/// Translates a request from OpenAI's to Anthropic's format. Pure: no I/O, no clock.
///
/// Carried: system, developer, user and assistant text, `max_tokens` and `max_completion_tokens` (the newer one wins),
/// `temperature`, `top_p`, `top_k`, `stop`. Any other field is refused unless it is null or says what holds anyway
/// (`n: 1`, `stream: false`). `max_tokens` is the request's, else that of `default_parameters`, else
/// `target.max_tokens`, else 4096, and never above the model's cap.
/// Errors: `errc::transformation` with `param()` naming the field; `errc::model_not_found` when the request names a
/// model other than `target.model`.
result<translated_request> to_anthropic(chat_request const& request, translation_target const& target);

/// Translates an answer from Anthropic's to OpenAI's format. Pure.
/// @param created becomes the answer's `created`
/// @param warnings of the request's translation; the answer's own are added
chat_response to_openai(message const& answer, std::chrono::system_clock::time_point created,
                        std::vector<std::string> warnings);

/// An error as OpenAI's API would send it.
class openai_error {
public:
  openai_error() = default;

  int status = 500;         ///< the HTTP status
  boost::json::object body; ///< `{"error": {"message", "type", "param", "code"}}`
};

/// Translates an error to OpenAI's format. Pure.
openai_error to_openai_error(error const& failure);

} // namespace claudio
