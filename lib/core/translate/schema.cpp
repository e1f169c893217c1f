#include "core/translate/schema.hpp"

#include "core/json_access.hpp"

#include <boost/json/serialize.hpp>

#include <array>
#include <set>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 3> alternatives{"anyOf", "oneOf", "allOf"};
constexpr std::array<std::string_view, 2> definitions{"$defs", "definitions"};
// Keywords whose value is a schema, a list of them, or schemas by name.
constexpr std::array<std::string_view, 2> schema_members{"items", "additionalItems"};
constexpr std::array<std::string_view, 4> schema_lists{"anyOf", "oneOf", "allOf", "prefixItems"};
constexpr std::array<std::string_view, 3> schema_maps{"properties", "$defs", "definitions"};
// What the API does not enforce, and so refuses.
constexpr std::array<std::string_view, 20> limits{"minimum",
                                                  "maximum",
                                                  "exclusiveMinimum",
                                                  "exclusiveMaximum",
                                                  "multipleOf",
                                                  "minLength",
                                                  "maxLength",
                                                  "maxItems",
                                                  "uniqueItems",
                                                  "minProperties",
                                                  "maxProperties",
                                                  "contains",
                                                  "minContains",
                                                  "maxContains",
                                                  "propertyNames",
                                                  "not",
                                                  "if",
                                                  "then",
                                                  "else",
                                                  "dependentRequired"};
constexpr std::array<std::string_view, 10> formats{"date-time", "time", "date", "duration", "email",
                                                   "hostname",  "uri",  "ipv4", "ipv6",     "uuid"};

template <std::size_t N>
bool contains(std::array<std::string_view, N> const& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_object_schema(json::object const& schema) {
  if (schema.contains("properties"))
    return true;
  auto const* type = schema.if_contains("type");
  if (!type)
    return false;
  if (auto const* list = type->if_array())
    return std::find(list->begin(), list->end(), "object") != list->end();
  return *type == "object";
}

// Calls `visit(child)` for each schema inside a schema.
template <class Schema, class Visitor>
void for_each_child(Schema& schema, Visitor visit) {
  for (auto& member : schema) {
    std::string_view const key = member.key();
    auto& value = member.value();
    if (contains(schema_members, key)) {
      if (auto* child = value.if_object())
        visit(*child);
    } else if (contains(schema_lists, key)) {
      if (auto* list = value.if_array())
        for (auto& item : *list)
          if (auto* child = item.if_object())
            visit(*child);
    } else if (contains(schema_maps, key)) {
      if (auto* map = value.if_object())
        for (auto& item : *map)
          if (auto* child = item.value().if_object())
            visit(*child);
    }
  }
}

bool is_open(json::object const& schema) {
  if (schema.contains("patternProperties") || schema.contains("unevaluatedProperties"))
    return true;
  auto const* more = schema.if_contains("additionalProperties");
  if (more)
    return *more != false;
  // An object of which nothing is said may have any member.
  return is_object_schema(schema) && !schema.contains("properties") && !schema.contains("$ref");
}

// Where a reference inside the document points to; null for any other one.
json::object const* resolve(json::object const& root, std::string_view reference) {
  if (reference == "#")
    return &root;
  for (auto const name : definitions) {
    std::string const prefix = "#/" + std::string(name) + "/";
    if (!reference.starts_with(prefix))
      continue;
    auto const* map = find_object(root, name);
    return map ? find_object(*map, reference.substr(prefix.size())) : nullptr;
  }
  return nullptr;
}

class enforceability {
public:
  explicit enforceability(json::object const& root) : root_(root) {}

  bool check(json::object const& schema) {
    if (done_.contains(&schema))
      return true;
    // Met again before it was done: it contains itself. A longer chain of references is nobody's schema.
    constexpr std::size_t deepest = 200;
    if (under_way_.size() == deepest || !under_way_.insert(&schema).second || is_open(schema))
      return false;
    bool fine = true;
    if (auto const* reference = schema.if_contains("$ref")) {
      auto const* text = reference->if_string();
      auto const* target = text ? resolve(root_, *text) : nullptr;
      fine = target && check(*target);
    }
    for_each_child(schema, [&](json::object const& child) { fine = fine && check(child); });
    under_way_.erase(&schema);
    done_.insert(&schema);
    return fine;
  }

private:
  json::object const& root_;
  std::set<json::object const*> under_way_;
  std::set<json::object const*> done_;
};

void append_to_description(json::object& schema, std::string const& text) {
  auto& description = schema["description"];
  if (!description.is_string())
    description.emplace_string();
  auto& words = description.get_string();
  if (!words.empty())
    words.append(" ");
  words.append(text);
}

// Groups that look around or back are beyond the API's regular expressions.
bool is_simple_pattern(json::value const& value) {
  auto const* pattern = value.if_string();
  if (!pattern)
    return false;
  for (std::string_view const beyond : {"(?", "\\b", "\\B", "\\1", "\\2", "\\3", "\\k", "\\p", "\\P"})
    if (std::string_view(*pattern).find(beyond) != std::string_view::npos)
      return false;
  return true;
}

bool is_beyond(std::string_view key, json::value const& value) {
  if (key == "format")
    return !value.is_string() || !contains(formats, value.get_string());
  if (key == "pattern")
    return !is_simple_pattern(value);
  if (key == "minItems")
    return value != 0 && value != 1;
  return contains(limits, key);
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
        if (auto const* members = object ? find_object(*object, "properties") : nullptr)
          properties.insert(members->begin(), members->end());
      }
    schema.stable_erase(name);
  }
  schema.insert_or_assign("type", "object");
  schema.insert_or_assign("properties", std::move(properties));
  append_to_description(schema, note);
}

} // namespace

json::object translate_tool_schema(json::value* given, json_path const& path, translation_context& context) {
  json::object schema(context.storage);
  if (given && !given->is_null()) {
    auto* object = given->if_object();
    if (!object) {
      context.report.reject(path, "expected a JSON schema, got " + describe_value(*given));
      return schema;
    }
    schema = std::move(*object);
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
  return schema;
}

bool can_be_enforced(json::object const& schema) { return enforceability(schema).check(schema); }

void reduce_to_enforced(json::object& schema, json_path const& path, translation_context& context) {
  std::string beyond;
  auto kept = context.make_object(schema.size() + 1);
  for (auto& member : schema) {
    std::string_view const key = member.key();
    if (is_beyond(key, member.value())) {
      beyond += (beyond.empty() ? "(" : ", ") + std::string(key) + ": " + json::serialize(member.value());
      continue;
    }
    bool const is_choice = key == "oneOf" && !schema.contains("anyOf");
    kept.emplace(is_choice ? json::string_view("anyOf") : member.key(), std::move(member.value()));
  }
  schema = std::move(kept);
  if (is_object_schema(schema))
    schema.insert_or_assign("additionalProperties", false);
  if (!beyond.empty()) {
    context.report.note(path, "limits that Claude does not enforce went into a description: " + beyond + ")");
    append_to_description(schema, beyond + ")");
  }
  for_each_child(schema, [&](json::object& child) { reduce_to_enforced(child, path, context); });
}

} // namespace claudio
