#pragma once

#include <boost/json/object.hpp>

#include <array>
#include <cstddef>
#include <string>

namespace claudio {

/// What the API's limits on a request's enforced schemas count (structured outputs, "Schema complexity limits": the
/// combined total of all tools with `strict: true` and of `output_config.format`).
///
/// - An optional parameter is a property that its object does not list in `required`, at any depth.
/// - A parameter with a union type is a schema with `anyOf` or a list of types, at any depth. `enum` is none.
///
/// The documentation does not say how often a definition counts that is used more than once. Here it counts with each
/// use, so that a request is rather enforced less than refused.
class schema_cost {
public:
  schema_cost() = default;

  std::size_t tools = 0;
  std::size_t optional = 0;
  std::size_t unions = 0;

  schema_cost& operator+=(schema_cost const& other) noexcept;
  schema_cost& operator-=(schema_cost const& other) noexcept;

  /// Of each limit, whether it is exceeded: `tools`, `optional`, `unions`.
  std::array<bool, 3> beyond() const noexcept {
    return {tools > most_tools, optional > most_optional, unions > most_unions};
  }
  bool fits() const noexcept { return beyond() == std::array<bool, 3>(); }
  /// What is beyond the limits, e.g. `17 parameters with union types, Claude enforces 16 in a request`.
  std::string excess() const;

  static constexpr std::size_t most_tools = 20;
  static constexpr std::size_t most_optional = 24;
  static constexpr std::size_t most_unions = 16;
};

/// Of one schema; `tools` stays 0.
schema_cost cost_of_schema(boost::json::object const& schema);

} // namespace claudio
