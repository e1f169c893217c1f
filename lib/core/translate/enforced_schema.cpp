#include "core/translate/enforced_schema.hpp"

#include "core/translate/schema_repair.hpp"
#include "core/translate/schema_walk.hpp"

#include <boost/json/serialize.hpp>

#include <map>
#include <set>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 17> enforced{
    "type",  "enum",  "const",    "anyOf",  "$ref",    "$defs",       "definitions", "properties",          "required",
    "items", "title", "minItems", "format", "pattern", "description", "default",     "additionalProperties"};
// They tell nothing of the value, or only of where the schema came from.
constexpr std::array<std::string_view, 12> unneeded{"$schema",  "$id",         "id",       "$anchor",
                                                    "$comment", "$vocabulary", "xml",      "discriminator",
                                                    "readOnly", "writeOnly",   "nullable", "externalDocs"};
// What can't be left out without a loss of the schema's shape.
constexpr std::array<std::string_view, 5> indispensable{"patternProperties", "prefixItems", "allOf", "$dynamicRef",
                                                        "$recursiveRef"};
constexpr std::array<std::string_view, 10> formats{"date-time", "time", "date", "duration", "email",
                                                   "hostname",  "uri",  "ipv4", "ipv6",     "uuid"};
constexpr std::array<std::string_view, 7> types{"object", "array", "string", "number", "integer", "boolean", "null"};

// A quantifier with a large range makes a grammar too large.
bool has_large_range(std::string_view pattern) {
  constexpr std::size_t most_digits = 2;
  std::size_t digits = 0;
  bool inside = false;
  for (char const c : pattern) {
    bool const digit = c >= '0' && c <= '9';
    inside = c == '{' || (inside && (digit || c == ','));
    digits = inside && digit ? digits + 1 : 0;
    if (digits > most_digits)
      return true;
  }
  return false;
}

// Groups that look around or back are beyond the API's regular expressions.
bool is_simple_pattern(json::value const& value) {
  auto const* pattern = value.if_string();
  if (!pattern)
    return false;
  for (std::string_view const beyond :
       {"(?", "\\b", "\\B", "\\1", "\\2", "\\3", "\\4", "\\5", "\\6", "\\7", "\\8", "\\9", "\\k", "\\p", "\\P"})
    if (std::string_view(*pattern).find(beyond) != std::string_view::npos)
      return false;
  return !has_large_range(*pattern);
}

bool is_enforced(std::string_view key, json::value const& value, std::string_view type) {
  bool const may_be_text = type.empty() || type == "string";
  if (key == "format")
    return may_be_text && value.is_string() && is_one_of(formats, value.get_string());
  if (key == "pattern")
    return may_be_text && is_simple_pattern(value);
  if (key == "minItems")
    return (type.empty() || type == "array") && (value == 0 || value == 1);
  if (key == "title" || key == "description")
    return value.is_string();
  return is_one_of(enforced, key);
}

// Follows all references. False: one of them leads out of the document, or back to where it came from.
class reference_walk {
public:
  explicit reference_walk(json::object const& root) : root_(root) {}

  bool visit(json::object const& schema) {
    auto const [known, fresh] = done_.try_emplace(&schema, false);
    if (!fresh)
      return known->second;
    // A longer chain of references is nobody's schema.
    constexpr std::size_t deepest = 200;
    if (++depth_ > deepest || !walk(schema))
      return false;
    --depth_;
    return done_[&schema] = true;
  }

  bool has_visited(json::object const& definition) const { return done_.contains(&definition); }

private:
  bool walk(json::object const& schema) {
    if (auto const* reference = schema.if_contains("$ref")) {
      auto const* text = reference->if_string();
      auto const* target = text ? find_definition(root_, *text) : nullptr;
      if (!target || !visit(*target))
        return false;
    }
    bool fine = true;
    for_each_child(schema, [&](json::object const& child) { fine = fine && walk(child); });
    return fine;
  }

  json::object const& root_;
  std::map<json::object const*, bool> done_; // of the root and the definitions: whether its walk has ended
  std::size_t depth_ = 0;
};

class schema_reduction {
public:
  explicit schema_reduction(enforced_schema& out) : out_(out), root_(out.schema) {}

  bool run() {
    reference_walk references(root_);
    if (!references.visit(root_))
      return false;
    drop_unused_definitions(references);
    bool fine = true;
    for_each_definition(root_, [&](json::object& definition) { fine = fine && reduce(definition); });
    return fine && reduce(root_);
  }

private:
  void drop_unused_definitions(reference_walk const& references) {
    for (auto const name : schema_definitions) {
      auto* map = root_.if_contains(name);
      if (!map || !map->is_object())
        continue;
      json::object used(root_.storage());
      for (auto& [key, definition] : map->get_object())
        if (auto const* object = definition.if_object(); object && references.has_visited(*object))
          used.emplace(key, std::move(definition));
      if (used.empty())
        root_.stable_erase(name);
      else
        *map = std::move(used);
    }
  }

