#include "core/json_access.hpp"
#include "testing/judge_rules.hpp"
#include "testing/messages_api.hpp"

#include <claudio/models.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace claudio::testing {
namespace json = boost::json;

namespace {

constexpr std::size_t largest_body = 32 * 1024 * 1024;

verdict check_key(received_request const& request, std::string_view api_key) {
  bool const bearer = request.header("x-api-key").empty();
  if (bearer && request.header("authorization").empty())
    return refuse("x-api-key header is required", 401);
  auto const given = given_key(request);
  if (api_key.empty() ? !given.starts_with("sk-ant-") : given != api_key)
    return refuse(bearer ? "invalid bearer token" : "invalid x-api-key", 401);
  return std::nullopt;
}

verdict check_version(std::string_view version) {
  if (version.empty())
    return refuse("anthropic-version: header is required");
  if (version != "2023-06-01" && version != "2026-10-21")
    return refuse("anthropic-version: \"" + std::string(version) + "\" is not a valid version");
  return std::nullopt;
}

verdict check_messages(json::object const& body, model_capabilities const& model, std::string_view version) {
  auto const* given = body.if_contains("messages");
  if (!given)
    return refuse("messages: Field required");
  auto const* messages = given->if_array();
  if (!messages)
    return refuse("messages: Input should be a valid list");
  if (messages->empty())
    return refuse("messages: at least one message is required");
  for (std::size_t i = 0; i < messages->size(); ++i) {
    std::string const path = indexed("messages", i);
    auto const* message = (*messages)[i].if_object();
    if (!message)
      return refuse(path + ": Input should be an object");
    auto const role = find_string(*message, "role");
    bool const system_is_fine = role == "system" && model.mid_conversation_system && i > 0;
    if (role != "user" && role != "assistant" && !system_is_fine)
      return refuse(path + ".role: Input should be 'user' or 'assistant'");
    auto const* content = message->if_contains("content");
    if (!content)
      return refuse(path + ".content: Field required");
    for (auto const& [key, value] : *message)
      if (key != "role" && key != "content")
        return refuse(path + "." + std::string(key) + ": Extra inputs are not permitted");
    if (auto wrong = check_content(*content, role, version, path + ".content"))
      return wrong;
  }
  if (auto wrong = check_turns(body, *messages, model))
    return wrong;
  return check_tool_turns(*messages);
}

verdict check_max_tokens(json::object const& body, std::string_view name, model_capabilities const& model) {
  auto const* given = body.if_contains("max_tokens");
  if (!given)
    return refuse("max_tokens: Field required");
  auto const tokens = to_integer(*given);
  if (!given->is_number() || !tokens)
    return refuse("max_tokens: Input should be a valid integer");
  if (*tokens < 0)
    return refuse("max_tokens: Input should be greater than or equal to 0");
  if (*tokens > model.max_output_tokens)
    return refuse("max_tokens: " + std::to_string(*tokens) + " > " + std::to_string(model.max_output_tokens) +
                  ", which is the maximum allowed number of output tokens for " + std::string(name));
  return std::nullopt;
}

verdict check_types(json::object const& body, bool has_beta) {
  constexpr std::array<std::string_view, 22> known{
      "model",       "messages",          "max_tokens", "system",        "stop_sequences",
      "stream",      "temperature",       "top_p",      "top_k",         "metadata",
      "tools",       "tool_choice",       "thinking",   "output_config", "service_tier",
      "speed",       "inference_geo",     "container",  "cache_control", "diagnostics",
      "mcp_servers", "context_management"};
  constexpr std::array<std::string_view, 5> known_in_betas{"compaction", "thread", "fallbacks", "fallback_credit_token",
                                                           "billing_policy"};
  for (auto const& [key, value] : body)
    if (!is_among(known, key) && !(has_beta && is_among(known_in_betas, key)))
      return refuse(std::string(key) + ": Extra inputs are not permitted");
  if (auto const* metadata = body.if_contains("metadata")) {
    if (!metadata->is_object())
      return refuse("metadata: Input should be an object");
    for (auto const& [key, value] : metadata->get_object())
      if (key != "user_id")
        return refuse("metadata." + std::string(key) + ": Extra inputs are not permitted");
  }
  if (auto const* system = body.if_contains("system"); system && !system->is_string()) {
    if (!system->is_array())
      return refuse("system: Input should be a valid string or a list of text blocks");
    if (auto wrong = check_content(*system, "system", "", "system"))
      return wrong;
  }
  if (auto const* stops = body.if_contains("stop_sequences")) {
    if (!stops->is_array())
      return refuse("stop_sequences: Input should be a valid list");
    for (std::size_t i = 0; i < stops->get_array().size(); ++i) {
      auto const* text = stops->get_array()[i].if_string();
      if (!text)
        return refuse(indexed("stop_sequences", i) + ": Input should be a valid string");
      if (text->find_first_not_of(" \t\r\n") == json::string::npos)
        return refuse("stop_sequences: each stop sequence must contain non-whitespace");
    }
  }
  if (auto const* stream = body.if_contains("stream"); stream && !stream->is_bool())
    return refuse("stream: Input should be a valid boolean");
  return std::nullopt;
}

// The rules of a body that messages and count_tokens share, and those of messages alone.
verdict check_body(json::object const& body, received_request const& request, bool counts_only) {
  auto const version = request.header("anthropic-version");
  auto const* given = body.if_contains("model");
  if (!given)
    return refuse("model: Field required");
  if (!given->is_string())
    return refuse("model: Input should be a valid string");
  std::string_view const name = given->get_string();
  auto const* const entry = find_catalogue_entry(name);
  if (!entry)
    return refuse("model: " + std::string(name), 404);
  auto const* const model = &entry->capabilities;
  if (!counts_only)
    if (auto wrong = check_max_tokens(body, name, *model))
      return wrong;
  if (auto wrong = check_messages(body, *model, version))
    return wrong;
  if (auto wrong = check_types(body, !request.header("anthropic-beta").empty()))
    return wrong;
  if (auto wrong = check_model_rules(body, request.body, *model, version))
    return wrong;
  if (auto wrong = check_tools(body, *model))
    return wrong;
  if (auto wrong = check_enforced_schemas(body))
    return wrong;
  return check_cache_control(body);
}

} // namespace

