#pragma once

#include "core/translate/schema_cost.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace claudio {

/// A schema as the API enforces it.
class enforced_schema {
public:
  explicit enforced_schema(boost::json::object&& made) : schema(std::move(made)) {}

  boost::json::object schema;
  std::vector<std::string> described; ///< limits that went into descriptions, one text for each schema that had any
  schema_cost cost;
};

/// Reduces a schema to the subset of JSON Schema that answers (`output_config.format`) and arguments (`strict` tools)
/// are held to: objects are closed, `oneOf` is `anyOf`, `allOf` is merged, a choice needs no list of types, OpenAPI's
/// `nullable` is a type, definitions that nothing refers to are left out. What accepts the same values is done without
/// a word; limits that are not enforced go into the description, so that more is accepted, and are told.
///
/// Nothing: it can't be enforced. It refers to itself or to other documents, has an object that is open to any member
/// or a value of any kind, or says something by means that have no counterpart (several references in `allOf`, choices
/// of objects, `patternProperties`, tuples, …).
/// Source: structured outputs, JSON schema limitations; what the API said to others (`Enum value 'low' does not match
/// declared type '['string', 'null']'`, `Empty schema ({}) that accepts any JSON value is not supported`).
std::optional<enforced_schema> enforce_schema(boost::json::object const& schema);

} // namespace claudio
