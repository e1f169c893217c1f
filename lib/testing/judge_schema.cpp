#include "core/json_access.hpp"
#include "testing/judge_rules.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace claudio::testing {
namespace json = boost::json;

// Structured outputs, JSON schema limitations. The messages are those that people report.
namespace {

constexpr std::size_t most_strict_tools = 20;
constexpr std::size_t most_optional = 24;
constexpr std::size_t most_unions = 16;

constexpr std::array<std::string_view, 21> known_keywords{
    "type",        "enum",       "const",    "anyOf",   "allOf",    "$ref",     "$defs",
    "definitions", "properties", "required", "items",   "minItems", "format",   "pattern",
    "description", "default",    "title",    "$schema", "$id",      "$comment", "additionalProperties"};
constexpr std::array<std::string_view, 10> known_formats{"date-time", "time", "date", "duration", "email",
                                                         "hostname",  "uri",  "ipv4", "ipv6",     "uuid"};
constexpr std::array<std::string_view, 7> known_types{"object",  "array",   "string", "number",
                                                      "integer", "boolean", "null"};

// As Python writes values.
std::string quoted(json::value const& value) {
  if (value.is_string())
    return "'" + std::string(value.get_string()) + "'";
  if (value.is_null())
    return "None";
  if (value.is_bool())
    return value.get_bool() ? "True" : "False";
  auto const* list = value.if_array();
  if (!list)
    return json::serialize(value);
  std::string text;
  for (auto const& each : *list)
    text += (text.empty() ? "" : ", ") + quoted(each);
  return "[" + text + "]";
}

std::string declared(json::value const& type) {
  return type.is_string() ? std::string(type.get_string()) : quoted(type);
}

bool has_type(json::value const& value, std::string_view type) {
  auto const* fraction = value.if_double();
  return type == "string"    ? value.is_string()
         : type == "null"    ? value.is_null()
         : type == "boolean" ? value.is_bool()
         : type == "number"  ? value.is_number()
         : type == "integer" ? value.is_number() && (!fraction || std::trunc(*fraction) == *fraction)
                             : false;
}

// Calls `visit(schema)` for each schema inside one, until it says false.
template <class Visitor>
bool all_inside(json::object const& schema, Visitor visit) {
  bool fine = true;
  auto const look = [&](json::value const& value) { fine = fine && visit(value); };
  for (auto const& [key, value] : schema) {
    if (key == "items" || key == "not" || (key == "additionalProperties" && value.is_object()))
      look(value);
    else if (key == "anyOf" || key == "oneOf" || key == "allOf" || key == "prefixItems")
      for (std::size_t i = 0; value.is_array() && i < value.get_array().size(); ++i)
        look(value.get_array()[i]);
    else if (key == "properties" || key == "$defs" || key == "definitions" || key == "patternProperties")
      for (std::size_t i = 0; value.is_object() && i < value.get_object().size(); ++i)
        look((value.get_object().begin() + static_cast<std::ptrdiff_t>(i))->value());
  }
  return fine;
}

class schema_judge {
public:
  schema_judge(json::object const& root, std::string path) : root_(root), path_(std::move(path)) {}

  verdict check(json::value const& value) {
    auto const* schema = value.if_object();
    if (!schema)
      return refuse(path_ + ": Boolean schemas are not supported");
    verdict wrong = check_words(*schema);
    if (wrong)
      return wrong;
    all_inside(*schema, [&](json::value const& inner) {
      wrong = check(inner);
      return !wrong;
    });
    return wrong ? wrong : check_recursion(*schema);
  }

private:
  verdict check_words(json::object const& schema) {
    auto const* type = schema.if_contains("type");
    std::string const name = type ? declared(*type) : "any";
    constexpr std::array<std::string_view, 6> saying{"type", "enum", "const", "anyOf", "allOf", "$ref"};
    if (std::none_of(saying.begin(), saying.end(), [&](std::string_view key) { return schema.contains(key); }) &&
        !schema.contains("oneOf") && !schema.contains("properties"))
      return refuse(path_ + ": Empty schema ({}) that accepts any JSON value is not supported.");
    std::set<std::string> beyond;
    for (auto const& [key, value] : schema)
      if (!is_among(known_keywords, key))
        beyond.emplace(key);
    if (beyond.size() == 1)
      return refuse(path_ + ": For '" + name + "' type, property '" + *beyond.begin() + "' is not supported");
    std::string listed;
    for (auto const& key : beyond)
      listed += (listed.empty() ? "" : ", ") + key;
    if (!beyond.empty())
      return refuse(path_ + ": For '" + name + "' type, properties " + listed + " are not supported");
    if (auto wrong = check_choice(schema, type))
      return wrong;
    if (auto wrong = check_reference(schema))
      return wrong;
    if (auto wrong = check_object(schema, name))
      return wrong;
    auto const* least = schema.if_contains("minItems");
    if (least && *least != 0 && *least != 1)
      return refuse(path_ + ": For 'array' type, 'minItems' values other than 0 or 1 are not supported (got: [" +
                    json::serialize(*least) + ", \u221e])");
    if (auto const* format = schema.if_contains("format");
        format && (!format->is_string() || !is_among(known_formats, format->get_string())))
      return refuse(path_ + ": For 'string' type, format " + quoted(*format) + " is not supported");
    if (find_string(schema, "pattern").find("(?") != std::string_view::npos)
      return refuse(path_ + ": For 'string' type, patterns with lookaround are not supported");
    return std::nullopt;
  }

