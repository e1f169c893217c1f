#pragma once

#include "core/message_accumulator.hpp"

#include <claudio/events.hpp>
#include <claudio/translate.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// Makes `chat.completion.chunk`s of the events of the Messages API's stream. Pure. An event becomes none, one or some
/// chunks; they refer to the event and to the accumulator's message, and are to be taken before the next event.
/// Tool calls are numbered in the order in which they begin, which is that of their blocks unless those start in
/// another.
class chunk_maker {
public:
  chunk_maker(answer_context context, std::chrono::system_clock::time_point created)
      : context_(std::move(context)), created_(created) {}
  chunk_maker(chunk_maker const&) = delete;
  chunk_maker& operator=(chunk_maker const&) = delete;

  /// Reads an event that `so_far` has taken in already.
  void apply(event_json& event, message_accumulator const& so_far);
  /// The next chunk of what was read; null when there is none.
  chat_chunk const* next() noexcept { return taken_ < chunks_.size() ? &chunks_[taken_++] : nullptr; }

private:
  friend class chat_chunk;
  enum class block_kind : std::uint8_t { other, text, thinking, tool, json_tool };

  class block {
  public:
    block_kind kind = block_kind::other;
    bool open = true;
    bool has_arguments = false;
    std::size_t tool_index = 0;
    std::size_t first_character = 0; // of its text in the answer's
    std::size_t end_character = 0;
  };

  void apply(boost::json::object const& event, message_accumulator const& so_far);
  void apply(block_delta const& delta, message_accumulator const& so_far);
  chat_chunk& make(chat_chunk::kind kind, std::string_view text);
  chat_chunk& make_value(chat_chunk::kind kind, boost::json::value value, std::string_view text = {});
  void write_tier(message const& answer);
  void start_message(message_accumulator const& so_far);
  void start_block(boost::json::object const& content, message_accumulator const& so_far);
  void start_tool(block& started, boost::json::object const& content);
  void close_block(std::size_t place, message_accumulator const& so_far);
  void make_lists(message_accumulator const& so_far);
  void finish(message_accumulator const& so_far);
  void stop_message(message_accumulator const& so_far);
  void begin_text();
  void make_text(block& of, std::string_view text);
  void make_arguments(block& of, std::string_view text);
  void make_reasoning(std::string_view text);
  std::string_view keep(std::string text);

  answer_context context_;
  std::chrono::system_clock::time_point created_;
  std::string head_;          // of every chunk's JSON, up to its choices
  std::size_t tier_at_ = 0;   // where the service tier stands in it
  std::vector<block> blocks_; // by number
  std::size_t open_ = 0;      // blocks
  std::size_t tools_ = 0;
  std::size_t characters_ = 0;
  bool has_text_ = false;
  bool has_reason_ = false; // to stop
  bool finished_ = false;

  std::vector<chat_chunk> chunks_; // of the event that was read last
  std::size_t taken_ = 0;
  std::forward_list<std::string> texts_;         // what chunks of them refer to
  std::forward_list<boost::json::value> values_; // likewise
};

} // namespace claudio