  bool reduce(json::object& schema) {
    take_nullable(schema);
    if (!merge_alternatives(schema) || !settle_choice(schema) || !settle_alternatives(schema) || !settle_type(schema) ||
        !settle_properties(schema) || !settle_items(schema) || !keep_enforced(schema))
      return false;
    bool fine = true;
    for_each_child(schema, [&](json::object& child) { fine = fine && reduce(child); });
    return fine;
  }

  // Only one alternative is what it stands for; `allOf` is what its members say together.
  static bool merge_alternatives(json::object& schema) {
    for (std::string_view const name : {"allOf", "anyOf", "oneOf"}) {
      auto* list = schema.if_contains(name);
      while (list && list->is_array() && (name == "allOf" || list->get_array().size() == 1)) {
        auto members = std::move(list->get_array());
        schema.stable_erase(name);
        for (auto& member : members)
          if (!member.is_object() ? member != true : !merge_schema(schema, std::move(member.get_object())))
            return false;
        list = schema.if_contains(name); // of a member
      }
    }
    return !schema.contains("allOf") || merge_alternatives(schema);
  }

  // A choice says by itself of what types it is, and the API takes it beside a single type only.
  static bool settle_choice(json::object& schema) {
    auto const* type = schema.if_contains("type");
    auto const fits = [&](json::value const& value) {
      if (auto const* name = type ? type->if_string() : nullptr)
        return is_of_type(value, *name);
      auto const* list = type ? type->if_array() : nullptr;
      return !list || std::any_of(list->begin(), list->end(), [&](json::value const& each) {
        return each.is_string() && is_of_type(value, each.get_string());
      });
    };
    auto const* constant = schema.if_contains("const");
    auto* choices = schema.if_contains("enum");
    if (!constant && !choices)
      return true;
    if (constant && (!fits(*constant) || constant->is_structured()))
      return false;
    if (choices) {
      auto* list = choices->if_array();
      if (!list)
        return false;
      list->erase(std::stable_partition(list->begin(), list->end(), fits), list->end());
      auto const is_structured = [](json::value const& value) { return value.is_structured(); };
      if (list->empty() || std::any_of(list->begin(), list->end(), is_structured) ||
          (constant && std::find(list->begin(), list->end(), *constant) == list->end()))
        return false;
    }
    bool const has_many_types = type && type->is_array();
    if (constant)
      schema.stable_erase("enum");
    if (has_many_types)
      schema.stable_erase("type");
    return true;
  }

  static bool settle_type(json::object& schema) {
    auto const* type = schema.if_contains("type");
    if (!type) {
      for (std::string_view const key : {"enum", "const", "$ref", "anyOf"})
        if (schema.contains(key))
          return true;
      if (!schema.contains("properties") && !schema.contains("items"))
        return false;
      schema.insert_or_assign("type", schema.contains("properties") ? "object" : "array");
      return true;
    }
    if (auto const* name = type->if_string())
      return is_one_of(types, *name);
    auto const* list = type->if_array();
    if (!list || list->empty())
      return false;
    json::array once(schema.storage());
    for (auto const& each : *list) {
      if (!each.is_string() || !is_one_of(types, each.get_string()))
        return false;
      if (std::find(once.begin(), once.end(), each) == once.end())
        once.push_back(each);
    }
    json::value first = once.front();
    bool const one = once.size() == 1;
    schema.insert_or_assign("type", one ? std::move(first) : json::value(std::move(once)));
    return one || split_types(schema);
  }

  // What an object or an array has inside needs a schema of its own beside the other types.
  static bool split_types(json::object& schema) {
    auto const list = schema.at("type").get_array();
    if (std::none_of(list.begin(), list.end(), [](json::value const& t) { return t == "object" || t == "array"; }))
      return true;
    json::object common(schema.storage());
    json::array branches(schema.storage());
    for (std::string_view const note : {"title", "description", "default", "$defs", "definitions"})
      if (auto* value = schema.if_contains(note)) {
        common.emplace(note, std::move(*value));
        schema.erase(note);
      }
    for (auto const& type : list) {
      json::object branch(schema.storage());
      branch.emplace("type", type);
      if (type != "null" && type != "boolean")
        for (auto const& [key, value] : schema)
          branch.emplace(key, value); // the limits of another type are described in vain
      branches.emplace_back(std::move(branch));
    }
    common.emplace("anyOf", std::move(branches));
    schema = std::move(common);
    return true;
  }