  verdict check_choice(json::object const& schema, json::value const* type) const {
    auto const* choices = schema.if_contains("enum");
    if (!choices)
      return std::nullopt;
    if (!choices->is_array() || choices->get_array().empty())
      return refuse(path_ + ": Invalid schema: 'enum' must be a non-empty list");
    for (auto const& choice : choices->get_array()) {
      if (choice.is_object() || choice.is_array())
        return refuse(path_ + ": Invalid schema: Complex types within enums are not supported");
      // A list of types is no type that a value could match.
      if (type && !has_type(choice, type->is_string() ? std::string_view(type->get_string()) : ""))
        return refuse(path_ + ": Invalid schema: Enum value " + quoted(choice) + " does not match declared type '" +
                      declared(*type) + "'");
    }
    return std::nullopt;
  }

  verdict check_reference(json::object const& schema) const {
    if (auto const* all = find_array(schema, "allOf"))
      for (auto const& part : *all)
        if (auto const* object = part.if_object(); object && object->contains("$ref"))
          return refuse(path_ + ": Invalid schema: 'allOf' with '$ref' is not supported");
    if (auto const* reference = schema.if_contains("$ref"); reference && !target_of(schema))
      return refuse(path_ + ": Invalid schema: external $ref " + quoted(*reference) + " is not supported");
    return std::nullopt;
  }

  verdict check_object(json::object const& schema, std::string const& type) const {
    if (type != "object" && !schema.contains("properties"))
      return std::nullopt;
    auto const* others = schema.if_contains("additionalProperties");
    if (!others)
      return refuse(path_ + ": For 'object' type, 'additionalProperties' must be explicitly set to false");
    if (*others != false)
      return refuse(path_ + ": For 'object' type, 'additionalProperties: " + (others->is_bool() ? "true" : "object") +
                    "' is not supported. Please set 'additionalProperties' to false");
    return std::nullopt;
  }

  json::object const* target_of(json::object const& schema) const {
    auto const reference = find_string(schema, "$ref");
    if (reference == "#")
      return &root_;
    for (std::string_view const place : {"$defs", "definitions"}) {
      std::string const prefix = "#/" + std::string(place) + "/";
      auto const* map = reference.starts_with(prefix) ? find_object(root_, place) : nullptr;
      if (map)
        return find_object(*map, reference.substr(prefix.size()));
    }
    return nullptr;
  }

  verdict check_recursion(json::object const& schema) {
    auto const* target = target_of(schema);
    if (!target || done_.contains(target))
      return std::nullopt;
    if (!under_way_.insert(target).second || target == &root_)
      return refuse(path_ + ": Invalid schema: Recursive schemas are not supported");
    verdict wrong = follow(*target);
    under_way_.erase(target);
    done_.insert(target);
    return wrong;
  }

  verdict follow(json::object const& schema) {
    constexpr std::size_t longest_chain = 1000;
    if (under_way_.size() > longest_chain)
      return refuse("Schema is too complex for compilation. Try simplifying the schema.");
    verdict wrong = check_recursion(schema);
    if (!wrong)
      all_inside(schema, [&](json::value const& inner) {
        if (auto const* object = inner.if_object())
          wrong = follow(*object);
        return !wrong;
      });
    return wrong;
  }

