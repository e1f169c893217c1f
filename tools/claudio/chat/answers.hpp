#pragma once

#include "signals.hpp"

#include <claudio/claudio.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <optional>

namespace claudio::tool {

/// How an answer is asked for and shown.
enum class answer_style {
  whole,   ///< when it is complete
  json,    ///< the whole response in OpenAI's format
  stream,  ///< the text as it comes
  chunks,  ///< OpenAI's chunks as they come, a line each
  by_tools ///< with the tools of --tools-demo, whose calls are shown on standard error
};

/// An answer that has been shown.
class shown_answer {
public:
  shown_answer() = default;

  chat_response response;
  boost::json::array messages;           ///< what the answer adds to the conversation
  std::optional<unsigned> cut_off_after; ///< turns of tools, when the model still asked for more
  bool terminated = false;               ///< SIGTERM or SIGHUP came meanwhile: the program is to end by it
};

/// Asks for one answer and shows it on standard output; a stream that fails leaves what had come there. SIGINT cancels
/// the call, which then gives `errc::cancelled`; after SIGTERM or SIGHUP it is finished, if that doesn't take too long.
/// @param suspend is called for SIGTSTP
result<shown_answer> answer(boost::asio::io_context& context, model claude, chat_request request, answer_style style,
                            signal_pipe& signals, std::function<void()> const& suspend);

} // namespace claudio::tool
