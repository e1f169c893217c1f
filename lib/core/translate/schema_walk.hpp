#pragma once

#include "core/json_access.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <string_view>

/// Finding one's way in JSON schemas.
namespace claudio {

template <std::size_t N>
bool is_one_of(std::array<std::string_view, N> const& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// Where schemas have their definitions.
inline constexpr std::array<std::string_view, 2> schema_definitions{"$defs", "definitions"};
/// Keywords whose value is a schema, a list of schemas, or schemas by name. Definitions are not among them.
inline constexpr std::array<std::string_view, 2> schema_members{"items", "additionalProperties"};
inline constexpr std::array<std::string_view, 4> schema_lists{"anyOf", "oneOf", "allOf", "prefixItems"};
inline constexpr std::array<std::string_view, 1> schema_maps{"properties"};

/// Calls `visit(child)` for each schema right inside a schema, its definitions left aside.
template <class Schema, class Visitor>
void for_each_child(Schema& schema, Visitor visit) {
  for (auto& member : schema) {
    std::string_view const key = member.key();
    auto& value = member.value();
    if (is_one_of(schema_members, key)) {
      if (auto* child = value.if_object())
        visit(*child);
    } else if (is_one_of(schema_lists, key)) {
      if (auto* list = value.if_array())
        for (auto& item : *list)
          if (auto* child = item.if_object())
            visit(*child);
    } else if (is_one_of(schema_maps, key)) {
      if (auto* map = value.if_object())
        for (auto& item : *map)
          if (auto* child = item.value().if_object())
            visit(*child);
    }
  }
}

/// Calls `visit(definition)` for each definition of a schema.
template <class Schema, class Visitor>
void for_each_definition(Schema& schema, Visitor visit) {
  for (auto const name : schema_definitions)
    if (auto* map = schema.if_contains(name); map && map->is_object())
      for (auto& item : map->get_object())
        if (auto* definition = item.value().if_object())
          visit(*definition);
}

/// Where a reference to the schema itself, or to one of its definitions, points to; null for any other one.
boost::json::object const* find_definition(boost::json::object const& root, std::string_view reference);

/// Whether a value is of a type of JSON schemas; of an unknown type is none.
bool is_of_type(boost::json::value const& value, std::string_view type);

} // namespace claudio
