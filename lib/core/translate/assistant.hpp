#pragma once

#include "core/translate/context.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace claudio {

/// The blocks of an assistant message: its thinking, its text, its tool calls, the latter with the ids that the caller
/// gave them. A message that holds Anthropic's own `content_blocks` becomes just these.
boost::json::array translate_assistant(boost::json::object& message, json_path const& path,
                                       translation_context& context);

/// The id of a call made through `function_call`, which has none: its result names the function.
std::string function_call_id(std::string_view function_name);

} // namespace claudio
