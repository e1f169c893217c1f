#include "testing/messages_api.hpp"

#include "core/json_access.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace claudio::testing {
namespace json = boost::json;

namespace {

// A round figure: English text has about four bytes a token.
std::uint64_t estimate_tokens(std::size_t bytes) { return bytes / 4 + 1; }

struct status_type {
  int status;
  std::string_view type;
  std::string_view message;
};

constexpr std::array<status_type, 14> statuses{{
    {400, "invalid_request_error", "The request is invalid."},
    {401, "authentication_error", "invalid x-api-key"},
    {402, "billing_error", "There is an issue with your billing."},
    {403, "permission_error", "Your API key does not have permission to use this resource."},
    {404, "not_found_error", "The requested resource could not be found."},
    {405, "invalid_request_error", "Method Not Allowed"},
    {408, "timeout_error", "The request timed out."},
    {409, "conflict_error", "The request conflicts with another one."},
    {413, "request_too_large", "Request exceeds the maximum size"},
    {422, "invalid_request_error", "The request can't be processed."},
    {429, "rate_limit_error", "This request would exceed your rate limit."},
    {500, "api_error", "Internal server error"},
    {504, "timeout_error", "The request timed out."},
    {529, "overloaded_error", "Overloaded"},
}};

std::string text_of(json::value const& content) {
  if (auto const* text = content.if_string())
    return std::string(*text);
  std::string joined;
  if (auto const* blocks = content.if_array())
    for (auto const& block : *blocks)
      if (auto const* object = block.if_object()) {
        joined += find_string(*object, "text");
        if (auto const* inner = object->if_contains("content")) // of a tool_result
          joined += text_of(*inner);
      }
  return joined;
}

std::string last_text(json::object const& request) {
  auto const* messages = find_array(request, "messages");
  auto const* last = messages && !messages->empty() ? messages->back().if_object() : nullptr;
  auto const* content = last ? last->if_contains("content") : nullptr;
  return content ? text_of(*content) : std::string();
}

} // namespace

std::string make_id(std::string_view prefix, std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(prefix) + "01fake" + std::string(18 - std::min<std::size_t>(digits.size(), 18), '0') + digits;
}

std::string error_body(int status, std::string_view message, std::uint64_t number) {
  status_type found{status, "api_error", "An error occurred."};
  for (auto const& known : statuses)
    if (known.status == status)
      found = known;
  json::object inner;
  inner.emplace("type", json::string_view(found.type));
  inner.emplace("message", json::string_view(message.empty() ? found.message : message));
  json::object outer;
  outer.emplace("type", "error");
  outer.emplace("error", std::move(inner));
  outer.emplace("request_id", make_id("req_", number));
  return json::serialize(outer);
}

std::string echo(json::object const& request) {
  return "Hello! This is claudio's fake server. You said: \"" + last_text(request) + "\"";
}

std::uint64_t input_tokens(answer const& made) { return estimate_tokens(made.request_bytes); }

std::uint64_t output_tokens(answer const& made) {
  std::uint64_t bytes = 0;
  for (auto const& value : made.content) {
    auto const& block = value.get_object();
    bytes += find_string(block, "text").size() * made.repeat.value_or(1);
    bytes += find_string(block, "thinking").size();
    if (auto const* input = block.if_contains("input"))
      bytes += json::serialize(*input).size();
  }
  return estimate_tokens(bytes);
}

json::object begin_message(answer const& made, std::uint64_t tokens) {
  json::object usage;
  usage.emplace("input_tokens", input_tokens(made));
  usage.emplace("cache_creation_input_tokens", 0);
  usage.emplace("cache_read_input_tokens", 0);
  usage.emplace("output_tokens", tokens);
  usage.emplace("service_tier", "standard");
  json::object message;
  message.emplace("id", make_id("msg_", made.number));
  message.emplace("type", "message");
  message.emplace("role", "assistant");
  message.emplace("model", made.model);
  message.emplace("content", json::array());
  message.emplace("stop_reason", nullptr);
  message.emplace("stop_sequence", nullptr);
  message.emplace("usage", std::move(usage));
  return message;
}

std::string answer_body(answer made) {
  json::object message = begin_message(made, output_tokens(made));
  for (auto& block : made.content)
    if (auto* text = block.get_object().if_contains("text"); text && made.repeat) {
      std::string const once(text->get_string());
      std::string all;
      for (std::size_t i = 0; i < *made.repeat; ++i)
        all += once;
      *text = all;
    }
  message["content"] = std::move(made.content);
  message["stop_reason"] = made.stop_reason;
  return json::serialize(message);
}

} // namespace claudio::testing
