#include "core/translate/request_fields.hpp"

namespace claudio {
namespace {

constexpr std::size_t count = static_cast<std::size_t>(last_extension) + 1;

// In the order of request_field.
constexpr std::array<std::string_view, count> names{"model",
                                                    "messages",
                                                    "max_tokens",
                                                    "max_completion_tokens",
                                                    "temperature",
                                                    "top_p",
                                                    "top_k",
                                                    "stop",
                                                    "stop_sequences",
                                                    "tools",
                                                    "tool_choice",
                                                    "functions",
                                                    "function_call",
                                                    "parallel_tool_calls",
                                                    "web_search_options",
                                                    "response_format",
                                                    "reasoning_effort",
                                                    "reasoning",
                                                    "thinking",
                                                    "output_config",
                                                    "user",
                                                    "safety_identifier",
                                                    "metadata",
                                                    "service_tier",
                                                    "stream",
                                                    "stream_options",
                                                    "n",
                                                    "cache_control",
                                                    "speed",
                                                    "context_management",
                                                    "mcp_servers",
                                                    "container",
                                                    "inference_geo",
                                                    "diagnostics",
                                                    "compaction",
                                                    "thread",
                                                    "fallbacks",
                                                    "fallback_credit_token",
                                                    "billing_policy"};

constexpr std::size_t find(std::string_view name) noexcept {
  std::size_t index = 0;
  while (index < count && names[index] != name)
    ++index;
  return index;
}

static_assert(names.back() == "billing_policy" && find("n") == static_cast<std::size_t>(request_field::n));

} // namespace

request_fields::request_fields(boost::json::object& request) {
  for (auto& member : request) {
    if (member.value().is_null())
      continue;
    std::string_view const key = member.key();
    if (auto const index = find(key); index < count)
      values_[index] = &member.value();
    else
      others_.emplace_back(key, &member.value());
  }
}

std::string_view request_fields::name(request_field field) noexcept { return names[static_cast<std::size_t>(field)]; }

} // namespace claudio
