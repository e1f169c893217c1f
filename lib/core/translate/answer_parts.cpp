#include "core/translate/answer_parts.hpp"

#include "core/json_access.hpp"
#include "core/translate/block_types.hpp"

#include <algorithm>
#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::string_view unexplained_refusal = "The model refused to answer.";

// What to_openai_usage() and to_openai_tier() translate.
constexpr std::array<std::string_view, 6> translated_counts{
    "input_tokens",          "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "output_tokens_details", "service_tier"};

bool is_told_by_finish_reason(std::string_view stop_reason) {
  return stop_reason.empty() || stop_reason == "end_turn" || stop_reason == "tool_use" || stop_reason == "max_tokens";
}

} // namespace

std::string_view to_finish_reason(std::string_view stop_reason, bool calls_tools) noexcept {
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded")
    return "length";
  if (stop_reason == "refusal")
    return "content_filter";
  if (calls_tools && (stop_reason.empty() || stop_reason == "tool_use"))
    return "tool_calls";
  return "stop";
}

json::object to_openai_usage(json::object const& usage) {
  auto const read = find_count(usage, "cache_read_input_tokens");
  auto const created = find_count(usage, "cache_creation_input_tokens");
  auto const prompt = find_count(usage, "input_tokens") + read + created;
  auto const completion = find_count(usage, "output_tokens");
  json::object counts;
  counts.reserve(5);
  counts.emplace("prompt_tokens", prompt);
  counts.emplace("completion_tokens", completion);
  counts.emplace("total_tokens", prompt + completion);
  json::object details;
  details.emplace("cached_tokens", read);
  if (created > 0)
    details.emplace("cache_creation_tokens", created);
  counts.emplace("prompt_tokens_details", std::move(details));
  if (auto const* more = find_object(usage, "output_tokens_details"); more && more->contains("thinking_tokens")) {
    json::object reasoning;
    reasoning.emplace("reasoning_tokens", find_count(*more, "thinking_tokens"));
    counts.emplace("completion_tokens_details", std::move(reasoning));
  }
  return counts;
}

std::string_view to_openai_tier(json::object const& answer) noexcept {
  auto const* usage = find_object(answer, "usage");
  auto const tier = usage ? find_string(*usage, "service_tier") : std::string_view();
  return tier == "standard" ? "default" : tier;
}

bool needs_content_blocks(json::object const& answer) noexcept {
  auto const* blocks = find_array(answer, "content");
  if (!blocks || blocks->empty())
    return false;
  if (find_string(answer, "stop_reason") == "pause_turn")
    return true;
  int stage = 0;
  for (auto const& block : *blocks) {
    auto const* object = block.if_object();
    auto const type = object ? find_string(*object, "type") : std::string_view();
    int const rank = is_thinking(type) ? 0 : type == "text" ? 1 : type == "tool_use" ? 2 : -1;
    if (rank < stage)
      return true;
    stage = rank;
    auto const* citations = rank == 1 ? find_array(*object, "citations") : nullptr;
    auto const* caller = rank == 2 ? find_object(*object, "caller") : nullptr;
    if ((citations && !citations->empty()) || (caller && find_string(*caller, "type") != "direct") ||
        (rank == 2 && !find_string(*object, "toolset_name").empty()))
      return true;
  }
  return false;
}

json::object anthropic_extension(json::object const& answer) {
  json::object extension;
  auto const stop_reason = find_string(answer, "stop_reason");
  if (!is_told_by_finish_reason(stop_reason))
    extension.emplace("stop_reason", json::string_view(stop_reason));
  for (std::string_view const field : {"stop_sequence", "stop_details", "container", "context_management"})
    if (auto const* value = answer.if_contains(field); value && !value->is_null())
      extension.emplace(field, *value);
  json::object counts;
  if (auto const* usage = find_object(answer, "usage"))
    for (auto const& [key, value] : *usage)
      if (!value.is_null() && std::find(translated_counts.begin(), translated_counts.end(), std::string_view(key)) ==
                                  translated_counts.end())
        counts.emplace(key, value);
  if (!counts.empty())
    extension.emplace("usage", std::move(counts));
  return extension;
}

json::value to_refusal(json::object const& answer) {
  if (find_string(answer, "stop_reason") != "refusal")
    return nullptr;
  auto const* details = find_object(answer, "stop_details");
  auto const explanation = details ? find_string(*details, "explanation") : std::string_view();
  return json::value(json::string_view(explanation.empty() ? unexplained_refusal : explanation));
}

std::string_view original_tool_name(answer_context const& context, std::string_view sent) noexcept {
  for (auto const& [spelled, name] : context.tool_names)
    if (spelled == sent)
      return name;
  return sent;
}

bool add_annotations(json::object const& text_block, std::size_t begin, std::size_t end, json::array& annotations) {
  bool others = false;
  auto const* citations = find_array(text_block, "citations");
  if (!citations)
    return false;
  for (auto const& value : *citations) {
    auto const* citation = value.if_object();
    if (!citation || find_string(*citation, "type") != "web_search_result_location") {
      others = true;
      continue;
    }
    json::object cited;
    cited.emplace("url", json::string_view(find_string(*citation, "url")));
    cited.emplace("title", json::string_view(find_string(*citation, "title")));
    cited.emplace("start_index", begin);
    cited.emplace("end_index", end);
    json::object annotation;
    annotation.emplace("type", "url_citation");
    annotation.emplace("url_citation", std::move(cited));
    annotations.emplace_back(std::move(annotation));
  }
  return others;
}

std::size_t count_characters(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

} // namespace claudio
