#include "core/json_access.hpp"
#include "core/request_size.hpp"
#include "testing/judge_rules.hpp"

namespace claudio::testing {
namespace json = boost::json;

namespace {

verdict check_sampling(json::object const& body, model_capabilities const& model, std::string_view version) {
  for (std::string_view const field : {"temperature", "top_p", "top_k"}) {
    auto const* value = body.if_contains(field);
    if (!value)
      continue;
    if (is_new_version(version))
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
  // Extended thinking, feature compatibility.
  auto const* thinking = find_object(body, "thinking");
  auto const kind = thinking ? find_string(*thinking, "type") : std::string_view();
  if (kind != "enabled" && kind != "adaptive")
    return std::nullopt;
  if (auto const* value = body.if_contains("temperature"); value && value->to_number<double>() != 1)
    return refuse("`temperature` may only be set to 1 when thinking is enabled.");
  if (body.contains("top_k"))
    return refuse("`top_k` must be unset when thinking is enabled.");
  return std::nullopt;
}

verdict check_thinking(json::object const& body, model_capabilities const& model) {
  auto const* given = body.if_contains("thinking");
  if (!given)
    return std::nullopt;
  if (!given->is_object())
    return refuse("thinking: Input should be an object");
  auto const& thinking = given->get_object();
  auto const type = find_string(thinking, "type");
  constexpr std::array<std::string_view, 4> kinds{"enabled", "adaptive", "disabled", "between_tools"};
  if (!is_among(kinds, type))
    return refuse("thinking: Input tag '" + std::string(type) +
                  "' found using 'type' does not match any of the expected tags: 'enabled', 'adaptive', 'disabled', "
                  "'between_tools'");
  bool const refused =
      (type == "enabled" && !model.budget_thinking) || (type == "adaptive" && !model.adaptive_thinking) ||
      (type == "disabled" && !model.disabling_thinking) || (type == "between_tools" && !model.between_tools_thinking);
  if (refused)
    return refuse("thinking.type: \"" + std::string(type) + "\" is not supported by this model");
  if (type != "enabled")
    return std::nullopt;
  constexpr std::int64_t least_budget = 1024;
  auto const budget = find_integer(thinking, "budget_tokens");
  if (!budget)
    return refuse("thinking.enabled.budget_tokens: Field required");
  if (*budget < least_budget)
    return refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
  if (auto const most = find_integer(body, "max_tokens"); most && *most <= *budget)
    return refuse("`max_tokens` must be greater than `thinking.budget_tokens`.");
  return std::nullopt;
}

verdict check_effort(json::value const& given, model_capabilities const& model) {
  constexpr std::array<std::string_view, 5> efforts{"low", "medium", "high", "xhigh", "max"};
  if (!given.is_string() || !is_among(efforts, given.get_string()))
    return refuse("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'");
  std::string_view const effort = given.get_string();
  if (!model.effort)
    return refuse("This model does not support the effort parameter.");
  if ((effort == "xhigh" && !model.xhigh_effort) || (effort == "max" && !model.max_effort))
    return refuse("output_config.effort: \"" + std::string(effort) + "\" is not supported by this model");
  return std::nullopt;
}

verdict check_output_config(json::object const& body, model_capabilities const& model) {
  auto const* given = body.if_contains("output_config");
  if (!given)
    return std::nullopt;
  if (!given->is_object())
    return refuse("output_config: Input should be an object");
  for (auto const& [key, value] : given->get_object()) {
    if (key == "effort") {
      if (auto wrong = check_effort(value, model))
        return wrong;
    } else if (key != "format" && key != "task_budget") {
      return refuse("output_config." + std::string(key) + ": Extra inputs are not permitted");
    }
  }
  auto const* format = given->get_object().if_contains("format");
  if (!format || format->is_null())
    return std::nullopt;
  if (!format->is_object())
    return refuse("output_config.format: Input should be an object");
  if (find_string(format->get_object(), "type") != "json_schema")
    return refuse("output_config.format.type: Input should be 'json_schema'");
  auto const* schema = format->get_object().if_contains("schema");
  if (!schema)
    return refuse("output_config.format.schema: Field required");
  if (!schema->is_object())
    return refuse("output_config.format.schema: Input should be an object");
  for (auto const& [key, value] : format->get_object())
    if (key != "type" && key != "schema")
      return refuse("output_config.format." + std::string(key) + ": Extra inputs are not permitted");
  if (!model.native_output_format)
    return refuse("output_config.format: structured outputs are not supported by this model");
  return std::nullopt;
}

// Tokens are guessed from the size of the text, images by what one usually costs.
verdict check_context(json::object const& body, std::string_view text, model_capabilities const& model) {
  constexpr std::size_t bytes_per_token = 4;
  auto const input = static_cast<std::int64_t>(measure_request(text).bytes / bytes_per_token);
  if (input > model.context_tokens)
    return refuse("prompt is too long: " + std::to_string(input) + " tokens > " + std::to_string(model.context_tokens) +
                  " maximum");
  auto const most = find_integer(body, "max_tokens").value_or(0);
  if (input + most > model.context_tokens)
    return refuse("input length and `max_tokens` exceed context limit: " + std::to_string(input) + " + " +
                  std::to_string(most) + " > " + std::to_string(model.context_tokens) +
                  ", decrease input length or `max_tokens` and try again");
  return std::nullopt;
}

} // namespace

verdict check_model_rules(json::object const& body, std::string_view text, model_capabilities const& model,
                          std::string_view version) {
  if (auto wrong = check_sampling(body, model, version))
    return wrong;
  if (auto wrong = check_thinking(body, model))
    return wrong;
  if (auto wrong = check_output_config(body, model))
    return wrong;
  return check_context(body, text, model);
}

} // namespace claudio::testing
