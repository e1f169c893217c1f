#pragma once

#include "core/translate/context.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace claudio {

/// Makes a schema of a tool's parameters one that the API takes: `type: "object"` at its root, no alternatives there.
/// Null or absent parameters are an object without members. The rest stays as it is.
boost::json::object translate_tool_schema(boost::json::value* given, json_path const& path,
                                          translation_context& context);

/// Whether an answer can be held to a schema natively (`output_config.format`, `strict` tools): no recursion, no
/// reference to other documents, no object that is open to any member.
bool can_be_enforced(boost::json::object const& schema);

/// Reduces a schema that can be enforced to what the API enforces: objects are closed, `oneOf` is `anyOf`, and limits
/// that it does not know go into the description.
/// Source: structured outputs, JSON schema limitations.
void reduce_to_enforced(boost::json::object& schema, json_path const& path, translation_context& context);

} // namespace claudio
