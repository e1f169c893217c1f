#pragma once

#include "core/translate/context.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace claudio {

class assistant_blocks {
public:
  boost::json::array blocks;
  bool as_given; ///< Anthropic's own blocks, which are to go back as they are
};

/// The blocks of an assistant message: its thinking, its text, its tool calls, the latter with the ids that the caller
/// gave them. A message that holds Anthropic's own `content_blocks` becomes just these.
assistant_blocks translate_assistant(boost::json::object& message, json_path const& path, translation_context& context);

/// The id of a call made through `function_call`, which has none: its result names the function.
std::string function_call_id(std::string_view function_name);

} // namespace claudio
