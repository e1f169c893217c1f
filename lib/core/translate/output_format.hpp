#pragma once

#include "core/translate/conversation.hpp"
#include "core/translate/thinking.hpp"
#include "core/translate/tools.hpp"

#include <boost/json/value.hpp>

namespace claudio {

/// Carries `response_format`: natively where the model and the schema allow it, else by a tool that the model has to
/// call with its answer, else by an instruction.
void translate_response_format(boost::json::value& format, conversation& messages, toolset& tools,
                               thinking_plan& thinking, translation_context& context);

/// The same for Anthropic's own `output_config.format`.
void translate_native_format(conversation& messages, toolset& tools, thinking_plan& thinking,
                             translation_context& context);

} // namespace claudio
