#include "core/translate/output_format.hpp"

#include "core/json_access.hpp"
#include "core/translate/enforced_schema.hpp"
#include "core/translate/schema.hpp"
#include "core/translate/schema_repair.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::string_view answer_tool = "json_answer";

void format_natively(enforced_schema&& enforced, json_path const& path, thinking_plan& thinking,
                     translation_context& context) {
  for (auto const& limits : enforced.described)
    context.report.note(path, "limits that Claude does not enforce went into a description: " + limits);
  auto format = context.make_object(2);
  format.emplace("type", "json_schema");
  format.emplace("schema", std::move(enforced.schema));
  thinking.output_config().insert_or_assign("format", std::move(format));
}

// The API wants an object at a tool's root, and names that it takes; any other answer can't come this way.
bool fits_tool(json::object const& schema) {
  auto const* type = schema.if_contains("type");
  auto const* properties = find_object(schema, "properties");
  return type && *type == "object" &&
         (!properties || std::all_of(properties->begin(), properties->end(),
                                     [](auto const& member) { return is_parameter_name(member.key()); }));
}

bool answer_by_tool(json::object& schema, json::object const& named, json_path const& path, toolset& tools,
                    translation_context& context) {
  if (!fits_tool(schema))
    return false;
  auto& names = context.tool_names;
  std::string const name(names.knows(answer_tool) ? names.renew(answer_tool) : names.of(answer_tool));
  auto tool = context.make_object(3);
  tool.emplace("name", name);
  auto const description = find_string(named, "description");
  tool.emplace("description", description.empty() ? std::string("Gives the answer. Call it with the whole answer.")
                                                  : "Gives the answer. " + std::string(description));
  auto copy = json::value(schema, context.storage);
  tool.emplace("input_schema", translate_tool_schema(&copy, path, context));
  if (!tools.add_answer_tool(std::move(tool), name))
    return false;
  context.answer.json_tool = name;
  return true;
}

void translate_schema(json::object& named, json_path const& path, conversation& messages, toolset& tools,
                      thinking_plan& thinking, translation_context& context) {
  json_path const schema_path(path, "schema");
  auto* given = find_given(named, "schema");
  if (!given || !given->is_object()) {
    context.report.reject(schema_path, "expected a JSON schema");
    return;
  }
  auto& schema = given->get_object();
  modernize_schema(schema);
  inline_root(schema);
  std::string excess;
  if (context.model().native_output_format)
    if (auto enforced = enforce_schema(schema)) {
      if (enforced->cost.fits()) {
        format_natively(std::move(*enforced), schema_path, thinking, context);
        return;
      }
      excess = enforced->cost.excess();
    }
  if (context.model().forced_tool_choice && !thinking.thinks() &&
      answer_by_tool(schema, named, schema_path, tools, context)) {
    if (!excess.empty())
      context.report.lose(schema_path, excess, "asked for by the tool \"" + context.answer.json_tool + "\"");
    return;
  }
  context.report.lose(schema_path, excess.empty() ? "can't be enforced by " + context.quoted_model() + " here" : excess,
                      "asked for in words");
  messages.add_instruction("Answer with a single JSON value that fits this JSON schema, and nothing else:\n" +
                           json::serialize(schema));
}

} // namespace

void translate_response_format(json::value& value, conversation& messages, toolset& tools, thinking_plan& thinking,
                               translation_context& context) {
  json_path const path("response_format");
  auto* format = value.if_object();
  auto const type = format ? find_string(*format, "type") : std::string_view();
  if (type == "text")
    return;
  if (type == "json_object") {
    context.report.note(path, "asked for in words, Claude has no such format without a schema");
    messages.add_instruction("Answer with a single JSON object and nothing else.");
    return;
  }
  json_path const named_path(path, "json_schema");
  auto* named = type == "json_schema" ? format->if_contains("json_schema") : nullptr;
  if (named && named->is_object())
    translate_schema(named->get_object(), named_path, messages, tools, thinking, context);
  else
    context.report.reject(type == "json_schema" ? named_path : json_path(path, "type"),
                          "expected \"text\", \"json_object\", or \"json_schema\" with a schema");
}

void translate_native_format(conversation& messages, toolset& tools, thinking_plan& thinking,
                             translation_context& context) {
  auto& config = thinking.output_config();
  auto* given = config.if_contains("format");
  if (!given)
    return;
  auto format = std::move(*given);
  config.stable_erase("format");
  if (format.is_null())
    return;
  json_path const parent("output_config");
  json_path const path(parent, "format");
  if (format.is_object() && find_string(format.get_object(), "type") == "json_schema")
    translate_schema(format.get_object(), path, messages, tools, thinking, context);
  else
    context.report.reject(path, "expected {\"type\": \"json_schema\", \"schema\": …}");
}

} // namespace claudio
