#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace claudio {

class chunk_maker;
class event_json;

/// One event of the Messages API's stream. A view: valid until the stream's next operation.
class message_event {
public:
  message_event() = default;
  explicit message_event(event_json& event) : event_(&event) {}

  /// "message_start", "content_block_delta", …; new ones may come at any time.
  std::string_view type() const noexcept;
  /// More of the answer's text (`text_delta`); empty for every other event.
  std::string_view text() const noexcept;
  /// The event's data, as it came. Parsed when it is first asked for, where the event is but more text.
  boost::json::object const& json() const;

private:
  event_json* event_ = nullptr;
};

/// One `chat.completion.chunk`. A view: valid until the stream's next operation. Each chunk says one thing; what it
/// doesn't say is empty.
class chat_chunk {
public:
  chat_chunk() = default;

  /// More of the answer's text.
  std::string_view text() const noexcept { return kind_ == kind::content ? text_ : std::string_view(); }
  /// More of what the model thinks (`delta.reasoning_content`).
  std::string_view reasoning() const noexcept { return kind_ == kind::reasoning ? text_ : std::string_view(); }
  /// Why the model refuses to answer.
  std::string_view refusal() const noexcept { return kind_ == kind::refusal ? text_ : std::string_view(); }

  /// Whether a tool call begins; then it has id and name.
  bool begins_tool_call() const noexcept { return kind_ == kind::tool_call; }
  /// The call's place among the answer's tool calls, from 0.
  std::size_t tool_index() const noexcept { return index_; }
  std::string_view tool_id() const noexcept { return kind_ == kind::tool_call ? text_ : std::string_view(); }
  std::string_view tool_name() const noexcept { return kind_ == kind::tool_call ? name_ : std::string_view(); }
  /// More of the call's arguments, which are JSON in all.
  std::string_view tool_arguments() const noexcept {
    return kind_ == kind::tool_arguments ? text_ : std::string_view();
  }

  /// "stop", "length", "tool_calls", …; in one chunk near the end.
  std::string_view finish_reason() const noexcept { return kind_ == kind::finish ? text_ : std::string_view(); }

  /// Appends the chunk as JSON text, as OpenAI's API sends it.
  void write(std::string& out) const;
  boost::json::object json() const;

private:
  friend class chunk_maker;
  enum class kind : std::uint8_t {
    role,
    content,
    reasoning,
    refusal,
    tool_call,
    tool_arguments,
    thinking_blocks,
    annotations,
    finish,
    usage
  };

  chunk_maker const* maker_ = nullptr;
  kind kind_ = kind::role;
  std::string_view text_;
  std::string_view name_;
  std::size_t index_ = 0;
  boost::json::value const* value_ = nullptr;  // what is not a text
  boost::json::value const* blocks_ = nullptr; // the finish's content_blocks, where the answer needs them
};

} // namespace claudio
