#include "core/json_access.hpp"
#include "core/translate/conversation.hpp"

#include <algorithm>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr char const* uncited = "Claude does not cite in an answer that is held to a schema";

// Documents and search results, also those that a tool gave.
bool drop_citations(json::array& blocks) {
  bool dropped = false;
  for (auto& value : blocks) {
    auto& block = value.get_object();
    if (auto* content = block.if_contains("content"); content && find_string(block, "type") == "tool_result")
      if (auto* inner = content->if_array())
        dropped = drop_citations(*inner) || dropped;
    auto const* citations = find_object(block, "citations");
    auto const* enabled = citations ? citations->if_contains("enabled") : nullptr;
    if (!enabled || *enabled != true)
      continue;
    block.stable_erase("citations");
    dropped = true;
  }
  return dropped;
}

} // namespace

// Structured outputs, feature compatibility: neither citations nor message prefilling.
void conversation::fit_to_format() {
  for (auto& each : turns_) {
    bool const in_results = drop_citations(each.results);
    if (drop_citations(each.blocks) || in_results)
      context_.report.lose(json_path("messages", each.first_message), uncited, "citations were switched off");
  }
  if (turns_.empty() || turns_.back().who != turn::role::assistant || !context_.model().prefill)
    return;
  auto const& last = turns_.back();
  bool const calls = std::any_of(last.blocks.begin(), last.blocks.end(), [](json::value const& block) {
    return find_string(block.get_object(), "type") == "tool_use";
  });
  if (calls || last.as_given || (last.plain.empty() && find_string(last.blocks.back().get_object(), "type") != "text"))
    return;
  context_.report.lose(json_path("messages", last.first_message),
                       "Claude does not continue an assistant message in an answer that is held to a schema");
  turns_.pop_back();
}

} // namespace claudio
