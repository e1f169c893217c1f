#pragma once

#include "core/translate/context.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <utility>
#include <vector>

namespace claudio {

/// Thinking blocks out of `reasoning_details`, the form of OpenRouter and Bifrost, whose entries may be the fragments
/// of a stream: those of one index and kind are one block; those without an index go on until a signature has come. In
/// order of their index. Beside each block, the place of its first entry. What another maker's model thought (`format`)
/// is left out.
std::vector<std::pair<std::size_t, boost::json::object>>
read_reasoning_details(boost::json::array& list, json_path const& message_path, translation_context& context);

} // namespace claudio
