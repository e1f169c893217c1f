#include "conversation.hpp"

#include "core/json_access.hpp"

namespace claudio::tool {
namespace json = boost::json;

namespace {

std::string text_of(json::object const& message) {
  auto const* const content = find_value(message, "content");
  if (content && content->is_string())
    return std::string(content->get_string());
  std::string text;
  if (auto const* const parts = content ? content->if_array() : nullptr)
    for (auto const& part : *parts)
      if (auto const* const object = part.if_object()) {
        auto const* const file = find_object(*object, "file");
        auto const kind = find_string(*object, "type");
        text += text.empty() ? "" : "\n\n";
        text += kind == "text" ? std::string(find_string(*object, "text"))
                : file         ? "[file: " + std::string(find_string(*file, "filename")) + "]"
                               : "[" + std::string(kind == "image_url" ? "image" : kind) + "]";
      }
  return text;
}

} // namespace

json::object conversation::question(std::string_view text) const {
  json::object message;
  message["role"] = "user";
  if (attachments.empty()) {
    message["content"] = json::string_view(text.data(), text.size());
    return message;
  }
  auto parts = attachments;
  if (!text.empty()) {
    json::object part;
    part["type"] = "text";
    part["text"] = json::string_view(text.data(), text.size());
    parts.push_back(std::move(part));
  }
  message["content"] = std::move(parts);
  return message;
}

chat_request conversation::request(json::object const& question) const {
  chat_request request;
  if (!system.empty())
    request.system(system);
  for (auto const& message : messages)
    request.message(message.as_object());
  request.message(question);
  if (max_tokens)
    request.max_tokens(*max_tokens);
  if (temperature)
    request.temperature(*temperature);
  return request;
}

void conversation::add(json::object question, json::array answer) {
  messages.emplace_back(std::move(question));
  for (auto& message : answer)
    messages.push_back(std::move(message));
  attachments.clear();
}

void conversation::clear() {
  messages.clear();
  attachments.clear();
}

std::string conversation::transcript() const {
  std::string text;
  if (!system.empty())
    text += "## System\n\n" + system + "\n\n";
  for (auto const& message : messages) {
    auto const* const object = message.if_object();
    auto const said = object ? text_of(*object) : std::string();
    if (said.empty())
      continue;
    auto const role = find_string(*object, "role");
    text += role == "user" ? "## You\n\n" : role == "assistant" ? "## Claude\n\n" : "## Tool\n\n";
    text += said + "\n\n";
  }
  return text;
}

} // namespace claudio::tool