  json::object const& root_;
  std::string path_;
  std::set<json::object const*> under_way_;
  std::set<json::object const*> done_;
};

// Every schema as it is written, definitions included.
class schema_totals {
public:
  void add(json::object const& schema) {
    if (auto const* properties = find_object(schema, "properties")) {
      std::set<std::string_view> required;
      if (auto const* names = find_array(schema, "required"))
        for (auto const& name : *names)
          if (name.is_string())
            required.insert(name.get_string());
      for (auto const& property : *properties)
        optional += required.contains(property.key()) ? 0 : 1;
    }
    auto const* type = schema.if_contains("type");
    unions += schema.contains("anyOf") || (type && type->is_array()) ? 1 : 0;
    all_inside(schema, [&](json::value const& inner) {
      if (auto const* object = inner.if_object())
        add(*object);
      return true;
    });
  }

  verdict check() const {
    if (tools > most_strict_tools)
      return refuse("Too many strict tools (" + std::to_string(tools) +
                    "). The maximum number of strict tools supported is 20. Try reducing the number of tools marked as "
                    "strict.");
    if (optional > most_optional)
      return refuse("Schemas contains too many optional parameters (" + std::to_string(optional) +
                    "), which would make grammar compilation inefficient. Reduce the number of optional parameters in "
                    "your tool schemas (limit: 24).");
    if (unions > most_unions)
      return refuse("Schemas contains too many parameters with union types (" + std::to_string(unions) +
                    " parameters with type arrays or anyOf). This causes exponential compilation cost. Reduce the "
                    "number of nullable or union-typed parameters (limit: 16 parameters with unions).");
    return std::nullopt;
  }

  std::size_t tools = 0;
  std::size_t optional = 0;
  std::size_t unions = 0;
};

bool is_name_list(json::value const& value) {
  auto const* list = value.if_array();
  std::set<std::string_view> seen;
  return list && std::all_of(list->begin(), list->end(), [&](json::value const& name) {
           return name.is_string() && seen.insert(name.get_string()).second;
         });
}

bool is_type(json::value const& value) {
  if (auto const* name = value.if_string())
    return is_among(known_types, *name);
  auto const* list = value.if_array();
  return list && !list->empty() && is_name_list(value) &&
         std::all_of(list->begin(), list->end(), [](json::value const& each) { return is_type(each); });
}

} // namespace

bool is_draft_2020(json::value const& value) {
  auto const* schema = value.if_object();
  if (!schema)
    return value.is_bool();
  for (auto const& [key, word] : *schema) {
    bool fine = true;
    if (key == "type")
      fine = is_type(word);
    else if (key == "required")
      fine = is_name_list(word);
    else if (key == "properties" || key == "$defs" || key == "definitions" || key == "patternProperties")
      fine = word.is_object();
    else if (key == "anyOf" || key == "oneOf" || key == "allOf" || key == "prefixItems")
      fine = word.is_array() && !word.get_array().empty();
    else if (key == "items" || key == "additionalProperties" || key == "not")
      fine = word.is_object() || word.is_bool();
    else if (key == "enum")
      fine = word.is_array();
    else if (key == "minimum" || key == "maximum" || key == "exclusiveMinimum" || key == "exclusiveMaximum")
      fine = word.is_number();
    else if (key == "$ref" || key == "pattern" || key == "format" || key == "description" || key == "title")
      fine = word.is_string();
    if (!fine)
      return false;
  }
  return all_inside(*schema, [](json::value const& inner) { return is_draft_2020(inner); });
}

verdict check_enforced_schemas(json::object const& body) {
  schema_totals totals;
  auto const* tools = find_array(body, "tools");
  for (std::size_t i = 0; tools && i < tools->size(); ++i) {
    auto const& tool = (*tools)[i].get_object();
    auto const* strict = tool.if_contains("strict");
    auto const* schema = tool.if_contains("input_schema");
    if (!strict || *strict != true || !schema || !schema->is_object())
      continue;
    if (auto wrong = schema_judge(schema->get_object(), indexed("tools", i) + ".custom").check(*schema))
      return wrong;
    ++totals.tools;
    totals.add(schema->get_object());
  }
  auto const* config = find_object(body, "output_config");
  auto const* format = config ? find_object(*config, "format") : nullptr;
  if (auto const* schema = format ? find_object(*format, "schema") : nullptr) {
    if (auto wrong = schema_judge(*schema, "output_config.format.schema").check(*schema))
      return wrong;
    totals.add(*schema);
  }
  return totals.check();
}

} // namespace claudio::testing
