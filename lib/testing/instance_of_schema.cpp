#include "testing/instance_of_schema.hpp"

#include "core/json_access.hpp"
#include "core/schema_check.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>

namespace claudio::testing {
namespace json = boost::json;

namespace {

using instance = std::optional<json::value>;

constexpr unsigned deepest = 200;
// Definitions that are used twice by definitions that are used twice would double with each level.
constexpr unsigned most_steps = 10'000;
constexpr std::int64_t most_items = 100;
constexpr std::int64_t longest_text = 10'000;

std::string_view example_of(std::string_view format) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> examples{{
      {"date-time", "2026-01-02T03:04:05Z"},
      {"time", "03:04:05Z"},
      {"date", "2026-01-02"},
      {"duration", "P1D"},
      {"email", "someone@example.com"},
      {"hostname", "example.com"},
      {"uri", "https://example.com/"},
      {"ipv4", "192.0.2.1"},
      {"ipv6", "2001:db8::1"},
      {"uuid", "00000000-0000-4000-8000-000000000000"},
  }};
  for (auto const& [name, text] : examples)
    if (name == format)
      return text;
  return "x";
}

json::string make_text(json::object const& schema) {
  json::string text(example_of(find_string(schema, "format")));
  auto const least = std::min(find_integer(schema, "minLength").value_or(0), longest_text);
  if (least > static_cast<std::int64_t>(text.size()))
    text.append(static_cast<std::size_t>(least) - text.size(), 'x');
  auto const most = find_integer(schema, "maxLength");
  if (most && *most >= 0 && *most < static_cast<std::int64_t>(text.size()))
    text.resize(static_cast<std::size_t>(*most));
  return text;
}

std::optional<double> find_number(json::object const& schema, std::string_view key) {
  auto const* value = schema.if_contains(key);
  return value && value->is_number() ? std::optional(value->to_number<double>()) : std::nullopt;
}

json::value make_number(json::object const& schema, bool whole) {
  double number = 1;
  double const step = find_number(schema, "multipleOf").value_or(0);
  double const margin = step > 0 ? step : whole ? 1 : 0.5;
  if (auto const least = find_number(schema, "minimum"); least && number < *least)
    number = *least;
  if (auto const least = find_number(schema, "exclusiveMinimum"); least && number <= *least)
    number = *least + margin;
  if (auto const most = find_number(schema, "maximum"); most && number > *most)
    number = *most;
  if (auto const most = find_number(schema, "exclusiveMaximum"); most && number >= *most)
    number = *most - margin;
  if (step > 0)
    number = std::ceil(number / step) * step;
  if (whole)
    number = std::ceil(number);
  constexpr double largest_exact = 9'007'199'254'740'992.0;
  if (number == std::trunc(number) && std::abs(number) < largest_exact)
    return static_cast<std::int64_t>(number);
  return number;
}

// What both say; where they differ, what the second says.
void add_words(json::object& into, json::object const& other) {
  for (auto const& [key, value] : other) {
    auto* known = into.if_contains(key);
    if (known && key == "properties" && known->is_object() && value.is_object()) {
      for (auto const& [name, property] : value.get_object())
        known->get_object().insert_or_assign(name, property);
    } else if (known && key == "required" && known->is_array() && value.is_array()) {
      for (auto const& name : value.get_array())
        known->get_array().push_back(name);
    } else {
      into.insert_or_assign(key, value);
    }
  }
}

class instance_maker {
public:
  explicit instance_maker(json::object const& root) : root_(root), under_way_{&root} {}

  instance make(json::value const& schema) {
    if (auto const* object = schema.if_object())
      return make(*object);
    return schema == false ? std::nullopt : instance(make_text(json::object()));
  }

  instance make(json::object const& schema) {
    if (depth_ == deepest || steps_ == most_steps)
      return std::nullopt;
    ++depth_;
    ++steps_;
    auto made = make_any(schema);
    --depth_;
    return made;
  }

private:
  instance make_any(json::object const& schema) {
    if (auto const* only = schema.if_contains("const"))
      return *only;
    if (auto const* choices = find_array(schema, "enum"))
      return make_choice(*choices, schema);
    if (schema.contains("$ref") || schema.contains("allOf"))
      return make_joined(schema);
    for (std::string_view const keyword : {"anyOf", "oneOf"})
      if (auto const* alternatives = find_array(schema, keyword); alternatives && !alternatives->empty())
        return make_alternative(schema, keyword, *alternatives);
    return make_typed(schema, type_of(schema));
  }

