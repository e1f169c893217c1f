#include "core/translate/schema_repair.hpp"

#include "core/translate/schema_walk.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

namespace claudio {
namespace json = boost::json;

namespace {

// What a schema says to people. It takes part in no check of values.
constexpr std::array<std::string_view, 8> annotations{"title",    "description", "default", "examples",
                                                      "$comment", "deprecated",  "$defs",   "definitions"};

// Names of types that are none of JSON Schema's, as programs in other languages write them.
std::string_view known_type(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> others{{{"int", "integer"},
                                                                                  {"long", "integer"},
                                                                                  {"float", "number"},
                                                                                  {"double", "number"},
                                                                                  {"str", "string"},
                                                                                  {"bool", "boolean"},
                                                                                  {"dict", "object"},
                                                                                  {"map", "object"},
                                                                                  {"list", "array"},
                                                                                  {"tuple", "array"},
                                                                                  {"none", "null"},
                                                                                  {"nil", "null"}}};
  for (auto const& [other, known] : others)
    if (name == other)
      return known;
  return name;
}

void settle_type_name(json::value& type) {
  if (auto* list = type.if_array())
    for (auto& each : *list)
      settle_type_name(each);
  auto* name = type.if_string();
  if (!name)
    return;
  std::string small(*name);
  for (char& c : small)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (auto const known = known_type(small); known != std::string_view(*name))
    *name = known;
}

// Draft 4: `exclusiveMinimum: true` is about the `minimum` beside it.
void settle_limit(json::object& schema, std::string_view limit, std::string_view exclusive) {
  auto const* flag = schema.if_contains(exclusive);
  if (!flag || !flag->is_bool())
    return;
  auto* value = schema.if_contains(limit);
  if (!flag->get_bool() || !value) {
    schema.stable_erase(exclusive);
    return;
  }
  schema.insert_or_assign(exclusive, std::move(*value));
  schema.stable_erase(limit);
}

void rename(json::object& schema, std::string_view from, std::string_view to) {
  auto* value = schema.if_contains(from);
  if (!value)
    return;
  auto moved = std::move(*value);
  schema.stable_erase(from);
  schema.insert_or_assign(to, std::move(moved));
}

// Draft 3: `required: true` is said of a property, not by its object.
void lift_required(json::object& schema) {
  auto* properties = schema.if_contains("properties");
  if (!properties || !properties->is_object())
    return;
  json::array lifted(schema.storage());
  for (auto& [name, value] : properties->get_object())
    if (auto* property = value.if_object())
      if (auto const* flag = property->if_contains("required"); flag && flag->is_bool()) {
        if (flag->get_bool())
          lifted.emplace_back(name);
        property->stable_erase("required");
      }
  if (lifted.empty())
    return;
  auto& required = schema["required"];
  if (!required.is_array())
    required.emplace_array();
  for (auto& name : lifted)
    required.get_array().push_back(std::move(name));
}

void settle_required(json::object& schema) {
  auto* required = schema.if_contains("required");
  auto* list = required ? required->if_array() : nullptr;
  if (!list)
    return;
  boost::unordered_flat_set<std::string> seen;
  auto const is_double = [&](json::value const& name) {
    return name.is_string() && !seen.emplace(std::string_view(name.get_string())).second;
  };
  list->erase(std::remove_if(list->begin(), list->end(), is_double), list->end());
}

bool has_constraint(json::object const& schema) {
  return std::any_of(schema.begin(), schema.end(),
                     [](auto const& member) { return !is_one_of(annotations, member.key()); });
}

bool merge_properties(json::value& into, json::value&& other) {
  auto* known = into.if_object();
  auto* added = other.if_object();
  if (!known || !added)
    return false;
  for (auto& [name, schema] : *added)
    if (auto const* same = known->if_contains(name); !same)
      known->emplace(name, std::move(schema));
    else if (*same != schema)
      return false;
  return true;
}

bool merge_required(json::value& into, json::value&& other) {
  auto* known = into.if_array();
  auto* added = other.if_array();
  if (!known || !added)
    return false;
  for (auto& name : *added)
    known->push_back(std::move(name));
  return true;
}

} // namespace

void modernize_schema(json::object& schema) {
  for (std::string_view const name : {"properties", "$defs", "definitions", "patternProperties"})
    if (auto* map = schema.if_contains(name); map && map->is_array() && map->get_array().empty())
      map->emplace_object();
  if (auto* type = schema.if_contains("type")) {
    settle_type_name(*type);
    if (*type == "any")
      schema.stable_erase("type");
  }
  settle_limit(schema, "minimum", "exclusiveMinimum");
  settle_limit(schema, "maximum", "exclusiveMaximum");
  if (auto const* items = schema.if_contains("items"); items && items->is_array()) {
    rename(schema, "items", "prefixItems");
    rename(schema, "additionalItems", "items");
  }
  lift_required(schema);
  settle_required(schema);
  for_each_child(schema, [](json::object& child) { modernize_schema(child); });
  for_each_definition(schema, [](json::object& definition) { modernize_schema(definition); });
}

void inline_root(json::object& schema) {
  // As many as a chain of definitions may have; a circle of them stays.
  constexpr int longest_chain = 10;
  for (int i = 0; i < longest_chain; ++i) {
    json::object rest(schema.storage());
    json::array parts(schema.storage());
    for (auto const& [key, value] : schema) {
      auto const* list = value.if_array();
      if (key == "$ref")
        parts.emplace_back(json::object({{key, value}}, schema.storage()));
      else if (list && (key == "allOf" || (list->size() == 1 && (key == "anyOf" || key == "oneOf"))))
        parts.insert(parts.end(), list->begin(), list->end());
      else
        rest.emplace(key, value);
    }
    if (parts.empty())
      return;
    for (auto& part : parts) {
      auto* object = part.if_object();
      auto const* target = object ? find_definition(schema, find_string(*object, "$ref")) : nullptr;
      if (!object || target == &schema)
        return;
      if (target)
        object->stable_erase("$ref");
      if ((target && !merge_schema(*object, json::object(*target, schema.storage()))) ||
          !merge_schema(rest, std::move(*object)))
        return;
    }
    schema = std::move(rest);
  }
}

void take_nullable(json::object& schema) {
  auto const* flag = schema.if_contains("nullable");
  if (!flag || !flag->is_bool())
    return;
  bool const nullable = flag->get_bool();
  schema.stable_erase("nullable");
  if (!nullable)
    return;
  if (auto* type = schema.if_contains("type")) {
    if (type->is_string() && *type != "null")
      *type = json::array({*type, "null"}, schema.storage());
    else if (type->is_array())
      type->get_array().emplace_back("null");
    if (auto* choices = schema.if_contains("enum"); choices && choices->is_array())
      if (auto& list = choices->get_array(); std::find(list.begin(), list.end(), nullptr) == list.end())
        list.emplace_back(nullptr);
    return;
  }
  if (!has_constraint(schema))
    return;
  json::object others(schema.storage());
  json::object common(schema.storage());
  for (auto& member : schema)
    (is_one_of(annotations, member.key()) ? common : others).emplace(member.key(), std::move(member.value()));
  json::object null(schema.storage());
  null.emplace("type", "null");
  json::array alternatives(schema.storage());
  alternatives.emplace_back(std::move(others));
  alternatives.emplace_back(std::move(null));
  common.emplace("anyOf", std::move(alternatives));
  schema = std::move(common);
}

bool merge_schema(json::object& into, json::object&& other) {
  // A reference is what it refers to, of which nothing is known here.
  if ((other.contains("$ref") && has_constraint(into)) || (into.contains("$ref") && has_constraint(other)))
    return false;
  // A closed object knows nothing of the other's properties.
  if (into.contains("properties") && other.contains("properties") &&
      (into.contains("additionalProperties") || other.contains("additionalProperties")))
    return false;
  for (auto& member : other) {
    std::string_view const key = member.key();
    auto* known = into.if_contains(key);
    if (!known)
      into.emplace(member.key(), std::move(member.value()));
    else if (key == "properties" ? !merge_properties(*known, std::move(member.value()))
             : key == "required" ? !merge_required(*known, std::move(member.value()))
                                 : !is_one_of(annotations, key) && *known != member.value())
      return false;
  }
  return true;
}

void append_to_description(json::object& schema, std::string_view text) {
  auto& description = schema["description"];
  if (!description.is_string())
    description.emplace_string();
  auto& words = description.get_string();
  if (!words.empty())
    words.append(" ");
  words.append(text);
}

} // namespace claudio
