#pragma once

#include <boost/json/object.hpp>

#include <string_view>

namespace claudio {

/// Makes an older schema (draft 4 to 2019-09, OpenAPI) one of draft 2020-12, as the API wants all of them, at every
/// level; it accepts the same values. Booleans as `exclusiveMinimum`, lists as `items`, `required: true` of a property,
/// PHP's `[]` for an empty object, types of other languages and in capitals (`STRING`, `float`), `type: "any"`.
void modernize_schema(boost::json::object& schema);

/// Merges into a schema's root what it refers to and what it holds in `allOf`, or in an `anyOf` of one; as far as it
/// can be said by one schema. It accepts the same values.
void inline_root(boost::json::object& schema);

/// OpenAPI's `nullable: true`: one more type, or one more alternative.
void take_nullable(boost::json::object& schema);

/// Makes `into` a schema that accepts what both accept. False, with `into` undefined: that can't be said by one schema.
bool merge_schema(boost::json::object& into, boost::json::object&& other);

void append_to_description(boost::json::object& schema, std::string_view text);

} // namespace claudio
