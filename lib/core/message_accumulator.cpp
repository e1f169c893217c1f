#include "core/message_accumulator.hpp"

#include "core/json_access.hpp"
#include "core/response_error.hpp"
#include "core/sliced_json.hpp"

#include <algorithm>

namespace claudio {
namespace json = boost::json;

namespace {

using block_kind = message_accumulator::block::kind;

// The value of a member, which is made if there is none. `at` is where it may be, and is then.
json::value& member_of(json::object& object, std::string_view name, std::size_t& at) {
  if (at >= object.size() || !is_key(object.begin()[at].key(), name)) {
    auto* const present = object.find(name);
    auto* const found = present != object.end() ? present : object.emplace(name, nullptr).first;
    at = static_cast<std::size_t>(found - object.begin());
  }
  return object.begin()[at].value();
}

void append(json::value& value, std::string_view text) {
  if (!value.is_string())
    value.emplace_string();
  value.get_string().append(text);
}

void append_citation(json::object& block, json::value const* citation) {
  auto& citations = block["citations"];
  if (!citations.is_array())
    citations.emplace_array();
  if (citation)
    citations.get_array().emplace_back(*citation);
}

// A kind of delta that is new: its texts go on where the block's end, anything else replaces.
void append_unknown(json::object& block, json::object const& delta) {
  for (auto const& [key, value] : delta) {
    if (key == "type")
      continue;
    if (auto const* text = value.if_string())
      append(block[key], *text);
    else
      block.insert_or_assign(key, value);
  }
}

error misfit(std::string_view event, std::string_view why) {
  return error(errc::protocol, "the stream has a " + std::string(event) + " event " + std::string(why));
}

error misfit(std::string_view event, std::size_t index, std::string_view why) {
  return misfit(event, "with index " + std::to_string(index) + ", " + std::string(why));
}

result<std::size_t> index_of(json::object const& event) {
  auto const* const given = find_value(event, "index");
  auto const index = given ? to_integer(*given) : std::nullopt;
  if (index && *index >= 0 && static_cast<std::uint64_t>(*index) < message_accumulator::most_blocks)
    return static_cast<std::size_t>(*index);
  return misfit(find_string(event, "type"), "whose index is " + (given ? describe_value(*given) : "missing") +
                                                "; expected an integer from 0 to " +
                                                std::to_string(message_accumulator::most_blocks - 1));
}

block_kind kind_of(json::object const& block) noexcept {
  auto const type = find_string(block, "type");
  if (type == "text")
    return block_kind::text;
  if (type == "thinking")
    return block_kind::thinking;
  if (type.ends_with("tool_use"))
    return block_kind::tool;
  return type == "redacted_thinking" || type.ends_with("_result") ? block_kind::whole : block_kind::other;
}

bool fits(block_kind block, block_delta::kind delta) noexcept {
  switch (delta) {
  case block_delta::kind::text:
    return block == block_kind::text || block == block_kind::other;
  case block_delta::kind::thinking:
    return block == block_kind::thinking || block == block_kind::other;
  case block_delta::kind::input_json:
    return block == block_kind::tool || block == block_kind::other;
  }
  return false;
}

// Whether the counts of `cache_creation` are not those of its total.
bool is_stale_split(json::object const& usage) {
  auto const* split = find_object(usage, "cache_creation");
  if (!split)
    return false;
  std::uint64_t sum = 0;
  for (auto const& member : *split)
    sum += to_count(member.value());
  return sum != find_count(usage, "cache_creation_input_tokens");
}

constexpr std::string_view not_open = "whose block is not open";
constexpr std::string_view other_kind = "which does not fit its block's type";

} // namespace

inline json::object& message_accumulator::json() noexcept { return message_.json_; }

inline json::array& message_accumulator::content() noexcept { return json().begin()[content_at_].value().get_array(); }

inline message_accumulator::block* message_accumulator::find_block(std::size_t index) noexcept {
  // Mostly that of the event before.
  auto const is_latest = [&](std::size_t place) {
    return blocks_[place].index == index && (place + 1 == blocks_.size() || blocks_[place + 1].index != index);
  };
  if (place_ < blocks_.size() && is_latest(place_))
    return &blocks_[place_];
  auto const behind = std::upper_bound(blocks_.begin(), blocks_.end(), index,
                                       [](std::size_t wanted, block const& one) { return wanted < one.index; });
  if (behind == blocks_.begin() || std::prev(behind)->index != index)
    return nullptr;
  place_ = static_cast<std::size_t>(behind - blocks_.begin()) - 1;
  return &blocks_[place_];
}

// Counts what an event will leave here.
result<void> message_accumulator::admit(event_json const& event) {
  if (auto const* delta = event.delta()) {
    bytes_ += delta->text.size();
  } else if (event.type() != "ping") {
    bytes_ += event.text().size();
    values_ += event.values();
  }
  if (bytes_ > limit_)
    return answer_too_large(limit_);
  if (values_ > sliced_json::most_values)
    return error(errc::protocol, "the stream's events have more than " + std::to_string(sliced_json::most_values) +
                                     " values, which is more than any answer has");
  return {};
}

result<void> message_accumulator::apply(event_json& event) {
  if (auto const admitted = admit(event); !admitted)
    return admitted;
  repaired_ = repaired_ || event.repaired();
  auto const* const delta = event.delta();
  return delta ? apply(*delta) : apply(event.json());
}

result<void> message_accumulator::apply(json::object const& event) {
  auto const type = find_string(event, "type");
  if (type == "message_start")
    return start_message(event);
  bool const is_blocks = type.starts_with("content_block_");
  if (!started_ && (is_blocks || type == "message_delta" || type == "message_stop"))
    return misfit(type, "before its message_start");
  if (type == "content_block_start")
    return start_block(event);
  if (type == block_delta::event_type)
    return apply_delta(event);
  if (type == "content_block_stop")
    return stop_block(event);
  if (type == "message_delta")
    apply_message_delta(event);
  else if (type == "message_stop")
    stop_message();
  return {};
}

result<void> message_accumulator::start_message(json::object const& event) {
  auto const* given = find_object(event, "message");
  if (started_)
    return misfit("message_start", "after another one");
  if (!given)
    return misfit("message_start", "without a message");
  auto const* const begun = find_array(*given, "content");
  if (begun && begun->size() > most_blocks)
    return misfit("message_start", "with more than " + std::to_string(most_blocks) + " content blocks");
  started_ = true;
  // Out of the event's memory into our own.
  json() = json::object(*given, json::storage_ptr());
  content_at_ = json().size();
  auto& blocks = member_of(json(), "content", content_at_);
  if (!begun)
    blocks.emplace_array();
  for (auto const& value : content()) {
    block& started = blocks_.emplace_back();
    started.index = started.number = blocks_.size() - 1;
    started.open = value.is_object();
    started.of = started.open ? kind_of(value.get_object()) : block_kind::whole;
  }
  return {};
}

result<void> message_accumulator::start_block(json::object const& event) {
  auto const index = index_of(event);
  if (!index)
    return index.error();
  auto const* given = find_object(event, "content_block");
  if (!given)
    return misfit("content_block_start", *index, "without a content_block");
  if (blocks_.size() >= most_blocks)
    return misfit("content_block_start", *index, "after " + std::to_string(most_blocks) + " other blocks");
  if (auto* const earlier = find_block(*index); earlier && earlier->open)
    close_block(place_);
  auto const position = std::upper_bound(blocks_.begin(), blocks_.end(), *index,
                                         [](std::size_t wanted, block const& one) { return wanted < one.index; });
  block started;
  started.index = *index;
  started.number = blocks_.size();
  started.of = kind_of(*given);
  place_ = static_cast<std::size_t>(position - blocks_.begin());
  blocks_.insert(position, std::move(started));
  content().insert(content().begin() + place_, json::object(*given, json::storage_ptr()));
  return {};
}

result<void> message_accumulator::apply(block_delta const& delta) {
  auto* const found = find_block(delta.index);
  if (!found || !found->open)
    return misfit(block_delta::event_type, delta.index, not_open);
  if (!fits(found->of, delta.part))
    return misfit(block_delta::event_type, delta.index, other_kind);
  if (delta.part == block_delta::kind::input_json) {
    found->input += delta.text;
    return {};
  }
  std::string_view const member = delta.part == block_delta::kind::text ? "text" : "thinking";
  append(member_of(content()[place_].get_object(), member, found->text_at), delta.text);
  return {};
}

result<void> message_accumulator::apply_delta(json::object const& event) {
  auto const index = index_of(event);
  if (!index)
    return index.error();
  auto const* const found = find_block(*index);
  auto const* delta = find_object(event, "delta");
  auto const type = delta ? find_string(*delta, "type") : std::string_view();
  bool const is_signature = type == "signature_delta";
  bool const is_citation = type == "citations_delta";
  bool const is_known = is_signature || is_citation || block_delta::knows(type);
  // Who knows what a new kind of delta means behind a block's end; it is kept there.
  if (!found || (!found->open && (is_known || !delta)))
    return misfit(block_delta::event_type, *index, not_open);
  if (!delta)
    return misfit(block_delta::event_type, *index, "without a delta");
  if (block_delta::knows(type))
    return misfit(block_delta::event_type, *index, "whose " + std::string(type) + " is no text");
  if (!content()[place_].is_object())
    return misfit(block_delta::event_type, *index, other_kind);
  auto const wanted = is_signature ? block_kind::thinking : block_kind::text;
  if (is_known && found->of != wanted && found->of != block_kind::other)
    return misfit(block_delta::event_type, *index, other_kind);
  auto& whole = content()[place_].get_object();
  if (is_signature)
    whole["signature"] = json::string_view(find_string(*delta, "signature"));
  else if (is_citation)
    append_citation(whole, find_value(*delta, "citation"));
  else
    append_unknown(whole, *delta);
  return {};
}

result<void> message_accumulator::stop_block(json::object const& event) {
  auto const index = index_of(event);
  if (!index)
    return index.error();
  auto* const found = find_block(*index);
  if (!found || !found->open)
    return misfit("content_block_stop", *index, not_open);
  close_block(place_);
  return {};
}

void message_accumulator::close_block(std::size_t place) {
  auto& closed = blocks_[place];
  closed.open = false;
  if (closed.input.empty())
    return;
  std::size_t values = 0;
  auto input = parse_json(closed.input, values, json::storage_ptr());
  if (!input) {
    if (auto const repaired = repair_unicode(closed.input)) {
      input = parse_json(*repaired, values, json::storage_ptr());
      repaired_ = repaired_ || input;
    }
  }
  set_input(place, std::move(input), values);
}

// An answer that was cut off may leave half of the JSON: kept as text, so that nothing is lost.
void message_accumulator::set_input(std::size_t place, claudio::result<json::value> parsed, std::size_t values) {
  auto& text = blocks_[place].input;
  bool const whole = parsed && values_ + values <= sliced_json::most_values;
  values_ += whole ? values : 0;
  content()[place].get_object()["input"] = whole ? std::move(*parsed) : json::value(json::string_view(text));
  std::string().swap(text);
}

message_accumulator::block* message_accumulator::find_ending(event_json& event) noexcept {
  if (event.delta() || event.type() != "content_block_stop")
    return nullptr;
  auto const index = find_integer(event.json(), "index");
  auto* const found = index && *index >= 0 ? find_block(static_cast<std::size_t>(*index)) : nullptr;
  return found && found->open ? found : nullptr;
}

std::string_view message_accumulator::ending_input(event_json& event) noexcept {
  auto const* const found = find_ending(event);
  return found ? std::string_view(found->input) : std::string_view();
}

void message_accumulator::end_input(event_json& event, claudio::result<json::value> parsed, std::size_t values,
                                    bool repaired) {
  if (!find_ending(event))
    return;
  repaired_ = repaired_ || (repaired && parsed);
  set_input(place_, std::move(parsed), values);
}

void message_accumulator::apply_message_delta(json::object const& event) {
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
  auto& known = usage.get_object();
  for (auto const& [key, value] : *counts)
    if (!value.is_null())
      known.insert_or_assign(key, value);
  // A total that came without its split may have left the earlier split behind.
  if (find_value(*counts, "cache_creation_input_tokens") && is_stale_split(known))
    known.erase("cache_creation");
}

void message_accumulator::stop_message() {
  for (std::size_t place = 0; place < blocks_.size(); ++place)
    if (blocks_[place].open)
      close_block(place);
  complete_ = true;
}

} // namespace claudio
