#include "core/message_accumulator.hpp"

#include "core/json_access.hpp"
#include "core/response_error.hpp"
#include "core/sliced_json.hpp"

#include <algorithm>
#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

// More blocks than any answer has; a hostile index must not fill the memory.
constexpr std::size_t most_blocks = 100'000;

void append(json::object& to, std::string_view member, std::string_view text) {
  auto* const present = find_value(to, member);
  auto& value = present ? *present : to[member];
  if (!value.is_string())
    value.emplace_string();
  value.get_string().append(text);
}

} // namespace

json::object& message_accumulator::json() noexcept { return message_.json_; }

bool message_accumulator::apply(event_json& event) {
  if (!fits(event))
    return false;
  if (auto const* delta = event.delta())
    apply(*delta);
  else
    apply(event.json());
  return true;
}

bool message_accumulator::fits(event_json const& event) noexcept {
  if (auto const* delta = event.delta()) {
    bytes_ += delta->text.size();
  } else if (event.type() != "ping") {
    bytes_ += event.text().size();
    values_ += event.values();
  }
  return bytes_ <= limit_ && values_ <= sliced_json::most_values;
}

error message_accumulator::overflow() const {
  if (bytes_ > limit_)
    return answer_too_large(limit_);
  return error(errc::protocol, "the stream's events have more than " + std::to_string(sliced_json::most_values) +
                                   " values, which is more than any answer has");
}

void message_accumulator::apply(json::object const& event) {
  auto const type = find_string(event, "type");
  if (type == "content_block_delta")
    apply_delta(event);
  else if (type == "message_start")
    start_message(event);
  else if (type == "content_block_start")
    start_block(event);
  else if (type == "content_block_stop")
    stop_block(event);
  else if (type == "message_delta")
    apply_message_delta(event);
  else if (type == "message_stop")
    complete_ = true;
}

void message_accumulator::start_message(json::object const& event) {
  auto const* given = find_object(event, "message");
  if (!given || started_)
    return;
  started_ = true;
  // Out of the event's memory into our own.
  json() = json::object(*given, json::storage_ptr());
  auto& content = json()["content"];
  if (!content.is_array())
    content.emplace_array();
  inputs_.resize(content.get_array().size());
}

void message_accumulator::start_block(json::object const& event) {
  auto const* block = find_object(event, "content_block");
  auto* content = find_value(json(), "content");
  if (!block || !content || content->get_array().size() >= most_blocks)
    return;
  content->get_array().emplace_back(json::object(*block, json::storage_ptr()));
  inputs_.emplace_back();
}

json::object const* message_accumulator::block(std::size_t index) const noexcept {
  auto const& content = message_.content();
  return index < content.size() ? content[index].if_object() : nullptr;
}

json::object* message_accumulator::find_block(std::size_t index) noexcept {
  auto* content = find_value(json(), "content");
  if (!content || index >= content->get_array().size())
    return nullptr;
  return content->get_array()[index].if_object();
}

json::object* message_accumulator::find_block(json::object const& event) noexcept {
  auto const index = find_integer(event, "index");
  return index && *index >= 0 ? find_block(static_cast<std::size_t>(*index)) : nullptr;
}

void message_accumulator::apply(block_delta const& delta) {
  auto* block = find_block(delta.index);
  if (!block)
    return;
  switch (delta.part) {
  case block_delta::kind::text:
    append(*block, "text", delta.text);
    break;
  case block_delta::kind::thinking:
    append(*block, "thinking", delta.text);
    break;
  case block_delta::kind::input_json:
    inputs_[delta.index] += delta.text;
    break;
  }
}

void message_accumulator::apply_delta(json::object const& event) {
  auto* block = find_block(event);
  auto const* delta = find_object(event, "delta");
  if (!block || !delta)
    return;
  auto const type = find_string(*delta, "type");
  if (type == "signature_delta") {
    (*block)["signature"] = json::string_view(find_string(*delta, "signature"));
  } else if (type == "citations_delta") {
    auto const* citation = find_value(*delta, "citation");
    auto& citations = (*block)["citations"];
    if (!citations.is_array())
      citations.emplace_array();
    if (citation)
      citations.get_array().emplace_back(*citation);
  } else {
    // A kind that is new: its texts go on where the block's end, anything else replaces.
    for (auto const& [key, value] : *delta) {
      if (key == "type")
        continue;
      if (auto const* text = value.if_string())
        append(*block, key, *text);
      else
        block->insert_or_assign(key, value);
    }
  }
}

void message_accumulator::stop_block(json::object const& event) {
  auto const* const text = find_input(event);
  if (!text || text->empty())
    return;
  std::size_t values = 0;
  auto parsed = parse_json(*text, values, json::storage_ptr());
  end_input(event, std::move(parsed), values);
}

std::string* message_accumulator::find_input(json::object const& event) noexcept {
  auto const* const block = find_block(event);
  return block ? &inputs_[static_cast<std::size_t>(*find_integer(event, "index"))] : nullptr;
}

std::string_view message_accumulator::ending_input(event_json& event) noexcept {
  if (event.delta() || event.type() != "content_block_stop")
    return {};
  auto const* const text = find_input(event.json());
  return text ? std::string_view(*text) : std::string_view();
}

void message_accumulator::end_input(json::object const& event, claudio::result<json::value> parsed,
                                    std::size_t values) {
  auto& text = *find_input(event);
  // An answer that was cut off may leave half of the JSON: kept as text, so that nothing is lost.
  bool const whole = parsed && values_ + values <= sliced_json::most_values;
  values_ += whole ? values : 0;
  (*find_block(event))["input"] = whole ? std::move(*parsed) : json::value(json::string_view(text));
  text.clear();
}

void message_accumulator::apply_message_delta(json::object const& event) {
  if (!started_)
    return;
  if (auto const* delta = find_object(event, "delta"))
    for (auto const& [key, value] : *delta)
      // The blocks come in events of their own.
      if (key != "content" && (key == "stop_reason" || key == "stop_sequence" || !value.is_null()))
        json().insert_or_assign(key, value);
  // Counts are those of the whole answer so far; what is absent or null has not changed (Messages API, streaming).
  auto const* counts = find_object(event, "usage");
  if (!counts)
    return;
  auto& usage = json()["usage"];
  if (!usage.is_object())
    usage.emplace_object();
  for (auto const& [key, value] : *counts)
    if (!value.is_null())
      usage.get_object().insert_or_assign(key, value);
}

} // namespace claudio
