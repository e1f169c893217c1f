#include "core/event_json.hpp"
#include "core/json_access.hpp"

#include <claudio/events.hpp>
#include <claudio/message.hpp>

#include <array>

namespace claudio {
namespace json = boost::json;

message_request::message_request() = default;

// Into the default resource: a view must not hold storage whose owner may go first.
message_request::message_request(json::object json) : json_(std::move(json), json::storage_ptr()) {}

std::string_view message_request::model() const noexcept { return find_string(json_, "model"); }

message_request& message_request::put(std::string_view field, json::value value) {
  json_[field] = std::move(value);
  return *this;
}

message_request& message_request::add(std::string_view role, json::value content) {
  auto& messages = json_["messages"];
  if (!messages.is_array())
    messages.emplace_array();
  json::object turn;
  turn.emplace("role", json::string_view(role));
  turn.emplace("content", std::move(content));
  messages.get_array().emplace_back(std::move(turn));
  return *this;
}

std::string_view message_event::type() const noexcept { return event_ ? event_->type() : std::string_view(); }

std::string_view message_event::text() const noexcept {
  auto const* delta = event_ ? event_->delta() : nullptr;
  return delta && delta->part == block_delta::kind::text ? delta->text : std::string_view();
}

json::object const& message_event::json() const { return event_->json(); }

message::message(json::object json, std::shared_ptr<call_info const> info)
    : json_(std::move(json), json::storage_ptr()), info_(std::move(info)) {}

result<message> message::parse(std::string_view text) {
  auto value = parse_json(text);
  if (!value)
    return value.error();
  auto* object = value->if_object();
  if (!object || find_string(*object, "type") != "message")
    return error(errc::transformation, "not an answer of the Messages API: no \"type\": \"message\"");
  return message(std::move(*object));
}

std::string_view message::id() const noexcept { return find_string(json_, "id"); }

std::string_view message::model() const noexcept { return find_string(json_, "model"); }

std::string message::text() const {
  std::string text;
  for (auto const& block : content())
    if (auto const* object = block.if_object(); object && find_string(*object, "type") == "text")
      text += find_string(*object, "text");
  return text;
}

json::array const& message::content() const noexcept {
  static auto const* const none = new json::array;
  auto const* blocks = find_array(json_, "content");
  return blocks ? *blocks : *none;
}

std::string_view message::stop_reason() const noexcept { return find_string(json_, "stop_reason"); }

message_usage message::usage() const noexcept {
  constexpr std::array<std::pair<std::string_view, std::uint64_t message_usage::*>, 4> fields{
      {{"input_tokens", &message_usage::input_tokens},
       {"output_tokens", &message_usage::output_tokens},
       {"cache_creation_input_tokens", &message_usage::cache_creation_input_tokens},
       {"cache_read_input_tokens", &message_usage::cache_read_input_tokens}}};
  message_usage usage;
  auto const* const counts = find_object(json_, "usage");
  if (!counts)
    return usage;
  // In one pass, since every call is asked more than once.
  for (auto const& member : *counts)
    for (auto const& [name, field] : fields)
      if (is_key(member.key(), name))
        usage.*field = to_count(member.value());
  return usage;
}

} // namespace claudio
