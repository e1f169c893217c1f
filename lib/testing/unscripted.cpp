#include "core/json_access.hpp"
#include "testing/instance_of_schema.hpp"
#include "testing/judge_rules.hpp"

#include <boost/json/serialize.hpp>

namespace claudio::testing {
namespace json = boost::json;

namespace {

constexpr char const* thought = "The user said something. I am a fake server, so I will repeat it.";

// The tool that the choice names, or the first.
json::object const& forced_tool(json::array const& tools, std::string_view name) {
  for (auto const& tool : tools)
    if (find_string(tool.get_object(), "name") == name)
      return tool.get_object();
  return tools.front().get_object();
}

// The schema that the whole answer is to fit.
json::object const* answer_schema(json::object const& body) {
  auto const* config = find_object(body, "output_config");
  auto const* format = config ? find_object(*config, "format") : nullptr;
  return format ? find_object(*format, "schema") : nullptr;
}

} // namespace

reply answer_unscripted(json::object const& body, model_capabilities const& model) {
  auto const* choice = find_object(body, "tool_choice");
  auto const type = choice ? find_string(*choice, "type") : std::string_view();
  bool const is_forced = type == "any" || type == "tool";
  auto const* schema = is_forced ? nullptr : answer_schema(body);
  reply made = schema ? reply::answer(json::serialize(instance_of_schema(*schema))) : reply::answer();
  if (auto const* thinking = find_object(body, "thinking")) {
    auto const kind = find_string(*thinking, "type");
    auto const display = find_string(*thinking, "display");
    bool const shown = display.empty() ? model.thinking_text_by_default : display != "omitted";
    if (kind == "enabled" || kind == "adaptive")
      made.thinking(shown ? thought : "");
  }
  if (is_forced) {
    auto const& tool = forced_tool(body.at("tools").get_array(), find_string(*choice, "name"));
    auto const* parameters = find_object(tool, "input_schema");
    auto const input = parameters ? instance_of_schema(*parameters) : json::value();
    made.tool_call(std::string(find_string(tool, "name")), input.is_object() ? input.get_object() : json::object());
  }
  return made;
}

} // namespace claudio::testing
