#include "core/translate/schema_walk.hpp"

#include <cmath>
#include <string>

namespace claudio {
namespace json = boost::json;

json::object const* find_definition(json::object const& root, std::string_view reference) {
  if (reference == "#")
    return &root;
  for (auto const name : schema_definitions) {
    std::string const prefix = "#/" + std::string(name) + "/";
    if (!reference.starts_with(prefix))
      continue;
    auto const* map = find_object(root, name);
    return map ? find_object(*map, reference.substr(prefix.size())) : nullptr;
  }
  return nullptr;
}

bool is_of_type(json::value const& value, std::string_view type) {
  switch (value.kind()) {
  case json::kind::null:
    return type == "null";
  case json::kind::bool_:
    return type == "boolean";
  case json::kind::int64:
  case json::kind::uint64:
    return type == "integer" || type == "number";
  case json::kind::double_:
    return type == "number" || (type == "integer" && std::trunc(value.get_double()) == value.get_double());
  case json::kind::string:
    return type == "string";
  case json::kind::array:
    return type == "array";
  case json::kind::object:
    return type == "object";
  }
  return false;
}

} // namespace claudio
