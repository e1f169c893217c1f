#pragma once

#include <claudio/chat.hpp>
#include <claudio/translate.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace claudio {

/// Translates the bytes of Anthropic's event stream to those of OpenAI's, for servers that pass streams on. Pure: no
/// I/O.
///
///     stream_translator translator(translated->answer, now);
///     while (…) { std::string out; translator.feed(bytes, out); send(out); }
///     translator.finish(out);
///
/// Chunks leave as soon as their event is whole; a stream that is complete ends with `data: [DONE]`, whatever follows
/// its `message_stop`. An `error` event, an event that does not fit, a stream that ends early and one that can't be
/// read become `data: {"error": …}`, and nothing after it: the answer is not complete, and no `finish_reason` may say
/// that it is. Pings leave nothing. One whole JSON answer becomes its chunks when `finish()` is called. Thread safety:
/// none, like a container.
class stream_translator {
public:
  /// @param context of the request's translation
  /// @param created becomes the chunks' `created`
  stream_translator(answer_context context, std::chrono::system_clock::time_point created);
  stream_translator(stream_translator&&) noexcept;
  stream_translator& operator=(stream_translator&&) noexcept;
  ~stream_translator();

  /// Takes in what one network read gave, split anywhere, and appends what it becomes.
  void feed(std::string_view bytes, std::string& out);
  /// Says that the upstream has ended.
  void finish(std::string& out);

  /// Whether `[DONE]` or an error has left.
  bool done() const noexcept;
  /// All that has arrived, as `to_openai()` gives it.
  chat_response response() const;

private:
  class state;
  std::unique_ptr<state> state_;
};

} // namespace claudio
