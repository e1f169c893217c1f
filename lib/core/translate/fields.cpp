#include "core/translate/fields.hpp"

#include "core/json_access.hpp"

#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

// Fields that are translated elsewhere. The common ones come first.
constexpr std::array<std::string_view, 27> carried{"model",
                                                   "messages",
                                                   "max_tokens",
                                                   "max_completion_tokens",
                                                   "temperature",
                                                   "top_p",
                                                   "tools",
                                                   "tool_choice",
                                                   "stream",
                                                   "stop",
                                                   "top_k",
                                                   "stop_sequences",
                                                   "functions",
                                                   "function_call",
                                                   "parallel_tool_calls",
                                                   "thinking",
                                                   "response_format",
                                                   "reasoning_effort",
                                                   "reasoning",
                                                   "output_config",
                                                   "user",
                                                   "safety_identifier",
                                                   "metadata",
                                                   "service_tier",
                                                   "stream_options",
                                                   "web_search_options",
                                                   "n"};

// Anthropic's own fields (Messages API), and the beta that each needs.
struct extension {
  std::string_view name;
  std::string_view beta;
};
constexpr std::array<extension, 12> extensions{{{"cache_control", ""},
                                                {"speed", "fast-mode-2026-02-01"},
                                                {"context_management", "context-management-2025-06-27"},
                                                {"mcp_servers", "mcp-client-2025-11-20"},
                                                {"container", ""},
                                                {"inference_geo", ""},
                                                {"diagnostics", ""},
                                                {"compaction", "compact-2026-09-04"},
                                                {"thread", "message-threads-2026-08-12"},
                                                {"fallbacks", "server-side-fallback-2026-07-01"},
                                                {"fallback_credit_token", "fallback-credit-2026-07-01"},
                                                {"billing_policy", "user-profiles-billing-2026-10-01"}}};

extension const* find_extension(std::string_view name) {
  for (auto const& known : extensions)
    if (known.name == name)
      return &known;
  return nullptr;
}

// A field of OpenAI's at a value that changes nothing.
bool says_nothing(std::string_view field, json::value const& value) {
  if (value.is_null())
    return true;
  if (field == "logprobs" || field == "store")
    return value == false;
  if (field == "presence_penalty" || field == "frequency_penalty" || field == "top_logprobs")
    return value.is_number() && value.to_number<double>() == 0;
  if (field == "logit_bias" || field == "metadata")
    return value.is_object() && value.get_object().empty();
  if (field == "verbosity")
    return value == "medium";
  if (field == "modalities")
    return value.is_array() && value.get_array().size() == 1 && value.get_array().front() == "text";
  return false;
}

bool looks_personal(std::string_view id) {
  if (id.find('@') != std::string_view::npos)
    return true;
  bool const is_number = id.find_first_not_of("+0123456789 ()-./") == std::string_view::npos;
  auto const digits = std::count_if(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number && digits >= 7 && (id.starts_with('+') || id.find_first_of(" ()-./") != std::string_view::npos);
}

} // namespace

void report_other_fields(json::object const& request, translation_context& context) {
  for (auto const& [key, value] : request) {
    std::string_view const field = key;
    if (std::find(carried.begin(), carried.end(), field) != carried.end() || find_extension(field) ||
        says_nothing(field, value))
      continue;
    json_path const path(field);
    if (field == "audio" || field == "modalities")
      context.report.reject(path, "Claude answers in text only");
    else
      context.report.lose(path, "Claude has no such field");
  }
  if (auto const* n = find_given(request, "n")) {
    auto const count = to_integer(*n);
    if (!count || *count < 1)
      context.report.reject(json_path("n"), "expected an integer ≥ 1, got " + describe_value(*n));
    else if (*count != 1)
      context.report.lose(json_path("n"), "Claude gives one answer to a request");
  }
  auto const* metadata = find_given(request, "metadata");
  if (metadata && !metadata->is_object())
    context.report.reject(json_path("metadata"), "expected an object, got " + describe_value(*metadata));
  else if (metadata)
    for (auto const& [key, value] : metadata->get_object())
      if (key != "user_id" && !value.is_null()) {
        context.report.lose(json_path("metadata"), "Claude keeps nothing but a user's id");
        break;
      }
}

void move_extensions(json::object& request, json::object& out, translation_context& context) {
  for (auto const& [name, beta] : extensions) {
    auto* value = find_given(request, name);
    if (!value)
      continue;
    if (!beta.empty() && !(name == "speed" && *value == "standard"))
      context.need_beta(beta);
    if (name == "context_management")
      if (auto const* edits = value->is_object() ? find_array(value->get_object(), "edits") : nullptr)
        for (auto const& edit : *edits)
          if (edit.is_object() && find_string(edit.get_object(), "type") == "compact_20260112")
            context.need_beta("compact-2026-01-12");
    out.emplace(name, std::move(*value));
  }
}

void translate_user(json::object& request, json::object& out, translation_context& context) {
  for (std::string_view const field : {"safety_identifier", "user", "metadata"}) {
    auto* value = find_given(request, field);
    if (value && field == "metadata")
      value = value->is_object() ? find_given(value->get_object(), "user_id") : nullptr;
    if (!value)
      continue;
    json_path const path(field);
    auto* id = value->if_string();
    if (!id) {
      context.report.reject(path, "expected a string, got " + describe_value(*value));
    } else if (looks_personal(*id)) {
      context.report.lose(path, "Anthropic wants no e-mail address or phone number as a user's id, but an "
                                "opaque one");
    } else if (!is_blank(*id)) {
      json::object metadata;
      metadata.emplace("user_id", std::move(*id));
      out.emplace("metadata", std::move(metadata));
      return;
    }
  }
}

void translate_service_tier(json::object& request, json::object& out, translation_context& context) {
  auto const* tier = find_given(request, "service_tier");
  if (!tier)
    return;
  json_path const path("service_tier");
  if (*tier == "auto" || *tier == "priority")
    out.emplace("service_tier", "auto");
  else if (*tier == "default" || *tier == "standard_only")
    out.emplace("service_tier", "standard_only");
  else if (!tier->is_string())
    context.report.reject(path, "expected a string, got " + describe_value(*tier));
  else
    context.report.lose(path, "Anthropic has no such tier");
}

} // namespace claudio
