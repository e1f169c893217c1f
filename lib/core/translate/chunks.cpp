#include "core/translate/chunks.hpp"

#include "core/json_access.hpp"
#include "core/translate/answer_parts.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/serializer.hpp>

#include <utility>

namespace claudio {
namespace json = boost::json;
using namespace std::string_view_literals;

namespace {

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
  chunks_.clear();
  taken_ = 0;
  texts_.clear();
  values_.clear();
  if (auto const* delta = event.delta())
    apply(*delta, so_far);
  else
    apply(event.json(), so_far);
}

void chunk_maker::apply(json::object const& event, message_accumulator const& so_far) {
  auto const type = find_string(event, "type");
  if (type == "message_start")
    start_message(so_far);
  else if (type == "content_block_start")
    start_block(*find_object(event, "content_block"), so_far);
  else if (type == "content_block_stop")
    close_block(so_far.place(), so_far);
  else if (type == "message_delta")
    has_reason_ = !so_far.result().stop_reason().empty();
  else if (type == "message_stop")
    return stop_message(so_far);
  // Arguments that are still to come have to come before the end.
  if (has_reason_ && open_ == 0)
    finish(so_far);
}

chat_chunk& chunk_maker::make(chat_chunk::kind kind, std::string_view text) {
  auto& made = chunks_.emplace_back();
  made.maker_ = this;
  made.kind_ = kind;
  made.text_ = text;
  return made;
}

chat_chunk& chunk_maker::make_value(chat_chunk::kind kind, json::value value, std::string_view text) {
  auto& made = make(kind, text);
  made.value_ = &values_.emplace_front(std::move(value));
  return made;
}

std::string_view chunk_maker::keep(std::string text) { return texts_.emplace_front(std::move(text)); }

void chunk_maker::start_message(message_accumulator const& so_far) {
  auto const& answer = so_far.result();
  head_ = "{\"id\":";
  write_text(head_, answer.id());
  head_ += ",\"object\":\"chat.completion.chunk\",\"created\":";
  head_ += std::to_string(std::chrono::duration_cast<std::chrono::seconds>(created_.time_since_epoch()).count());
  head_ += ",\"model\":";
  write_text(head_, answer.model());
  tier_at_ = head_.size();
  write_tier(answer);
  characters_ = count_characters(context_.prefill);
  make(chat_chunk::kind::role, std::string_view());
  // An answer may begin with blocks.
  for (auto const& begun : answer.content()) {
    static json::object const none;
    auto const* const content = begun.if_object();
    start_block(content ? *content : none, so_far);
    blocks_.back().open = content != nullptr;
    open_ -= content ? 0 : 1;
  }
}

// The tier may be known at the end only.
void chunk_maker::write_tier(message const& answer) {
  head_.resize(tier_at_);
  if (auto const tier = to_openai_tier(answer.json()); !tier.empty()) {
    head_ += ",\"service_tier\":";
    write_text(head_, tier);
  }
  head_ += ',';
}

// What the answer's text was begun with stands before it, where there is any.
void chunk_maker::begin_text() {
  if (std::exchange(has_text_, true) || context_.prefill.empty())
    return;
  make(chat_chunk::kind::content, context_.prefill);
}

void chunk_maker::make_text(block& of, std::string_view text) {
  if (text.empty())
    return;
  begin_text();
  characters_ += count_characters(text);
  of.end_character = characters_;
  make(chat_chunk::kind::content, text);
}

void chunk_maker::start_block(json::object const& content, message_accumulator const& so_far) {
  // One that did not stop before its index started again.
  auto const place = so_far.place();
  if (place > 0 && so_far.blocks()[place - 1].index == so_far.blocks()[place].index)
    close_block(place - 1, so_far);
  auto& started = blocks_.emplace_back();
  ++open_;
  started.first_character = started.end_character = characters_;
  auto const type = find_string(content, "type");
  if (type == "text") {
    started.kind = block_kind::text;
    if (auto const* text = find_value(content, "text"); text && text->is_string())
      begin_text();
    make_text(started, find_string(content, "text"));
  } else if (type == "tool_use") {
    start_tool(started, content);
  } else if (type == "thinking" || type == "redacted_thinking") {
    started.kind = block_kind::thinking;
    make_reasoning(find_string(content, "thinking"));
  }
}

void chunk_maker::start_tool(block& started, json::object const& content) {
  auto const name = find_string(content, "name");
  bool const is_answer = !context_.json_tool.empty() && name == context_.json_tool;
  started.kind = is_answer ? block_kind::json_tool : block_kind::tool;
  if (!is_answer) {
    started.tool_index = tools_++;
    // There is room for one call in function_call.
    if (context_.function_call && started.tool_index > 0) {
      started.kind = block_kind::other;
      return;
    }
    auto& chunk = make(chat_chunk::kind::tool_call, find_string(content, "id"));
    chunk.name_ = original_tool_name(context_, name);
    chunk.index_ = started.tool_index;
  }
  // An empty object is what the API begins with, not a part of the arguments.
  auto const* input = find_object(content, "input");
  if (input && !input->empty())
    make_arguments(started, keep(json::serialize(*input)));
}

void chunk_maker::make_arguments(block& of, std::string_view text) {
  if (text.empty())
    return;
  of.has_arguments = true;
  if (of.kind == block_kind::json_tool)
    make_text(of, text);
  else
    make(chat_chunk::kind::tool_arguments, text).index_ = of.tool_index;
}

void chunk_maker::make_reasoning(std::string_view text) {
  if (!text.empty() && !context_.hide_reasoning)
    make(chat_chunk::kind::reasoning, text);
}

void chunk_maker::apply(block_delta const& delta, message_accumulator const& so_far) {
  auto& of = blocks_[so_far.blocks()[so_far.place()].number];
  if (delta.part == block_delta::kind::thinking && of.kind == block_kind::thinking)
    make_reasoning(delta.text);
  else if (delta.part == block_delta::kind::text && of.kind == block_kind::text)
    make_text(of, delta.text);
  else if (delta.part == block_delta::kind::input_json &&
           (of.kind == block_kind::tool || of.kind == block_kind::json_tool))
    make_arguments(of, delta.text);
}

void chunk_maker::close_block(std::size_t place, message_accumulator const& so_far) {
  auto& of = blocks_[so_far.blocks()[place].number];
  if (!of.open)
    return;
  of.open = false;
  --open_;
  if ((of.kind == block_kind::tool || of.kind == block_kind::json_tool) && !of.has_arguments)
    make_arguments(of, "{}");
}

// Lists come whole: OpenAI's clients put the last in the place of those before it, or fail.
void chunk_maker::make_lists(message_accumulator const& so_far) {
  json::array thinking;
  json::array annotations;
  auto const& content = so_far.result().content();
  for (std::size_t place = 0; place < content.size(); ++place) {
    auto const* whole = content[place].if_object();
    auto const& of = blocks_[so_far.blocks()[place].number];
    if (whole && of.kind == block_kind::thinking)
      thinking.emplace_back(*whole);
    else if (whole && of.kind == block_kind::text)
      add_annotations(*whole, of.first_character, of.end_character, annotations);
  }
  if (!annotations.empty())
    make_value(chat_chunk::kind::annotations, std::move(annotations));
  if (!thinking.empty())
    make_value(chat_chunk::kind::thinking_blocks, std::move(thinking));
}

void chunk_maker::finish(message_accumulator const& so_far) {
  if (finished_)
    return;
  finished_ = true;
  auto const& answer = so_far.result().json();
  write_tier(so_far.result());
  make_lists(so_far);
  if (auto refusal = to_refusal(answer); refusal.is_string())
    make(chat_chunk::kind::refusal, keep(std::string(refusal.get_string())));
  auto reason = to_finish_reason(so_far.result().stop_reason(), tools_ > 0);
  if (reason == "tool_calls" && context_.function_call)
    reason = "function_call";
  auto& last = make_value(chat_chunk::kind::finish, anthropic_extension(answer), reason);
  if (needs_content_blocks(answer))
    last.blocks_ = &values_.emplace_front(so_far.result().content());
}

void chunk_maker::stop_message(message_accumulator const& so_far) {
  for (std::size_t place = 0; open_ > 0 && place < so_far.blocks().size(); ++place)
    close_block(place, so_far);
  finish(so_far);
  if (!context_.usage_in_stream)
    return;
  auto const* usage = find_object(so_far.result().json(), "usage");
  make_value(chat_chunk::kind::usage, to_openai_usage(usage ? *usage : json::object()));
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
  out += "\"choices\":[{\"index\":0,\"delta\":{"sv;
  switch (kind_) {
  case kind::role:
    out += "\"role\":\"assistant\",\"content\":\"\""sv;
    break;
  case kind::content:
    out += "\"content\":"sv;
    write_text(out, text_);
    break;
  case kind::reasoning:
    out += "\"reasoning_content\":"sv;
    write_text(out, text_);
    break;
  case kind::refusal:
    out += "\"refusal\":"sv;
    write_text(out, text_);
    break;
  case kind::tool_call:
    if (legacy) {
      out += "\"function_call\":{\"name\":"sv;
      write_text(out, name_);
      out += ",\"arguments\":\"\"}"sv;
      break;
    }
    out += "\"tool_calls\":[{\"index\":" + std::to_string(index_) + ",\"id\":";
    write_text(out, text_);
    out += ",\"type\":\"function\",\"function\":{\"name\":"sv;
    write_text(out, name_);
    out += ",\"arguments\":\"\"}}]"sv;
    break;
  case kind::tool_arguments:
    out += legacy ? "\"function_call\":{\"arguments\":"
                  : "\"tool_calls\":[{\"index\":" + std::to_string(index_) + ",\"function\":{\"arguments\":";
    write_text(out, text_);
    out += legacy ? "}" : "}}]";
    break;
  case kind::thinking_blocks:
    out += "\"thinking_blocks\":" + json::serialize(*value_);
    break;
  case kind::annotations:
    out += "\"annotations\":" + json::serialize(*value_);
    break;
  case kind::finish:
    if (blocks_)
      out += "\"content_blocks\":" + json::serialize(*blocks_);
    break;
  case kind::usage:
    break;
  }
  out += "},\"logprobs\":null,\"finish_reason\":"sv;
  if (kind_ == kind::finish)
    write_text(out, text_);
  else
    out += "null"sv;
  out += "}]"sv;
  if (kind_ == kind::finish && value_->is_object() && !value_->get_object().empty())
    out += ",\"anthropic\":" + json::serialize(*value_);
  if (maker_->context_.usage_in_stream)
    out += ",\"usage\":null"sv;
  out += "}"sv;
}

json::object chat_chunk::json() const {
  std::string text;
  write(text);
  boost::system::error_code failure;
  auto value = json::parse(text, failure);
  return value.is_object() ? std::move(value.get_object()) : json::object();
}

} // namespace claudio
