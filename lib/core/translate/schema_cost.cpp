#include "core/translate/schema_cost.hpp"

#include "core/translate/schema_walk.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <map>

namespace claudio {
namespace json = boost::json;

namespace {

// Definitions that are used many times multiply; where a number is that large, how large does not matter.
constexpr std::size_t far_beyond = 1'000'000;

class schema_count {
public:
  explicit schema_count(json::object const& root) : root_(root) {}

  schema_cost count(json::object const& schema) {
    schema_cost cost;
    if (auto const* properties = find_object(schema, "properties"))
      cost.optional = count_optional(*properties, find_array(schema, "required"));
    auto const* type = schema.if_contains("type");
    cost.unions = schema.contains("anyOf") || schema.contains("oneOf") || (type && type->is_array()) ? 1 : 0;
    if (auto const* target = find_definition(root_, find_string(schema, "$ref")))
      cost += count_definition(*target);
    for_each_child(schema, [&](json::object const& child) { cost += count(child); });
    cost.optional = std::min(cost.optional, far_beyond);
    cost.unions = std::min(cost.unions, far_beyond);
    return cost;
  }

private:
  static std::size_t count_optional(json::object const& properties, json::array const* required) {
    boost::unordered_flat_set<std::string_view> names;
    for (std::size_t i = 0; required && i < required->size(); ++i)
      if (auto const* name = (*required)[i].if_string(); name && properties.contains(*name))
        names.insert(*name);
    return properties.size() - names.size();
  }

  // One that contains itself counts once.
  schema_cost count_definition(json::object const& definition) {
    auto const [known, fresh] = known_.try_emplace(&definition);
    if (fresh) {
      auto const cost = count(definition);
      known_[&definition] = cost;
      return cost;
    }
    return known->second;
  }

  json::object const& root_;
  std::map<json::object const*, schema_cost> known_;
};

} // namespace

schema_cost& schema_cost::operator+=(schema_cost const& other) noexcept {
  tools += other.tools;
  optional += other.optional;
  unions += other.unions;
  return *this;
}

schema_cost& schema_cost::operator-=(schema_cost const& other) noexcept {
  tools -= other.tools;
  optional -= other.optional;
  unions -= other.unions;
  return *this;
}

std::string schema_cost::excess() const {
  std::string text;
  auto const add = [&](std::size_t count, std::size_t most, char const* what) {
    if (count > most)
      text += (text.empty() ? "" : ", ") + std::to_string(count) + what + std::to_string(most) + " in a request";
  };
  add(tools, most_tools, " strict tools, Claude enforces ");
  add(optional, most_optional, " optional parameters, Claude enforces ");
  add(unions, most_unions, " parameters with union types, Claude enforces ");
  return text;
}

schema_cost cost_of_schema(json::object const& schema) { return schema_count(schema).count(schema); }

} // namespace claudio
