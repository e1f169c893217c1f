#include "core/translate/context.hpp"

#include "core/json_access.hpp"

namespace claudio {
namespace json = boost::json;

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

json::value* find_given(json::object& object, std::string_view field) noexcept {
  auto* value = find_value(object, field);
  return value && !value->is_null() ? value : nullptr;
}

json::value const* find_given(json::object const& object, std::string_view field) noexcept {
  auto const* value = find_value(object, field);
  return value && !value->is_null() ? value : nullptr;
}

json::object translation_context::make_text_block(json::string&& text) const {
  auto block = make_object(2);
  block.emplace("type", "text");
  block.emplace("text", std::move(text));
  return block;
}

} // namespace claudio
