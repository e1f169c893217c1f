#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace claudio::testing {

/// A value that fits a JSON schema, the same one each time: required properties, one item in arrays, the first of the
/// choices and alternatives. Known are `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`,
/// `items`, `prefixItems`, `minItems`, `maxItems`, `anyOf`, `oneOf`, `allOf`, `format`, `minLength`, `maxLength`, the
/// limits of numbers, and `$ref` into the schema itself (any other may be anything); `pattern`, `not` and conditions
/// are not. Schemas that contain themselves end at the first alternative that does not; where none does, in a value
/// that does not fit.
boost::json::value instance_of_schema(boost::json::object const& schema);

} // namespace claudio::testing
