#pragma once

#include "core/message_accumulator.hpp"

#include <claudio/events.hpp>
#include <claudio/translate.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// Makes `chat.completion.chunk`s of the events of the Messages API's stream. Pure. An event becomes none, one or a few
/// chunks; they refer to the event and to the accumulator's message, and are to be taken before the next event.
class chunk_maker {
public:
  chunk_maker(answer_context context, std::chrono::system_clock::time_point created)
      : context_(std::move(context)), created_(created) {}
  chunk_maker(chunk_maker const&) = delete;
  chunk_maker& operator=(chunk_maker const&) = delete;

  /// Reads an event that `so_far` has taken in already.
  void apply(event_json& event, message_accumulator const& so_far);
  /// The next chunk of what was read; null when there is none.
  chat_chunk const* next() noexcept { return taken_ < made_ ? &chunks_[taken_++] : nullptr; }

private:
  friend class chat_chunk;
  enum class block_kind : std::uint8_t { other, text, thinking, tool, json_tool };

  class block {
  public:
    block_kind kind = block_kind::other;
    std::size_t tool_index = 0;
    bool has_arguments = false;
    bool stopped = false;
    std::size_t first_character = 0; // of its text in the answer's
  };

  void apply(boost::json::object const& event, message_accumulator const& so_far);
  void apply(block_delta const& delta);
  chat_chunk& make(chat_chunk::kind kind, std::string_view text);
  void start_message(boost::json::object const& event);
  void start_block(boost::json::object const& event);
  void start_tool(block& started, boost::json::object const& content);
  void stop_block(boost::json::object const& event, message_accumulator const& so_far);
  void finish(message_accumulator const& so_far);
  void make_text(std::string_view text);
  void make_arguments(block& of, std::string_view text);
  block* find_block(std::size_t index) noexcept;
  block* find_block(boost::json::object const& event) noexcept;
  void make_reasoning(std::string_view text);

  answer_context context_;
  std::chrono::system_clock::time_point created_;
  std::string head_; // of every chunk's JSON, up to its choices
  std::vector<block> blocks_;
  std::size_t tools_ = 0;
  std::size_t characters_ = 0;
  bool finished_ = false;

  std::array<chat_chunk, 4> chunks_; // of the event that was read last
  std::size_t made_ = 0;
  std::size_t taken_ = 0;
  std::string text_;         // what a chunk of them refers to
  boost::json::value value_; // likewise
};

} // namespace claudio
