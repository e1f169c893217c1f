#include "core/json_access.hpp"
#include "testing/judge_rules.hpp"
#include "testing/messages_api.hpp"

#include <claudio/models.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <charconv>
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

bool takes_no_sampling(std::string_view version) { return version == "2026-10-21"; }

verdict check_text_block(json::object const& block, std::string const& path) {
  auto const* text = block.if_contains("text");
  if (!text || !text->is_string())
    return refuse(path + ".text: Field required");
  if (text->get_string().find_first_not_of(" \t\r\n") == json::string::npos)
    return refuse(path + ".text: text content blocks must contain non-whitespace text");
  return std::nullopt;
}

verdict check_block(json::value const& value, std::string_view role, std::string_view version,
                    std::string const& path) {
  auto const* block = value.if_object();
  if (!block)
    return refuse(path + ": Input should be an object");
  auto const type = find_string(*block, "type");
  if (type.empty())
    return refuse(path + ".type: Field required");
  // API version 2026-10-21, migration page.
  if (takes_no_sampling(version) && role == "assistant" && type == "document")
    return refuse(path + ": document blocks are not permitted in assistant messages");
  if (type != "text")
    return check_tool_block(*block, role, path);
  if (auto const* citations = find_array(*block, "citations");
      takes_no_sampling(version) && role == "user" && citations && !citations->empty())
    return refuse(path + ".citations: Extra inputs are not permitted");
  return check_text_block(*block, path);
}

verdict check_content(json::value const& content, std::string_view role, std::string_view version,
                      std::string const& path) {
  if (auto const* text = content.if_string()) {
    if (text->find_first_not_of(" \t\r\n") == json::string::npos)
      return refuse(path + ": must be non-empty");
    return std::nullopt;
  }
  auto const* blocks = content.if_array();
  if (!blocks)
    return refuse(path + ": Input should be a valid string or a list of content blocks");
  if (blocks->empty())
    return refuse(path + ": must be non-empty");
  for (std::size_t i = 0; i < blocks->size(); ++i)
    if (auto wrong = check_block((*blocks)[i], role, version, indexed(path, i)))
      return wrong;
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
  if (find_string(messages->back().get_object(), "role") == "assistant" && !model.prefill)
    return refuse(
        "This model does not support assistant message prefill. The conversation must end with a user message.");
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

verdict check_sampling(json::object const& body, model_capabilities const& model, std::string_view version) {
  for (std::string_view const field : {"temperature", "top_p", "top_k"}) {
    auto const* value = body.if_contains(field);
    if (!value)
      continue;
    if (takes_no_sampling(version))
      return refuse(std::string(field) + ": Extra inputs are not permitted");
    if (!value->is_number())
      return refuse(std::string(field) + ": Input should be a valid number");
    if (model.sampling == sampling_support::none)
      return refuse(std::string(field) + ": this model does not accept sampling parameters");
    double const number = value->to_number<double>();
    if (number < 0 || (field != "top_k" && number > 1))
      return refuse(std::string(field) + ": range: 0..1");
  }
  if (model.sampling == sampling_support::exclusive && body.contains("temperature") && body.contains("top_p"))
    return refuse("`temperature` and `top_p` cannot both be specified for this model. Please use only one.");
  return std::nullopt;
}

verdict check_thinking(json::object const& body, model_capabilities const& model) {
  auto const* thinking = body.if_contains("thinking");
  if (!thinking)
    return std::nullopt;
  if (!thinking->is_object())
    return refuse("thinking: Input should be an object");
  auto const type = find_string(thinking->get_object(), "type");
  bool const refused = (type == "enabled" && !model.budget_thinking) ||
                       (type == "adaptive" && !model.adaptive_thinking) ||
                       (type == "disabled" && !model.disabling_thinking);
  if (refused)
    return refuse("thinking.type: \"" + std::string(type) + "\" is not supported by this model");
  return std::nullopt;
}

verdict check_types(json::object const& body) {
  constexpr std::array<std::string_view, 22> known{
      "model",       "messages",          "max_tokens", "system",        "stop_sequences",
      "stream",      "temperature",       "top_p",      "top_k",         "metadata",
      "tools",       "tool_choice",       "thinking",   "output_config", "service_tier",
      "speed",       "inference_geo",     "container",  "cache_control", "diagnostics",
      "mcp_servers", "context_management"};
  for (auto const& [key, value] : body)
    if (std::find(known.begin(), known.end(), std::string_view(key)) == known.end())
      return refuse(std::string(key) + ": Extra inputs are not permitted");
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
verdict check_body(json::object const& body, std::string_view version, bool counts_only) {
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
  if (auto wrong = check_types(body))
    return wrong;
  if (auto wrong = check_sampling(body, *model, version))
    return wrong;
  if (auto wrong = check_thinking(body, *model))
    return wrong;
  return check_tools(body, *model);
}

json::object model_object(catalogue_entry const& entry) {
  json::object model;
  model.emplace("type", "model");
  model.emplace("id", json::string_view(entry.name));
  model.emplace("display_name", json::string_view(entry.name));
  model.emplace("created_at", "2026-01-01T00:00:00Z");
  model.emplace("max_input_tokens", entry.capabilities.context_tokens);
  model.emplace("max_tokens", entry.capabilities.max_output_tokens);
  bool const retired = entry.capabilities.lifecycle == model_lifecycle::retired;
  bool const deprecated = entry.capabilities.lifecycle == model_lifecycle::deprecated;
  model.emplace("lifecycle", retired ? "retired" : deprecated ? "deprecated" : "active");
  auto& retires = model.emplace("retires_at", nullptr).first->value();
  if (!entry.end_of_life.empty())
    retires = std::string(entry.end_of_life) + "T00:00:00Z";
  return model;
}

// The value of `name` in a query string; no percent-decoding, since model ids and numbers need none.
std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto const item = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(item.size() + 1, query.size()));
    if (item.starts_with(name) && item.substr(name.size()).starts_with('='))
      return item.substr(name.size() + 1);
  }
  return {};
}

