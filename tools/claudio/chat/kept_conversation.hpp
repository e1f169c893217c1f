#pragma once

#include "conversation.hpp"

#include <claudio/error.hpp>

#include <string>

/// The last conversation that was asked to be kept: `claudio/conversation.json` in `$XDG_STATE_HOME`
/// (`~/.local/state`), for its owner only. It is replaced as a whole; of two programs that keep one the last one wins.
/// Errors: `errc::configuration` when there is no place for it, or what is there may be somebody else's.
namespace claudio::tool {

/// Puts the kept model, system prompt and messages into a conversation; false when none is kept.
result<bool> load_conversation(conversation& into);
result<void> keep_conversation(conversation const& now);
/// False when none was kept.
result<bool> forget_conversation();

/// Writes a new file for its owner only; one that is there is not replaced.
result<void> write_new_file(std::string const& path, std::string_view text);

} // namespace claudio::tool