  static bool settle_properties(json::object& schema) {
    auto const* type = schema.if_contains("type");
    if (!type || *type != "object") {
      // Beside another type they say nothing.
      for (std::string_view const key : {"properties", "required", "additionalProperties", "unevaluatedProperties"})
        schema.stable_erase(key);
      return true;
    }
    for (std::string_view const key : {"additionalProperties", "unevaluatedProperties"})
      if (auto const* more = schema.if_contains(key); more && *more != false)
        return false;
    // An object of which nothing is said may have any member.
    if (!schema.contains("properties") && !schema.contains("additionalProperties"))
      return false;
    schema.stable_erase("unevaluatedProperties");
    schema.insert_or_assign("additionalProperties", false);
    auto* properties = schema.if_contains("properties");
    auto* members = properties ? properties->if_object() : nullptr;
    if (properties && !members)
      return false;
    if (members) {
      json::object kept(schema.storage());
      for (auto& [name, value] : *members)
        if (value != false) // a property that may not be there
          kept.emplace(name, std::move(value));
      *members = std::move(kept);
      for (auto const& [name, value] : *members)
        if (!value.is_object())
          return false;
    }
    auto const* required = find_array(schema, "required");
    for (std::size_t i = 0; required && i < required->size(); ++i)
      if (auto const* name = (*required)[i].if_string(); !name || !members || !members->contains(*name))
        return false;
    return required || !schema.contains("required");
  }

  static bool settle_items(json::object& schema) {
    auto* items = schema.if_contains("items");
    if (!items)
      return true;
    auto const* type = schema.if_contains("type");
    if (*items == true || !type || *type != "array")
      schema.stable_erase("items");
    else if (!items->is_object())
      return false;
    return true;
  }

  // Alternatives and references stand alone: what else is said is said of each of them.
  bool settle_alternatives(json::object& schema) {
    bool const is_reference = schema.contains("$ref");
    if (auto* one_of = schema.if_contains("oneOf")) {
      if (schema.contains("anyOf"))
        return false;
      auto moved = std::move(*one_of);
      schema.stable_erase("oneOf");
      schema.emplace("anyOf", std::move(moved));
    }
    auto* any_of = schema.if_contains("anyOf");
    if (!any_of && !is_reference)
      return true;
    if (any_of) {
      auto* list = any_of->if_array();
      if (!list || is_reference)
        return false;
      list->erase(std::remove(list->begin(), list->end(), json::value(false)), list->end());
      if (list->empty() || !std::all_of(list->begin(), list->end(), [](json::value const& v) { return v.is_object(); }))
        return false;
      if (auto const* type = schema.if_contains("type"); type && is_type_of_all(*type, *list))
        schema.stable_erase("type");
    }
    for (std::string_view const key :
         {"type", "enum", "const", "properties", "required", "items", "additionalProperties"})
      if (schema.contains(key))
        return false;
    return true;
  }

  bool is_type_of_all(json::value const& type, json::array const& alternatives) const {
    return std::all_of(alternatives.begin(), alternatives.end(), [&](json::value const& alternative) {
      auto const* schema = &alternative.get_object();
      if (auto const* target = find_definition(root_, find_string(*schema, "$ref")))
        schema = target;
      auto const* own = schema->if_contains("type");
      return own && *own == type;
    });
  }

  bool keep_enforced(json::object& schema) {
    for (auto const key : indispensable)
      if (schema.contains(key))
        return false;
    std::string const type(find_string(schema, "type"));
    std::string beyond;
    json::object kept(schema.storage());
    kept.reserve(schema.size() + 1);
    for (auto& member : schema) {
      std::string_view const key = member.key();
      if (is_enforced(key, member.value(), type))
        kept.emplace(member.key(), std::move(member.value()));
      else if (!is_one_of(unneeded, key) && !key.starts_with("x-") && !key.starts_with("unevaluated"))
        beyond += (beyond.empty() ? "(" : ", ") + std::string(key) + ": " + json::serialize(member.value());
    }
    schema = std::move(kept);
    if (&schema != &root_)
      for (auto const name : schema_definitions) // no reference that can be followed leads there
        schema.stable_erase(name);
    if (beyond.empty())
      return true;
    append_to_description(schema, beyond + ")");
    out_.described.push_back(beyond + ")");
    return true;
  }

  enforced_schema& out_;
  json::object& root_;
};

} // namespace

std::optional<enforced_schema> enforce_schema(json::object const& schema) {
  enforced_schema made(json::object(schema, schema.storage()));
  if (!schema_reduction(made).run())
    return std::nullopt;
  made.cost = cost_of_schema(made.schema);
  return made;
}

} // namespace claudio
