#include "core/translate/cache_breakpoints.hpp"

#include "core/json_access.hpp"

namespace claudio {
namespace json = boost::json;

namespace {

// Visits the objects that may have a breakpoint, in the order of the prompt: a block's own stands at its end. Blocks
// are nested in `content` (of results), and in `source` (of documents that are made of blocks).
template <class Object, class Visitor>
void visit_blocks(Object& block, Visitor const& visit) {
  for (std::string_view const inside : {"content", "source"}) {
    auto* inner = find_value(block, inside);
    if (auto* list = inner ? inner->if_array() : nullptr)
      for (auto& each : *list)
        if (auto* object = each.if_object())
          visit_blocks(*object, visit);
    if (auto* object = inner ? inner->if_object() : nullptr)
      visit_blocks(*object, visit);
  }
  visit(block);
}

bool is_breakpoint(json::object const& block) {
  auto const* given = find_value(block, "cache_control");
  return given && !given->is_null();
}

} // namespace

std::size_t count_cache_breakpoints(json::object const& block) {
  std::size_t count = 0;
  visit_blocks(block, [&](json::object const& each) { count += is_breakpoint(each) ? 1 : 0; });
  return count;
}

std::size_t count_cache_breakpoints(json::array const& blocks) {
  std::size_t count = 0;
  for (auto const& block : blocks)
    count += count_cache_breakpoints(block.get_object());
  return count;
}

void drop_cache_breakpoints(json::array& blocks, std::size_t& excess) {
  for (auto& block : blocks) {
    if (excess == 0)
      return;
    visit_blocks(block.get_object(), [&](json::object& each) {
      if (excess == 0 || !is_breakpoint(each))
        return;
      each.erase("cache_control");
      --excess;
    });
  }
}

} // namespace claudio
