#pragma once

#include <claudio/claudio.hpp>

#include <boost/asio/io_context.hpp>

namespace claudio::tool {

/// How an answer is asked for and shown.
enum class answer_style {
  whole,   ///< when it is complete
  json,    ///< the whole response in OpenAI's format
  stream,  ///< the text as it comes
  chunks,  ///< OpenAI's chunks as they come, a line each
  by_tools ///< with the tools of --tools-demo, whose calls are shown on standard error
};

/// Asks for one answer and shows it on standard output. On success the answer is added to the conversation; a stream
/// that fails leaves what had come on standard output. Ctrl-C (SIGINT) cancels the call, which then gives
/// `errc::cancelled`.
result<void> answer(boost::asio::io_context& context, model claude, chat_request& conversation, answer_style style);

} // namespace claudio::tool
