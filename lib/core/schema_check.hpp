#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace claudio {

/// Checks a value against a JSON schema. Gives nothing when it fits, else the first fault with its path, for example
/// `arguments.days: expected an integer, got a string`. Values of texts are not quoted.
///
/// Known are `type`, `enum`, `const`, `required`, `properties`, `additionalProperties`, `items`, `prefixItems`,
/// `allOf`, `anyOf`, `oneOf` (as `anyOf`: what is unknown fits, so that several may) and `$ref` into the schema itself.
/// All else is let pass, and so is what lies beyond the bounds on depth and work: a hostile schema costs no more.
/// @param name of the value, with which paths begin
std::optional<std::string> find_schema_fault(boost::json::value const& value, boost::json::object const& schema,
                                             std::string_view name);

} // namespace claudio
