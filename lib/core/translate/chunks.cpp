#include "core/translate/chunks.hpp"

#include "core/json_access.hpp"
#include "core/translate/answer_parts.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/serializer.hpp>

#include <utility>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::size_t most_blocks = 100'000;

// Appends a text as JSON, without an allocation of its own.
void write_text(std::string& out, std::string_view text) {
  json::serializer serializer;
  serializer.reset(json::string_view(text));
  char piece[1024];
  while (!serializer.done())
    out += std::string_view(serializer.read(piece));
}

} // namespace

void chunk_maker::apply(event_json& event, message_accumulator const& so_far) {
  made_ = 0;
  taken_ = 0;
  if (auto const* delta = event.delta())
    apply(*delta);
  else
    apply(event.json(), so_far);
}

void chunk_maker::apply(json::object const& event, message_accumulator const& so_far) {
  auto const type = find_string(event, "type");
  if (type == "message_start")
    start_message(event);
  else if (type == "content_block_start")
    start_block(event);
  else if (type == "content_block_stop")
    stop_block(event, so_far);
  else if (type == "message_delta" && !so_far.result().stop_reason().empty())
    finish(so_far);
  else if (type == "message_stop" && context_.usage_in_stream) {
    auto const* usage = find_object(so_far.result().json(), "usage");
    value_ = to_openai_usage(usage ? *usage : json::object());
    make(chat_chunk::kind::usage, "").value_ = &value_;
  }
}

chat_chunk& chunk_maker::make(chat_chunk::kind kind, std::string_view text) {
  auto& made = chunks_[made_++];
  made = chat_chunk();
  made.maker_ = this;
  made.kind_ = kind;
  made.text_ = text;
  return made;
}

void chunk_maker::start_message(json::object const& event) {
  auto const* message = find_object(event, "message");
  if (!message || !head_.empty())
    return;
  head_ = "{\"id\":";
  write_text(head_, find_string(*message, "id"));
  head_ += ",\"object\":\"chat.completion.chunk\",\"created\":";
  head_ += std::to_string(std::chrono::duration_cast<std::chrono::seconds>(created_.time_since_epoch()).count());
  head_ += ",\"model\":";
  write_text(head_, find_string(*message, "model"));
  head_ += ",\"system_fingerprint\":null,";
  make(chat_chunk::kind::role, "");
  if (!context_.prefill.empty())
    make_text(context_.prefill);
}

void chunk_maker::make_text(std::string_view text) {
  if (text.empty())
    return;
  characters_ += count_characters(text);
  make(chat_chunk::kind::content, text);
}

void chunk_maker::start_block(json::object const& event) {
  auto const* content = find_object(event, "content_block");
  if (!content || blocks_.size() >= most_blocks)
    return;
  auto& started = blocks_.emplace_back();
  started.first_character = characters_;
  auto const type = find_string(*content, "type");
  if (type == "text") {
    started.kind = block_kind::text;
    make_text(find_string(*content, "text"));
  } else if (type == "tool_use") {
    start_tool(started, *content);
  } else if (type == "thinking" || type == "redacted_thinking") {
    started.kind = block_kind::thinking;
    make_reasoning(find_string(*content, "thinking"));
  }
}

void chunk_maker::start_tool(block& started, json::object const& content) {
  auto const name = find_string(content, "name");
  bool const is_answer = !context_.json_tool.empty() && name == context_.json_tool;
  started.kind = is_answer ? block_kind::json_tool : block_kind::tool;
  if (!is_answer) {
    started.tool_index = tools_++;
    auto& chunk = make(chat_chunk::kind::tool_call, find_string(content, "id"));
    chunk.name_ = original_tool_name(context_, name);
    chunk.index_ = started.tool_index;
  }
  // An empty object is what the API begins with, not a part of the arguments.
  auto const* input = find_object(content, "input");
  if (!input || input->empty())
    return;
  text_ = json::serialize(*input);
  make_arguments(started, text_);
}

void chunk_maker::make_arguments(block& of, std::string_view text) {
  if (text.empty())
    return;
  of.has_arguments = true;
  if (of.kind == block_kind::json_tool)
    make_text(text);
  else
    make(chat_chunk::kind::tool_arguments, text).index_ = of.tool_index;
}

chunk_maker::block* chunk_maker::find_block(std::size_t index) noexcept {
  return index < blocks_.size() ? &blocks_[index] : nullptr;
}

chunk_maker::block* chunk_maker::find_block(json::object const& event) noexcept {
  auto const index = find_integer(event, "index");
  return index && *index >= 0 ? find_block(static_cast<std::size_t>(*index)) : nullptr;
}

void chunk_maker::make_reasoning(std::string_view text) {
  if (!text.empty() && !context_.hide_reasoning)
    make(chat_chunk::kind::reasoning, text);
}

