#pragma once

#include "core/translate/context.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace claudio {

/// Makes a schema of a tool's parameters one that the API takes: `type: "object"` at its root, no alternatives and no
/// reference there, properties whose names the API takes, draft 2020-12. Null or absent parameters are an object
/// without members. The rest stays as it is.
boost::json::object translate_tool_schema(boost::json::value* given, json_path const& path,
                                          translation_context& context);

/// Whether the API takes a name of a property of a tool's parameters (`^[a-zA-Z0-9_.-]{1,64}$`).
bool is_parameter_name(std::string_view name);

} // namespace claudio
