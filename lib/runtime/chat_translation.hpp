#pragma once

#include <claudio/call_options.hpp>
#include <claudio/chat.hpp>
#include <claudio/client.hpp>
#include <claudio/error.hpp>
#include <claudio/translate.hpp>

namespace claudio {

/// Translates a request for a model by the call's options, and puts the betas that it needs into the call's headers.
result<translated_request> translate(chat_request request, translation_target const& target, call_options& options);

/// The limits of a call of this client.
time_limits limits_of(client const& endpoint, call_options const& options);

/// Adds a warning where a whole answer as long as it may become would come after the call's time is up: nothing of it
/// would arrive.
void warn_of_length(client const& endpoint, call_options const& options, translated_request& translated);

} // namespace claudio