  instance make_choice(json::array const& choices, json::object const& schema) const {
    for (auto const& choice : choices)
      if (!find_schema_fault(choice, schema, ""))
        return choice;
    return std::nullopt;
  }

  // With what it refers to, and with all parts of `allOf`.
  instance make_joined(json::object const& schema) {
    json::object joined(schema);
    joined.stable_erase("$ref");
    joined.stable_erase("allOf");
    auto const reference = find_string(schema, "$ref");
    auto const* target = reference.empty() ? nullptr : resolve(reference);
    if (target && !under_way_.insert(target).second)
      return std::nullopt;
    if (target)
      add_words(joined, *target);
    if (auto const* all = find_array(schema, "allOf"))
      for (auto const& part : *all)
        if (auto const* object = part.if_object())
          add_words(joined, *object);
    auto made = make(joined);
    under_way_.erase(target);
    return made;
  }

  instance make_alternative(json::object const& schema, std::string_view keyword, json::array const& alternatives) {
    json::object rest(schema);
    rest.stable_erase(keyword);
    for (auto const& alternative : alternatives) {
      json::object joined(rest);
      if (auto const* object = alternative.if_object())
        add_words(joined, *object);
      else if (alternative == false)
        continue;
      if (auto made = make(joined))
        return made;
    }
    return std::nullopt;
  }

  static std::string type_of(json::object const& schema) {
    auto const* type = schema.if_contains("type");
    if (auto const* list = type ? type->if_array() : nullptr; list && !list->empty())
      type = &list->front();
    if (type && type->is_string())
      return std::string(type->get_string());
    return schema.contains("properties") ? "object" : schema.contains("items") ? "array" : "string";
  }

  instance make_typed(json::object const& schema, std::string_view type) {
    if (type == "object")
      return make_object(schema);
    if (type == "array")
      return make_array(schema);
    if (type == "integer" || type == "number")
      return make_number(schema, type == "integer");
    if (type == "boolean")
      return json::value(true);
    if (type == "null")
      return json::value(nullptr);
    return json::value(make_text(schema));
  }

  instance make_object(json::object const& schema) {
    json::object made;
    auto const* required = find_array(schema, "required");
    auto const* properties = find_object(schema, "properties");
    auto const* others = schema.if_contains("additionalProperties");
    json::value const anything(true);
    for (std::size_t i = 0; required && i < required->size(); ++i) {
      auto const* name = (*required)[i].if_string();
      if (!name)
        continue;
      auto const* property = properties ? properties->if_contains(*name) : nullptr;
      auto value = make(property ? *property : others ? *others : anything);
      if (!value)
        return std::nullopt;
      made.insert_or_assign(*name, std::move(*value));
    }
    return json::value(std::move(made));
  }

  instance make_array(json::object const& schema) {
    auto const* first = find_array(schema, "prefixItems");
    auto const* items = schema.if_contains("items");
    std::size_t const begin = first ? first->size() : 0;
    auto const least =
        static_cast<std::size_t>(std::clamp<std::int64_t>(find_integer(schema, "minItems").value_or(0), 0, most_items));
    auto const most = find_integer(schema, "maxItems");
    std::size_t wanted = std::max(least, begin + (items && items->is_object() ? 1 : 0));
    if (most && *most >= 0 && static_cast<std::size_t>(*most) < wanted)
      wanted = static_cast<std::size_t>(*most);
    json::array made;
    json::value const anything(true);
    while (made.size() < wanted) {
      auto value = make(made.size() < begin ? (*first)[made.size()] : items ? *items : anything);
      if (!value && made.size() >= least)
        break; // one that contains itself may have none
      if (!value)
        return std::nullopt;
      made.push_back(std::move(*value));
    }
    return json::value(std::move(made));
  }

  json::object const* resolve(std::string_view reference) const {
    if (reference == "#")
      return &root_;
    if (!reference.starts_with("#/"))
      return nullptr;
    auto const rest = reference.substr(2);
    auto const slash = rest.find('/');
    auto const* target = root_.if_contains(rest.substr(0, slash));
    boost::system::error_code failure;
    if (target && slash != std::string_view::npos)
      target = target->find_pointer(rest.substr(slash), failure);
    return target ? target->if_object() : nullptr;
  }

  json::object const& root_;
  std::set<json::object const*> under_way_; // what is made of a definition has none of it inside
  unsigned depth_ = 0;
  unsigned steps_ = 0;
};

} // namespace

json::value instance_of_schema(json::object const& schema) {
  auto made = instance_maker(schema).make(schema);
  return made ? std::move(*made) : json::value(nullptr);
}

} // namespace claudio::testing
