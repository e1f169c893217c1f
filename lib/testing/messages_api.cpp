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
      if (auto const* object = block.if_object())
        joined += find_string(*object, "text");
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

std::string answer_body(received_request const& request, std::string const& text, std::uint64_t number) {
  auto const parsed = parse_json(request.body);
  json::object const none;
  json::object const& asked = parsed && parsed->is_object() ? parsed->get_object() : none;
  std::string const answer =
      !text.empty() ? text : "Hello! This is claudio's fake server. You said: \"" + last_text(asked) + "\"";

  json::object block;
  block.emplace("type", "text");
  block.emplace("text", answer);
  json::array content;
  content.emplace_back(std::move(block));
  json::object usage;
  usage.emplace("input_tokens", estimate_tokens(request.body.size()));
  usage.emplace("cache_creation_input_tokens", 0);
  usage.emplace("cache_read_input_tokens", 0);
  usage.emplace("output_tokens", estimate_tokens(answer.size()));
  usage.emplace("service_tier", "standard");
  json::object message;
  message.emplace("id", make_id("msg_", number));
  message.emplace("type", "message");
  message.emplace("role", "assistant");
  message.emplace("model", json::string_view(find_string(asked, "model")));
  message.emplace("content", std::move(content));
  message.emplace("stop_reason", "end_turn");
  message.emplace("stop_sequence", nullptr);
  message.emplace("usage", std::move(usage));
  return json::serialize(message);
}

} // namespace claudio::testing
