#include "core/json_access.hpp"
#include "core/translate/enforced_schema.hpp"
#include "core/translate/tools.hpp"

#include <algorithm>

namespace claudio {
namespace json = boost::json;

namespace {

// A tool whose arguments can be held to its schema.
class strict_tool {
public:
  std::string const* where = nullptr;
  std::size_t place = 0; // among the tools
  std::optional<enforced_schema> enforced;
  schema_cost cost;
  bool kept = true;
};

// A tool in Anthropic's form stands in the list itself.
bool where_is_native(std::string_view where) { return where.starts_with("tools[") && where.ends_with("]"); }

// What a tool takes of a limit's room, the limits being of different sizes.
double weigh(std::size_t own, std::size_t most) { return static_cast<double>(own) / static_cast<double>(most); }

// First what there is too much of counts, then all.
std::pair<double, double> weight_of(schema_cost const& cost, schema_cost const& total) {
  std::pair<double, double> weight;
  auto const add = [&](std::size_t own, std::size_t all, std::size_t most) {
    weight.first += all > most ? weigh(own, most) : 0;
    weight.second += weigh(own, most);
  };
  add(cost.tools, total.tools, schema_cost::most_tools);
  add(cost.optional, total.optional, schema_cost::most_optional);
  add(cost.unions, total.unions, schema_cost::most_unions);
  return weight;
}

// Those that are to give way first, the costliest; of tools that cost the same, the last.
std::vector<strict_tool*> order_of(std::vector<strict_tool>& tools, schema_cost const& total) {
  std::vector<std::pair<std::pair<double, double>, strict_tool*>> weighed;
  for (auto& each : tools)
    if (auto const weight = weight_of(each.cost, total); each.kept && weight.first > 0)
      weighed.emplace_back(weight, &each);
  std::stable_sort(weighed.begin(), weighed.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
  std::vector<strict_tool*> order;
  for (auto each = weighed.rbegin(); each != weighed.rend(); ++each)
    order.push_back(each->second);
  return order;
}

void fit_limits(std::vector<strict_tool>& tools, schema_cost total) {
  std::vector<strict_tool*> dropped;
  while (!total.fits()) {
    auto const beyond = total.beyond();
    auto const order = order_of(tools, total);
    if (order.empty()) // the answer alone is too much
      break;
    // The order holds as long as the same limits are exceeded.
    for (auto next = order.begin(); next != order.end() && total.beyond() == beyond; ++next) {
      (*next)->kept = false;
      total -= (*next)->cost;
      dropped.push_back(*next);
    }
  }
  // One that went for one limit may have room after others went for another.
  for (auto* each : dropped) {
    total += each->cost;
    each->kept = total.fits();
    if (!each->kept)
      total -= each->cost;
  }
}

} // namespace

void toolset::settle_strictness(schema_cost const& answer) {
  if (strict_wishes_.empty())
    return;
  std::vector<strict_tool> strict;
  for (auto const& [name, where] : strict_wishes_) {
    auto const found = place_of_.find(name);
    if (found == place_of_.end()) // not among the allowed ones
      continue;
    auto& tool = tools_[found->second].get_object();
    auto const* schema = find_object(tool, "input_schema");
    json_path const path(where);
    strict_tool wish;
    wish.where = &where;
    wish.place = found->second;
    if (schema && context_.model().native_output_format)
      wish.enforced = enforce_schema(*schema);
    if (schema && !wish.enforced) { // Anthropic's own tools have none

      tool.stable_erase("strict");
      context_.report.lose(json_path(path, "strict"), context_.quoted_model() + " can't enforce this tool's schema");
      continue;
    }
    if (wish.enforced)
      wish.cost = wish.enforced->cost;
    wish.cost.tools = 1;
    strict.push_back(std::move(wish));
  }
  auto total = answer;
  for (auto const& each : strict)
    total += each.cost;
  auto const excess = total.excess();
  fit_limits(strict, total);
  for (auto& each : strict) {
    auto& tool = tools_[each.place].get_object();
    json_path const path(*each.where);
    if (!each.kept) {
      tool.stable_erase("strict");
      context_.report.lose(json_path(path, "strict"), excess);
      continue;
    }
    if (!each.enforced)
      continue;
    tool["input_schema"] = std::move(each.enforced->schema);
    for (auto const& limits : each.enforced->described)
      context_.report.note(json_path(path, where_is_native(*each.where) ? "input_schema" : "parameters"),
                           "limits that Claude does not enforce went into a description: " + limits);
  }
}

void toolset::drop_citations() {
  for (std::size_t i = 0; i < tools_.size(); ++i) {
    auto& tool = tools_[i].get_object();
    auto const* citations = find_object(tool, "citations");
    auto const* enabled = citations ? citations->if_contains("enabled") : nullptr;
    if (!enabled || *enabled != true)
      continue;
    tool.stable_erase("citations");
    context_.report.lose(json_path(json_path("tools", i), "citations"),
                         "Claude does not cite in an answer that is held to a schema");
  }
}

} // namespace claudio
