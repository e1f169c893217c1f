#pragma once

#include "call/answer_source.hpp"

#include <claudio/stream.hpp>
#include <claudio/translate.hpp>

#include <memory>
#include <string>
#include <vector>

namespace claudio {

/// Chunks of an answer's events.
/// @param context of the request's translation
/// @param warnings of the request's translation
chat_stream make_chat_stream(std::shared_ptr<detail::answer_source> source, answer_context context,
                             std::vector<std::string> warnings);

} // namespace claudio
