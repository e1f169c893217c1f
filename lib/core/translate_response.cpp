#include "core/json_access.hpp"

#include <claudio/translate.hpp>

#include <set>

namespace claudio {
namespace json = boost::json;

namespace {

std::string_view finish_reason(std::string_view stop_reason) {
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded")
    return "length";
  if (stop_reason == "tool_use")
    return "tool_calls";
  if (stop_reason == "refusal")
    return "content_filter";
  return "stop";
}

json::object usage_object(message_usage const& usage) {
  // Anthropic counts cached input apart, OpenAI as a part of the prompt.
  std::uint64_t const prompt = usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
  json::object details;
  details.emplace("cached_tokens", usage.cache_read_input_tokens);
  json::object counts;
  counts.emplace("prompt_tokens", prompt);
  counts.emplace("completion_tokens", usage.output_tokens);
  counts.emplace("total_tokens", prompt + usage.output_tokens);
  counts.emplace("prompt_tokens_details", std::move(details));
  return counts;
}

json::value refusal_text(message const& answer) {
  if (answer.stop_reason() != "refusal")
    return nullptr;
  auto const* details = find_object(answer.json(), "stop_details");
  auto const explanation = details ? find_string(*details, "explanation") : std::string_view();
  return explanation.empty() ? json::value(nullptr) : json::value(json::string_view(explanation));
}

} // namespace

chat_response to_openai(message const& answer, std::chrono::system_clock::time_point created,
                        std::vector<std::string> warnings) {
  bool has_text = false;
  std::set<std::string_view> left_out;
  for (auto const& block : answer.content()) {
    auto const* object = block.if_object();
    auto const type = object ? find_string(*object, "type") : std::string_view();
    if (type == "text")
      has_text = true;
    else if (left_out.insert(type).second)
      warnings.push_back("the answer's blocks of type \"" + std::string(type) + "\" can't be carried yet");
  }

  json::object reply;
  reply.emplace("role", "assistant");
  reply.emplace("content", has_text ? json::value(json::string(answer.text())) : json::value(nullptr));
  reply.emplace("refusal", refusal_text(answer));
  json::object choice;
  choice.emplace("index", 0);
  choice.emplace("message", std::move(reply));
  choice.emplace("logprobs", nullptr);
  choice.emplace("finish_reason", json::string_view(finish_reason(answer.stop_reason())));
  json::array choices;
  choices.emplace_back(std::move(choice));

  json::object out;
  out.emplace("id", json::string_view(answer.id()));
  out.emplace("object", "chat.completion");
  out.emplace("created", std::chrono::duration_cast<std::chrono::seconds>(created.time_since_epoch()).count());
  out.emplace("model", json::string_view(answer.model()));
  out.emplace("choices", std::move(choices));
  out.emplace("usage", usage_object(answer.usage()));
  out.emplace("system_fingerprint", nullptr);
  return chat_response(std::move(out), answer.info(), std::move(warnings));
}

} // namespace claudio
