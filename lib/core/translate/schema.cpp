#include "core/translate/schema.hpp"

#include "core/translate/schema_repair.hpp"
#include "core/translate/schema_walk.hpp"

#include <boost/json/serialize.hpp>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::size_t most_choices = 100;
constexpr std::array<std::string_view, 3> alternatives{"anyOf", "oneOf", "allOf"};

// A property that is described differently may be as any of the descriptions says; where these are too many, anything.
void add_property(json::object& properties, std::string_view name, json::value const& schema) {
  auto* known = properties.if_contains(name);
  if (!known) {
    properties.emplace(name, schema);
    return;
  }
  auto* choices =
      known->is_object() && known->get_object().size() == 1 ? known->get_object().if_contains("anyOf") : nullptr;
  if (!choices || !choices->is_array()) {
    if (*known == schema || *known == json::object())
      return;
    json::object choice(properties.storage());
    choice.emplace("anyOf", json::array({*known}, properties.storage()));
    *known = std::move(choice);
    choices = &known->get_object()["anyOf"];
  }
  auto& list = choices->get_array();
  if (list.size() == most_choices)
    *known = json::object(properties.storage());
  else if (std::find(list.begin(), list.end(), schema) == list.end())
    list.push_back(schema);
}

// An object with the members that any of the alternatives has.
void flatten_alternatives(json::object& schema) {
  json::object properties(schema.storage());
  if (auto* own = schema.if_contains("properties"); own && own->is_object())
    properties = std::move(own->get_object());
  std::string note = "Also has to fit:";
  for (auto const name : alternatives) {
    auto* list = schema.if_contains(name);
    if (!list)
      continue;
    json::object constraint;
    constraint.emplace(name, *list);
    note += " " + json::serialize(constraint);
    if (auto const* schemas = list->if_array())
      for (auto const& alternative : *schemas) {
        auto const* object = alternative.if_object();
        if (auto const* target = object ? find_definition(schema, find_string(*object, "$ref")) : nullptr)
          object = target;
        if (auto const* members = object ? find_object(*object, "properties") : nullptr)
          for (auto const& [key, property] : *members)
            add_property(properties, key, property);
      }
    schema.stable_erase(name);
  }
  schema.insert_or_assign("type", "object");
  schema.insert_or_assign("properties", std::move(properties));
  append_to_description(schema, note);
}

void lose_odd_properties(json::object& schema, json_path const& path, translation_context& context) {
  auto* properties = schema.if_contains("properties");
  auto* members = properties ? properties->if_object() : nullptr;
  if (!members ||
      std::all_of(members->begin(), members->end(), [](auto const& m) { return is_parameter_name(m.key()); }))
    return;
  json_path const properties_path(path, "properties");
  json::object kept(schema.storage());
  for (auto& member : *members)
    if (is_parameter_name(member.key()))
      kept.emplace(member.key(), std::move(member.value()));
    else
      context.report.lose(json_path(properties_path, member.key()),
                          "Claude takes names of at most 64 letters, digits, \"_\", \".\" and \"-\"");
  *members = std::move(kept);
  if (auto* required = schema.if_contains("required"); required && required->is_array()) {
    auto& list = required->get_array();
    list.erase(std::remove_if(
                   list.begin(), list.end(),
                   [](json::value const& name) { return name.is_string() && !is_parameter_name(name.get_string()); }),
               list.end());
  }
}

} // namespace

bool is_parameter_name(std::string_view name) {
  constexpr std::size_t longest = 64;
  return !name.empty() && name.size() <= longest && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

json::object translate_tool_schema(json::value* given, json_path const& path, translation_context& context) {
  json::object schema(context.storage);
  if (given && !given->is_null()) {
    auto* object = given->if_object();
    if (!object) {
      context.report.reject(path, "expected a JSON schema, got " + describe_value(*given));
      return schema;
    }
    schema = std::move(*object);
    modernize_schema(schema);
    inline_root(schema);
    schema.stable_erase("nullable"); // arguments are never null
  }
  for (auto const name : alternatives)
    if (schema.contains(name)) {
      context.report.lose(json_path(path, name), "Claude refuses alternatives at the root of a tool's schema",
                          "moved into the description");
      flatten_alternatives(schema);
      break;
    }
  auto const* type = schema.if_contains("type");
  if (!type || *type != "object") {
    if (type)
      context.report.note(json_path(path, "type"), "set to \"object\", as Claude wants a tool's parameters");
    schema.insert_or_assign("type", "object");
  }
  if (schema.size() == 1)
    schema.emplace("properties", json::object(context.storage));
  lose_odd_properties(schema, path, context);
  return schema;
}

} // namespace claudio
