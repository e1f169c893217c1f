#include "core/schema_check.hpp"

#include "core/json_access.hpp"
#include "core/translate/json_path.hpp"

#include <boost/json/serialize.hpp>

#include <cmath>

namespace claudio {
namespace json = boost::json;

namespace {

// A value of parse_json() has at most 128 levels; the rest is for references and alternatives.
constexpr unsigned deepest = 256;
// Alternatives that refer to themselves would double with each level.
constexpr unsigned most_steps = 100'000;
constexpr std::size_t most_listed = 10;

using fault = std::optional<std::string>;

bool is_integer(json::value const& value) {
  auto const* number = value.if_double();
  return value.is_int64() || value.is_uint64() || (number && std::trunc(*number) == *number);
}

bool has_type(json::value const& value, std::string_view type) {
  if (type == "object")
    return value.is_object();
  if (type == "array")
    return value.is_array();
  if (type == "string")
    return value.is_string();
  if (type == "boolean")
    return value.is_bool();
  if (type == "null")
    return value.is_null();
  if (type == "number")
    return value.is_number();
  if (type == "integer")
    return is_integer(value);
  return true;
}

std::string with_article(std::string_view type) {
  if (type == "null")
    return "null";
  bool const vowel = type == "object" || type == "array" || type == "integer";
  return (vowel ? "an " : "a ") + std::string(type);
}

// 1 and 1.0 are one number in JSON.
bool same(json::value const& left, json::value const& right) {
  if (left.is_double() != right.is_double() && left.is_number() && right.is_number())
    return left.to_number<double>() == right.to_number<double>();
  return left == right;
}

class schema_check {
public:
  explicit schema_check(json::object const& root) : root_(root) {}

  fault check(json::value const& value, json::value const& schema, json_path const& path) {
    if (auto const* allowed = schema.if_bool(); allowed && !*allowed)
      return path.text() + ": not allowed";
    auto const* object = schema.if_object();
    return object ? check(value, *object, path) : std::nullopt;
  }

  fault check(json::value const& value, json::object const& schema, json_path const& path) {
    if (depth_ == deepest || steps_ == most_steps)
      return std::nullopt;
    ++depth_;
    ++steps_;
    auto found = check_reference(value, schema, path);
    if (!found)
      found = check_type(value, schema, path);
    if (!found)
      found = check_choice(value, schema, path);
    if (!found && value.is_object())
      found = check_members(value.get_object(), schema, path);
    if (!found && value.is_array())
      found = check_items(value.get_array(), schema, path);
    if (!found)
      found = check_combinations(value, schema, path);
    --depth_;
    return found;
  }

private:
  fault check_reference(json::value const& value, json::object const& schema, json_path const& path) {
    auto const reference = find_string(schema, "$ref");
    if (reference == "#")
      return check(value, root_, path);
    if (!reference.starts_with("#/"))
      return std::nullopt;
    auto const rest = reference.substr(2);
    auto const slash = rest.find('/');
    auto const* target = root_.if_contains(rest.substr(0, slash));
    boost::system::error_code failure;
    if (target && slash != std::string_view::npos)
      target = target->find_pointer(rest.substr(slash), failure);
    return target ? check(value, *target, path) : std::nullopt;
  }

  static fault check_type(json::value const& value, json::object const& schema, json_path const& path) {
    auto const* type = schema.if_contains("type");
    if (!type)
      return std::nullopt;
    std::string expected;
    if (auto const* name = type->if_string()) {
      if (has_type(value, *name))
        return std::nullopt;
      expected = with_article(*name);
    } else if (auto const* names = type->if_array(); names && !names->empty()) {
      for (auto const& each : *names) {
        if (!each.is_string() || has_type(value, each.get_string()))
          return std::nullopt;
        expected += (expected.empty() ? "" : " or ") + with_article(each.get_string());
      }
    } else {
      return std::nullopt;
    }
    return path.text() + ": expected " + expected + ", got " + describe_value(value);
  }

  static fault check_choice(json::value const& value, json::object const& schema, json_path const& path) {
    if (auto const* only = schema.if_contains("const"); only && !same(value, *only))
      return path.text() + ": expected " + json::serialize(*only) + ", got " + describe_value(value);
    auto const* choices = find_array(schema, "enum");
    if (!choices)
      return std::nullopt;
    std::string listed;
    for (auto const& choice : *choices)
      if (same(value, choice))
        return std::nullopt;
    for (std::size_t i = 0; i < choices->size() && i < most_listed; ++i)
      listed += (i == 0 ? "" : ", ") + json::serialize((*choices)[i]);
    return path.text() + ": expected one of " + listed + (choices->size() > most_listed ? ", …" : "");
  }

  fault check_members(json::object const& value, json::object const& schema, json_path const& path) {
    if (auto const* required = find_array(schema, "required"))
      for (auto const& name : *required)
        if (auto const* text = name.if_string(); text && !value.contains(*text))
          return json_path(path, *text).text() + ": missing";
    auto const* properties = find_object(schema, "properties");
    auto const* others = schema.contains("patternProperties") ? nullptr : schema.if_contains("additionalProperties");
    for (auto const& [key, member] : value) {
      json_path const member_path(path, key);
      auto const* known = properties ? properties->if_contains(key) : nullptr;
      if (!known && others && *others == false)
        return member_path.text() + ": there is no such property";
      if (auto const* by = known ? known : others)
        if (auto found = check(member, *by, member_path))
          return found;
    }
    return std::nullopt;
  }

  fault check_items(json::array const& value, json::object const& schema, json_path const& path) {
    auto const* first = find_array(schema, "prefixItems");
    auto const* others = schema.if_contains("items");
    std::size_t const begin = first ? first->size() : 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      auto const* by = i < begin ? &(*first)[i] : others;
      if (!by)
        break;
      if (auto found = check(value[i], *by, json_path(path, "", i)))
        return found;
    }
    return std::nullopt;
  }

  fault check_combinations(json::value const& value, json::object const& schema, json_path const& path) {
    if (auto const* all = find_array(schema, "allOf"))
      for (auto const& each : *all)
        if (auto found = check(value, each, path))
          return found;
    for (std::string_view const keyword : {"anyOf", "oneOf"})
      if (auto const* alternatives = find_array(schema, keyword))
        if (auto found = check_alternatives(value, *alternatives, path))
          return found;
    return std::nullopt;
  }

  fault check_alternatives(json::value const& value, json::array const& alternatives, json_path const& path) {
    if (alternatives.empty())
      return std::nullopt;
    std::string faults;
    for (std::size_t i = 0; i < alternatives.size(); ++i) {
      auto const found = check(value, alternatives[i], path);
      if (!found)
        return std::nullopt;
      if (i < most_listed)
        faults += (i == 0 ? "" : "; ") + *found;
    }
    return alternatives.size() == 1 ? fault(faults) : path.text() + ": fits none of the alternatives (" + faults + ")";
  }

  json::object const& root_;
  unsigned depth_ = 0;
  unsigned steps_ = 0;
};

} // namespace

std::optional<std::string> find_schema_fault(json::value const& value, json::object const& schema,
                                             std::string_view name) {
  return schema_check(schema).check(value, schema, json_path(name));
}

} // namespace claudio