void chunk_maker::apply(block_delta const& delta) {
  auto* of = find_block(delta.index);
  if (!of)
    return;
  if (delta.part == block_delta::kind::thinking)
    make_reasoning(delta.text);
  else if (delta.part == block_delta::kind::text && of->kind == block_kind::text)
    make_text(delta.text);
  else if (delta.part == block_delta::kind::input_json &&
           (of->kind == block_kind::tool || of->kind == block_kind::json_tool))
    make_arguments(*of, delta.text);
}

void chunk_maker::stop_block(json::object const& event, message_accumulator const& so_far) {
  auto* of = find_block(event);
  auto const* whole = of ? so_far.block(static_cast<std::size_t>(*find_integer(event, "index"))) : nullptr;
  // Once only: a block may be as long as an answer, and the event that ends it is short.
  if (!whole || std::exchange(of->stopped, true))
    return;
  if ((of->kind == block_kind::tool || of->kind == block_kind::json_tool) && !of->has_arguments) {
    make_arguments(*of, "{}");
  } else if (of->kind == block_kind::thinking) {
    // Whole, with its signature, so that a client can collect them and send them back.
    json::array blocks;
    blocks.emplace_back(*whole);
    value_ = std::move(blocks);
    make(chat_chunk::kind::thinking_block, "").value_ = &value_;
  } else if (of->kind == block_kind::text && find_array(*whole, "citations")) {
    json::array annotations;
    add_annotations(*whole, of->first_character, characters_, annotations);
    if (annotations.empty())
      return;
    value_ = std::move(annotations);
    make(chat_chunk::kind::annotations, "").value_ = &value_;
  }
}

void chunk_maker::finish(message_accumulator const& so_far) {
  if (finished_)
    return;
  finished_ = true;
  auto const& answer = so_far.result().json();
  if (auto refusal = to_refusal(answer); refusal.is_string()) {
    text_ = refusal.get_string();
    make(chat_chunk::kind::refusal, text_);
  }
  auto reason = to_finish_reason(so_far.result().stop_reason(), tools_ > 0);
  if (reason == "tool_calls" && context_.function_call)
    reason = "function_call";
  value_ = anthropic_extension(answer);
  make(chat_chunk::kind::finish, reason).value_ = &value_;
}

void chat_chunk::write(std::string& out) const {
  if (!maker_)
    return;
  out += maker_->head_;
  if (kind_ == kind::usage) {
    out += "\"choices\":[],\"usage\":" + json::serialize(*value_) + "}";
    return;
  }
  bool const legacy = maker_->context_.function_call;
  out += "\"choices\":[{\"index\":0,\"delta\":{";
  switch (kind_) {
  case kind::role:
    out += "\"role\":\"assistant\",\"content\":\"\"";
    break;
  case kind::content:
    out += "\"content\":";
    write_text(out, text_);
    break;
  case kind::reasoning:
    out += "\"reasoning_content\":";
    write_text(out, text_);
    break;
  case kind::refusal:
    out += "\"refusal\":";
    write_text(out, text_);
    break;
  case kind::tool_call:
    if (legacy) {
      out += "\"function_call\":{\"name\":";
      write_text(out, name_);
      out += ",\"arguments\":\"\"}";
      break;
    }
    out += "\"tool_calls\":[{\"index\":" + std::to_string(index_) + ",\"id\":";
    write_text(out, text_);
    out += ",\"type\":\"function\",\"function\":{\"name\":";
    write_text(out, name_);
    out += ",\"arguments\":\"\"}}]";
    break;
  case kind::tool_arguments:
    out += legacy ? "\"function_call\":{\"arguments\":"
                  : "\"tool_calls\":[{\"index\":" + std::to_string(index_) + ",\"function\":{\"arguments\":";
    write_text(out, text_);
    out += legacy ? "}" : "}}]";
    break;
  case kind::thinking_block:
    out += "\"thinking_blocks\":" + json::serialize(*value_);
    break;
  case kind::annotations:
    out += "\"annotations\":" + json::serialize(*value_);
    break;
  case kind::finish:
  case kind::usage:
    break;
  }
  out += "},\"logprobs\":null,\"finish_reason\":";
  if (kind_ == kind::finish)
    write_text(out, text_);
  else
    out += "null";
  out += "}]";
  if (kind_ == kind::finish && value_->is_object() && !value_->get_object().empty())
    out += ",\"anthropic\":" + json::serialize(*value_);
  if (maker_->context_.usage_in_stream)
    out += ",\"usage\":null";
  out += "}";
}

json::object chat_chunk::json() const {
  std::string text;
  write(text);
  boost::system::error_code failure;
  auto value = json::parse(text, failure);
  return value.is_object() ? std::move(value.get_object()) : json::object();
}

} // namespace claudio
