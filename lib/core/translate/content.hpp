#pragma once

#include "core/translate/context.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>

namespace claudio {

/// Translates one part of a message's content, of the kinds that users and tools send: text, images, files, and
/// Anthropic's own blocks, which pass through. Nothing when the part is blank, or can't be carried (then the report
/// says so). `cache_control` stays on the block.
/// @param in_result whether it is a part of a tool's result, which may hold a few kinds more
std::optional<boost::json::object> translate_part(boost::json::value&& part, json_path const& path,
                                                  translation_context& context, bool in_result = false);

/// A part of type "text"; nothing when it is blank or faulty.
std::optional<boost::json::object> translate_text_part(boost::json::object&& part, json_path const& path,
                                                       translation_context& context);

} // namespace claudio
