#include "core/json_access.hpp"
#include "testing/judge_rules.hpp"

namespace claudio::testing {
namespace json = boost::json;

namespace {

constexpr char const* thought = "The user said something. I am a fake server, so I will repeat it.";

json::value plausible_value(json::object const& schema) {
  auto const type = find_string(schema, "type");
  if (auto const* choices = find_array(schema, "enum"); choices && !choices->empty())
    return choices->front();
  if (type == "integer" || type == "number")
    return 1;
  if (type == "boolean")
    return true;
  if (type == "array")
    return json::array();
  if (type == "object")
    return json::object();
  if (type == "null")
    return nullptr;
  return "x";
}

// A value for each property that is required.
json::object plausible_input(json::object const& schema) {
  json::object input;
  auto const* required = find_array(schema, "required");
  auto const* properties = find_object(schema, "properties");
  json::object const anything;
  for (std::size_t i = 0; required && i < required->size(); ++i)
    if (auto const* name = (*required)[i].if_string()) {
      auto const* property = properties ? find_object(*properties, *name) : nullptr;
      input[*name] = plausible_value(property ? *property : anything);
    }
  return input;
}

// The tool that the choice names, or the first.
json::object const& forced_tool(json::array const& tools, std::string_view name) {
  for (auto const& tool : tools)
    if (find_string(tool.get_object(), "name") == name)
      return tool.get_object();
  return tools.front().get_object();
}

} // namespace

reply answer_unscripted(json::object const& body, model_capabilities const& model) {
  reply made = reply::answer();
  if (auto const* thinking = find_object(body, "thinking")) {
    auto const type = find_string(*thinking, "type");
    auto const display = find_string(*thinking, "display");
    bool const shown = display.empty() ? model.thinking_text_by_default : display != "omitted";
    if (type == "enabled" || type == "adaptive")
      made.thinking(shown ? thought : "");
  }
  auto const* choice = find_object(body, "tool_choice");
  auto const type = choice ? find_string(*choice, "type") : std::string_view();
  if (type == "any" || type == "tool") {
    auto const& tool = forced_tool(body.at("tools").get_array(), find_string(*choice, "name"));
    json::object const anything;
    auto const* schema = find_object(tool, "input_schema");
    made.tool_call(std::string(find_string(tool, "name")), plausible_input(schema ? *schema : anything));
  }
  return made;
}

} // namespace claudio::testing