// Anthropic API overview: either header; x-api-key wins when both are sent.
std::string_view given_key(received_request const& request) {
  if (auto const key = request.header("x-api-key"); !key.empty())
    return key;
  constexpr std::string_view scheme = "Bearer ";
  auto const authorization = request.header("authorization");
  return authorization.starts_with(scheme) ? authorization.substr(scheme.size()) : std::string_view();
}

reply judge(received_request const& request, std::string_view api_key) {
  auto const give = [](refusal const& wrong) {
    return reply::status(wrong.status, error_body(wrong.status, wrong.message, 0));
  };
  if (request.body.size() > largest_body)
    return reply::status(413);
  if (auto wrong = check_key(request, api_key))
    return give(*wrong);
  auto const version = request.header("anthropic-version");
  if (auto wrong = check_version(version))
    return give(*wrong);
  std::string_view const target = request.target;
  auto const path = target.substr(0, target.find('?'));
  auto const query = target.substr(std::min(path.size() + 1, target.size()));
  if (request.method == "GET")
    return answer_get(path, query);
  bool const counts_only = path == "/v1/messages/count_tokens";
  if (path != "/v1/messages" && !counts_only)
    return reply::status(404);
  if (request.method != "POST")
    return give(refuse("Method Not Allowed", 405));
  auto const parsed = parse_json(request.body);
  if (!parsed || !parsed->is_object())
    return give(refuse("The request body is not valid JSON: expected an object"));
  if (auto wrong = check_body(parsed->get_object(), request, counts_only))
    return give(*wrong);
  if (!counts_only)
    return answer_unscripted(parsed->get_object(), capabilities_of(find_string(parsed->get_object(), "model")));
  json::object counted;
  counted.emplace("input_tokens", request.body.size() / 4 + 1);
  return reply::status(200, json::serialize(counted));
}

} // namespace claudio::testing
