#pragma once

#include <claudio/translate.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/// The parts of an answer that a whole one and a stream have in common.
namespace claudio {

/// @param stop_reason of the Messages API; empty: none was given
/// @param calls_tools whether the answer has calls for the caller's tools
std::string_view to_finish_reason(std::string_view stop_reason, bool calls_tools) noexcept;

/// Token counts as OpenAI has them. Anthropic counts cached input apart, OpenAI as a part of the prompt.
boost::json::object to_openai_usage(boost::json::object const& usage);

/// OpenAI's name of the service tier of an answer; empty: none was given.
std::string_view to_openai_tier(boost::json::object const& answer) noexcept;

/// Whether an answer's content has to go along whole, as `content_blocks`, since the message in OpenAI's format would
/// not become the same blocks again: thinking, then text, then calls. One that was paused has to go back as it is.
bool needs_content_blocks(boost::json::object const& answer) noexcept;

/// What an answer says that OpenAI's format has no place for: `stop_reason` where `finish_reason` does not tell it,
/// `stop_sequence`, `stop_details`, `container`, `context_management`, the other members of `usage`. Empty when there
/// is nothing.
boost::json::object anthropic_extension(boost::json::object const& answer);

/// Why the model refused, or null when it did not.
boost::json::value to_refusal(boost::json::object const& answer);

/// The name by which the caller knows a tool.
std::string_view original_tool_name(answer_context const& context, std::string_view sent) noexcept;

/// Adds an annotation for each citation of a web page in a text block. `begin` and `end` are where the block's text
/// stands in the answer's, in characters. True when the block has citations of other kinds too.
bool add_annotations(boost::json::object const& text_block, std::size_t begin, std::size_t end,
                     boost::json::array& annotations);

/// The number of Unicode characters in UTF-8 text.
std::size_t count_characters(std::string_view text) noexcept;

} // namespace claudio
