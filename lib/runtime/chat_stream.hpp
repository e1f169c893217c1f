#pragma once

#include <claudio/stream.hpp>
#include <claudio/translate.hpp>

#include <string>
#include <vector>

namespace claudio {

/// Chunks of a stream's events.
/// @param context of the request's translation
/// @param warnings of the request's translation
/// @param earlier the account of the models that the call went to before
chat_stream make_chat_stream(message_stream events, answer_context context, std::vector<std::string> warnings,
                             call_info const& earlier);

} // namespace claudio
