#include "core/translate/fields.hpp"

#include "core/json_access.hpp"

#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

// The beta that each of Anthropic's own fields needs (Messages API), in the order of request_field.
constexpr std::array<std::string_view, 12> betas{"",
                                                 "fast-mode-2026-02-01",
                                                 "context-management-2025-06-27",
                                                 "mcp-client-2025-11-20",
                                                 "",
                                                 "",
                                                 "",
                                                 "compact-2026-09-04",
                                                 "message-threads-2026-08-12",
                                                 "server-side-fallback-2026-07-01",
                                                 "fallback-credit-2026-07-01",
                                                 "user-profiles-billing-2026-10-01"};
static_assert(betas.size() == static_cast<std::size_t>(last_extension) - static_cast<std::size_t>(first_extension) + 1);

constexpr std::size_t longest_user_id = 256; // Messages API, metadata.user_id

bool is_number(json::value const& value, double number) {
  return value.is_number() && value.to_number<double>() == number;
}

// A field at a value that changes nothing: the default of OpenAI's API, or of those that have added to its format.
bool says_nothing(std::string_view field, json::value const& value) {
  if (field == "logprobs" || field == "store" || field == "echo")
    return value == false;
  if (field == "presence_penalty" || field == "frequency_penalty" || field == "top_logprobs" || field == "min_p" ||
      field == "top_a")
    return is_number(value, 0);
  if (field == "repetition_penalty" || field == "best_of")
    return is_number(value, 1);
  if (field == "logit_bias")
    return value.is_object() && value.get_object().empty();
  if (field == "transforms" || field == "plugins")
    return value.is_array() && value.get_array().empty();
  if (field == "verbosity")
    return value == "medium";
  if (field == "prompt_cache_retention")
    return value == "in_memory" || value == "in-memory";
  if (field == "modalities")
    return value.is_array() && value.get_array().size() == 1 && value.get_array().front() == "text";
  return false;
}

bool looks_personal(std::string_view id) {
  if (id.find('@') != std::string_view::npos)
    return true;
  bool const is_phone = id.find_first_not_of("+0123456789 ()-./") == std::string_view::npos;
  auto const digits = std::count_if(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_phone && digits >= 7 && (id.starts_with('+') || id.find_first_of(" ()-./") != std::string_view::npos);
}

} // namespace

void report_other_fields(request_fields const& request, translation_context& context) {
  for (auto const& [field, value] : request.others()) {
    if (says_nothing(field, *value))
      continue;
    json_path const path(field);
    if (field == "audio" || field == "modalities")
      context.report.reject(path, "Claude answers in text only");
    else
      context.report.lose(path, "Claude has no such field");
  }
  if (auto const* n = request[request_field::n]) {
    auto const count = to_integer(*n);
    if (!count || *count < 1)
      context.report.reject(json_path("n"), "expected an integer ≥ 1, got " + describe_value(*n));
    else if (*count != 1)
      context.report.lose(json_path("n"), "Claude gives one answer to a request");
  }
  auto const* metadata = request[request_field::metadata];
  if (metadata && !metadata->is_object())
    context.report.reject(json_path("metadata"), "expected an object, got " + describe_value(*metadata));
  else if (metadata)
    for (auto const& [key, value] : metadata->get_object())
      if (key != "user_id" && !value.is_null()) {
        context.report.lose(json_path("metadata"), "Claude keeps nothing but a user's id");
        break;
      }
}

void move_extensions(request_fields const& request, json::object& out, translation_context& context) {
  for (std::size_t i = 0; i < betas.size(); ++i) {
    auto const field = static_cast<request_field>(static_cast<std::size_t>(first_extension) + i);
    auto* value = request[field];
    if (!value)
      continue;
    if (!betas[i].empty() && !(field == request_field::speed && *value == "standard"))
      context.need_beta(betas[i]);
    if (field == request_field::context_management)
      if (auto const* edits = value->is_object() ? find_array(value->get_object(), "edits") : nullptr)
        for (auto const& edit : *edits)
          if (edit.is_object() && find_string(edit.get_object(), "type") == "compact_20260112")
            context.need_beta("compact-2026-01-12");
    out.emplace(request_fields::name(field), std::move(*value));
  }
}

void translate_user(request_fields const& request, json::object& out, translation_context& context) {
  for (auto const field : {request_field::safety_identifier, request_field::user, request_field::metadata}) {
    auto* value = request[field];
    if (value && field == request_field::metadata)
      value = value->is_object() ? find_given(value->get_object(), "user_id") : nullptr;
    if (!value)
      continue;
    json_path const path(request_fields::name(field));
    auto* id = value->if_string();
    if (!id) {
      context.report.reject(path, "expected a string, got " + describe_value(*value));
    } else if (looks_personal(*id)) {
      context.report.lose(path, "Anthropic wants no e-mail address or phone number as a user's id, but an opaque one");
    } else if (id->size() > longest_user_id) {
      context.report.lose(path, "longer than the 256 characters that Anthropic takes");
    } else if (!is_blank(*id)) {
      auto metadata = context.make_object(1);
      metadata.emplace("user_id", std::move(*id));
      out.emplace("metadata", std::move(metadata));
      return;
    }
  }
}

void translate_service_tier(request_fields const& request, json::object& out, translation_context& context) {
  auto const* tier = request[request_field::service_tier];
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