reply list_models(std::string_view query) {
  std::size_t limit = 20;
  if (auto const given = query_value(query, "limit"); !given.empty()) {
    auto const [end, failure] = std::from_chars(given.data(), given.data() + given.size(), limit);
    if (failure != std::errc{} || end != given.data() + given.size() || limit < 1 || limit > 1000)
      return reply::status(400, error_body(400, "limit: Input should be an integer from 1 to 1000", 0));
  }
  auto const all = model_catalogue();
  auto const position = [&](std::string_view id) {
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](catalogue_entry const& entry) { return entry.name == id; }) -
        all.begin());
  };
  std::size_t begin = 0;
  std::size_t end = all.size();
  if (auto const after = query_value(query, "after_id"); !after.empty())
    begin = std::min(position(after) + 1, all.size());
  if (auto const before = query_value(query, "before_id"); !before.empty()) {
    end = position(before);
    begin = end - std::min(limit, end);
  }
  bool const backwards = !query_value(query, "before_id").empty();
  std::size_t const last = std::min(end, begin + limit);
  json::array data;
  for (std::size_t i = begin; i < last; ++i)
    data.emplace_back(model_object(all[i]));
  json::object page;
  page.emplace("has_more", backwards ? begin > 0 : last < all.size());
  page.emplace("first_id", data.empty() ? json::value(nullptr) : data.front().at("id"));
  page.emplace("last_id", data.empty() ? json::value(nullptr) : data.back().at("id"));
  page.emplace("data", std::move(data));
  return reply::status(200, json::serialize(page));
}

reply answer_get(std::string_view path, std::string_view query) {
  if (path == "/v1/models")
    return list_models(query);
  constexpr std::string_view prefix = "/v1/models/";
  if (path.starts_with(prefix)) {
    auto const name = path.substr(prefix.size());
    for (auto const& entry : model_catalogue())
      if (entry.name == name)
        return reply::status(200, json::serialize(model_object(entry)));
    return reply::status(404, error_body(404, "model: " + std::string(name), 0));
  }
  return reply::status(404);
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
  if (auto wrong = check_body(parsed->get_object(), version, counts_only))
    return give(*wrong);
  if (!counts_only)
    return answer_unscripted(parsed->get_object(), capabilities_of(find_string(parsed->get_object(), "model")));
  json::object counted;
  counted.emplace("input_tokens", request.body.size() / 4 + 1);
  return reply::status(200, json::serialize(counted));
}

} // namespace claudio::testing
