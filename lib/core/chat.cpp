#include "core/json_access.hpp"

#include <claudio/chat.hpp>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::size_t largest_request = 32 * 1024 * 1024; // Messages API, request size limits

json::object const* first_choice(json::object const& response) noexcept {
  auto const* choices = find_array(response, "choices");
  return choices && !choices->empty() ? choices->front().if_object() : nullptr;
}

json::object const* first_message(json::object const& response) noexcept {
  auto const* choice = first_choice(response);
  return choice ? find_object(*choice, "message") : nullptr;
}

// Blanks out a fence around the whole text, so that offsets into it stay.
void remove_fence(std::string& text) {
  constexpr std::string_view fence = "```";
  constexpr std::string_view white = " \t\r\n";
  auto const begin = text.find_first_not_of(white);
  if (begin == std::string::npos || text.compare(begin, fence.size(), fence) != 0)
    return;
  auto const line_end = text.find('\n', begin);
  auto const last = text.find_last_not_of(white);
  auto const closing = last + 1 - fence.size();
  if (line_end == std::string::npos)
    return;
  text.replace(begin, line_end - begin, line_end - begin, ' ');
  // A block that was cut off has no end.
  if (closing > line_end && text.compare(closing, fence.size(), fence) == 0)
    text.replace(closing, fence.size(), fence.size(), ' ');
}

} // namespace

chat_request::chat_request() = default;

// Into the default resource: a view must not hold storage whose owner may go first.
chat_request::chat_request(json::object json) : json_(std::move(json), json::storage_ptr()) {}

result<chat_request> chat_request::parse(std::string_view text) {
  if (text.size() > largest_request)
    return error(errc::request_too_large, "a request of more than 32 MiB, which is more than the Messages API takes");
  auto value = parse_json(text);
  if (!value)
    return value.error();
  if (!value->is_object())
    return error(errc::transformation, "expected a JSON object, got " + describe_value(*value));
  return chat_request(std::move(value->get_object()));
}

std::string_view chat_request::model() const noexcept { return find_string(json_, "model"); }

chat_request& chat_request::put(std::string_view field, json::value value) {
  json_[field] = std::move(value);
  return *this;
}

chat_request& chat_request::put_stop(std::vector<std::string> const& sequences) {
  json::array list;
  for (auto const& sequence : sequences)
    list.emplace_back(sequence);
  return put("stop", std::move(list));
}

chat_request& chat_request::add(std::string_view role, std::string_view text) {
  json::object message;
  message.emplace("role", json::string_view(role));
  message.emplace("content", json::string_view(text));
  return add(std::move(message));
}

chat_request& chat_request::add(std::string_view role, json::array parts) {
  json::object message;
  message.emplace("role", json::string_view(role));
  message.emplace("content", std::move(parts));
  return add(std::move(message));
}

chat_request& chat_request::add(json::object message) {
  auto& messages = json_["messages"];
  if (!messages.is_array())
    messages.emplace_array();
  messages.get_array().emplace_back(std::move(message));
  return *this;
}

chat_response::chat_response(json::object json, std::shared_ptr<call_info const> info,
                             std::vector<std::string> warnings)
    : json_(std::move(json), json::storage_ptr()), info_(std::move(info)), warnings_(std::move(warnings)) {}

std::string_view chat_response::text() const& noexcept {
  auto const* message = first_message(json_);
  return message ? find_string(*message, "content") : std::string_view();
}

std::string_view chat_response::finish_reason() const noexcept {
  auto const* choice = first_choice(json_);
  return choice ? find_string(*choice, "finish_reason") : std::string_view();
}

json::object chat_response::message() const {
  auto const* message = first_message(json_);
  return message ? *message : json::object();
}

json::array const& chat_response::tool_calls() const& noexcept {
  static auto const* const none = new json::array;
  auto const* message = first_message(json_);
  auto const* calls = message ? find_array(*message, "tool_calls") : nullptr;
  return calls ? *calls : *none;
}

result<json::value> chat_response::parse_json() const {
  std::string json_text(text());
  std::string const reason = "finish_reason \"" + std::string(finish_reason()) + "\"";
  if (json_text.find_first_not_of(" \t\r\n") == std::string::npos)
    return error(errc::transformation, "the answer has no text (" + reason + ")");
  remove_fence(json_text);
  auto value = claudio::parse_json(json_text);
  if (value)
    return value;
  if (finish_reason() == "length")
    return error(errc::transformation, "the answer was cut off (" + reason + "): " + value.error().message());
  return error(errc::transformation, "the answer is " + value.error().message());
}

chat_usage chat_response::usage() const noexcept {
  chat_usage usage;
  if (auto const* counts = find_object(json_, "usage")) {
    usage.prompt_tokens = find_count(*counts, "prompt_tokens");
    usage.completion_tokens = find_count(*counts, "completion_tokens");
    usage.total_tokens = find_count(*counts, "total_tokens");
    if (auto const* details = find_object(*counts, "prompt_tokens_details"))
      usage.cached_tokens = find_count(*details, "cached_tokens");
  }
  return usage;
}

std::string_view chat_response::id() const noexcept { return find_string(json_, "id"); }

std::string_view chat_response::model() const noexcept { return find_string(json_, "model"); }

} // namespace claudio
