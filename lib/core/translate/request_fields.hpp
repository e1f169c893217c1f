#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace claudio {

/// The fields of a chat request that are translated. Anthropic's own, which pass through, come last.
enum class request_field : std::uint8_t {
  model,
  messages,
  max_tokens,
  max_completion_tokens,
  temperature,
  top_p,
  top_k,
  stop,
  stop_sequences,
  tools,
  tool_choice,
  functions,
  function_call,
  parallel_tool_calls,
  web_search_options,
  response_format,
  reasoning_effort,
  reasoning,
  thinking,
  output_config,
  user,
  safety_identifier,
  metadata,
  service_tier,
  stream,
  stream_options,
  n,
  cache_control,
  speed,
  context_management,
  mcp_servers,
  container,
  inference_geo,
  diagnostics,
  compaction,
  thread,
  fallbacks,
  fallback_credit_token,
  billing_policy
};

inline constexpr auto first_extension = request_field::cache_control;
inline constexpr auto last_extension = request_field::billing_policy;

/// All fields of a chat request, found in one pass. Refers to the request.
class request_fields {
public:
  explicit request_fields(boost::json::object& request);

  /// The field's value; null when it is absent or null.
  boost::json::value* operator[](request_field field) const noexcept {
    return values_[static_cast<std::size_t>(field)];
  }

  static std::string_view name(request_field field) noexcept;

  /// The fields that are none of the above, and not null.
  std::vector<std::pair<std::string_view, boost::json::value*>> const& others() const noexcept { return others_; }

private:
  std::array<boost::json::value*, static_cast<std::size_t>(last_extension) + 1> values_{};
  std::vector<std::pair<std::string_view, boost::json::value*>> others_;
};

} // namespace claudio
