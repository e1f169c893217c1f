#include "core/json_access.hpp"
#include "testing/judge_rules.hpp"

#include <algorithm>

namespace claudio::testing {
namespace json = boost::json;

namespace {

// The blocks that are read, and the fields that they have beside `type` (Messages API). Others are accepted unread.
class known_block {
public:
  std::string_view type;
  std::string_view fields; // each between spaces
};
constexpr std::array<known_block, 8> known_blocks{{
    {"text", " text cache_control citations "},
    {"image", " source cache_control transformations "},
    {"document", " source title context citations cache_control "},
    {"search_result", " source title content citations cache_control "},
    {"tool_use", " id name input cache_control caller toolset_name "},
    {"tool_result", " tool_use_id content is_error cache_control toolset_name "},
    {"thinking", " thinking signature "},
    {"redacted_thinking", " data "},
}};

bool is_blank_text(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool is_thought(std::string_view type) { return type == "thinking" || type == "redacted_thinking"; }

bool cites(json::object const& block) {
  auto const* citations = find_object(block, "citations");
  auto const* enabled = citations ? citations->if_contains("enabled") : nullptr;
  return enabled && *enabled == true;
}

verdict check_fields(json::object const& block, std::string_view type, std::string const& path) {
  for (auto const& known : known_blocks)
    if (known.type == type)
      for (auto const& member : block)
        if (member.key() != "type" &&
            known.fields.find(" " + std::string(member.key()) + " ") == std::string_view::npos)
          return refuse(path + "." + std::string(type) + "." + std::string(member.key()) +
                        ": Extra inputs are not permitted");
  return std::nullopt;
}

verdict check_text_block(json::object const& block, std::string const& path) {
  auto const* text = block.if_contains("text");
  if (!text || !text->is_string())
    return refuse(path + ".text: Field required");
  if (is_blank_text(text->get_string()))
    return refuse(path + ".text: text content blocks must contain non-whitespace text");
  return std::nullopt;
}

// Whether a thought is Claude's own, only its maker can say. What has no signature, and what begins as the encrypted
// reasoning of another maker does, is not.
verdict check_thought(json::object const& block, std::string_view role, std::string const& path) {
  auto const type = std::string(find_string(block, "type"));
  if (role != "assistant")
    return refuse(path + ": `" + type + "` blocks can only be in `assistant` messages");
  for (std::string_view const field : {"thinking", "signature", "data"}) {
    if ((field == "data") == (type == "thinking"))
      continue;
    auto const* value = block.if_contains(field);
    if (!value)
      return refuse(path + "." + type + "." + std::string(field) + ": Field required");
    if (!value->is_string())
      return refuse(path + "." + type + "." + std::string(field) + ": Input should be a valid string");
  }
  if (type == "thinking" && find_string(block, "signature").empty())
    return refuse(path + ": Invalid `signature` in `thinking` block");
  if (type == "redacted_thinking" &&
      (find_string(block, "data").empty() || find_string(block, "data").starts_with("gAAAA")))
    return refuse(path + ": Invalid `data` in `redacted_thinking` block");
  return std::nullopt;
}

bool is_base64(std::string_view text) {
  auto const padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  text.remove_suffix(padding);
  return (text.size() + padding) % 4 == 0 && padding <= 2 && !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
         });
}

verdict check_source(json::object const& block, std::string const& path) {
  auto const type = std::string(find_string(block, "type"));
  auto const* source = find_object(block, "source");
  if (!source)
    return refuse(path + "." + type + ".source: Field required");
  if (find_string(*source, "type") != "base64")
    return std::nullopt;
  std::string const base = path + "." + type + ".source.base64";
  constexpr std::array<std::string_view, 4> images{"image/jpeg", "image/png", "image/gif", "image/webp"};
  auto const media = find_string(*source, "media_type");
  if (type == "image" && !is_among(images, media))
    return refuse(base + ".media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'");
  if (type == "document" && media != "application/pdf")
    return refuse(base + ".media_type: Input should be 'application/pdf'");
  if (!is_base64(find_string(*source, "data")))
    return refuse(base + ".data: Invalid base64 data");
  return std::nullopt;
}

verdict check_block(json::value const& value, std::string_view role, std::string_view version,
                    std::string const& path) {
  auto const* block = value.if_object();
  if (!block)
    return refuse(path + ": Input should be an object");
  auto const type = find_string(*block, "type");
  if (type.empty())
    return refuse(path + ".type: Field required");
  if (role == "system" && type != "text")
    return refuse(path + ".type: Input should be 'text'");
  if (auto wrong = check_fields(*block, type, path))
    return wrong;
  // API version 2026-10-21, migration page.
  if (is_new_version(version) && role == "assistant" && type == "document")
    return refuse(path + ": document blocks are not permitted in assistant messages");
  if (is_thought(type))
    return check_thought(*block, role, path);
  if (type == "image" || type == "document")
    return check_source(*block, path);
  if (type != "text")
    return check_tool_block(*block, role, path);
  if (auto const* citations = find_array(*block, "citations");
      is_new_version(version) && role == "user" && citations && !citations->empty())
    return refuse(path + ".citations: Extra inputs are not permitted");
  return check_text_block(*block, path);
}

// Also of the results of tools.
bool has_citations(json::value const& content) {
  auto const* blocks = content.if_array();
  return blocks && std::any_of(blocks->begin(), blocks->end(), [](json::value const& value) {
           auto const* block = value.if_object();
           auto const* inner = block ? block->if_contains("content") : nullptr;
           return block && (cites(*block) || (inner && has_citations(*inner)));
         });
}

// A final assistant message that ends otherwise is an answer that was paused.
// An answer that a server tool paused goes back as it was, and is no prefill.
bool may_be_paused(json::object const& body) {
  auto const* tools = find_array(body, "tools");
  return tools && std::any_of(tools->begin(), tools->end(), [](json::value const& tool) {
           auto const type = find_string(tool.get_object(), "type");
           return !type.empty() && type != "custom";
         });
}

bool is_prefill(json::object const& body, json::object const& last) {
  if (find_string(last, "role") != "assistant")
    return false;
  auto const* blocks = find_array(last, "content");
  if (!blocks)
    return !may_be_paused(body);
  bool const has_server_blocks = std::any_of(blocks->begin(), blocks->end(), [](json::value const& block) {
    auto const type = find_string(block.get_object(), "type");
    return type == "server_tool_use" || type == "mcp_tool_use" || type.ends_with("_tool_result");
  });
  return find_string(blocks->back().get_object(), "type") == "text" && !has_server_blocks && !may_be_paused(body);
}

verdict check_beside_format(json::object const& body, json::array const& messages) {
  for (auto const& message : messages)
    if (has_citations(message.get_object().at("content")))
      return refuse("output_config.format: Citations cannot be enabled when using structured outputs");
  auto const* tools = find_array(body, "tools");
  for (std::size_t i = 0; tools && i < tools->size(); ++i)
    if (auto const* tool = (*tools)[i].if_object(); tool && cites(*tool))
      return refuse("output_config.format: Citations cannot be enabled when using structured outputs");
  if (is_prefill(body, messages.back().get_object()))
    return refuse("output_config.format: Message prefilling is incompatible with JSON outputs. The conversation must "
                  "end with a user message.");
  return std::nullopt;
}

std::size_t count_breakpoints(json::value const& content) {
  auto const* blocks = content.if_array();
  std::size_t count = 0;
  for (std::size_t i = 0; blocks && i < blocks->size(); ++i)
    if (auto const* block = (*blocks)[i].if_object()) {
      auto const* breakpoint = block->if_contains("cache_control");
      count += breakpoint && !breakpoint->is_null() ? 1 : 0;
      if (auto const* inner = block->if_contains("content"))
        count += count_breakpoints(*inner);
    }
  return count;
}

} // namespace

verdict check_content(json::value const& content, std::string_view role, std::string_view version,
                      std::string const& path) {
  if (auto const* text = content.if_string()) {
    if (is_blank_text(*text))
      return refuse(path + ": must be non-empty");
    return std::nullopt;
  }
  auto const* blocks = content.if_array();
  if (!blocks)
    return refuse(path + ": Input should be a valid string or a list of content blocks");
  if (blocks->empty())
    return refuse(path + ": must be non-empty");
  for (std::size_t i = 0; i < blocks->size(); ++i)
    if (auto wrong = check_block((*blocks)[i], role, version, indexed(path, i)))
      return wrong;
  return std::nullopt;
}

verdict check_turns(json::object const& body, json::array const& messages, model_capabilities const& model) {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto const& message = messages[i].get_object();
    bool const turn_goes_on =
        i + 1 < messages.size() && find_string(messages[i + 1].get_object(), "role") == "assistant";
    auto const* blocks = find_array(message, "content");
    if (find_string(message, "role") != "assistant" || turn_goes_on || !blocks)
      continue;
    if (auto const type = find_string(blocks->back().get_object(), "type"); is_thought(type))
      return refuse(indexed("messages", i) + ": The final block in an assistant message cannot be `" +
                    std::string(type) + "`.");
  }
  auto const* config = find_object(body, "output_config");
  if (config && find_object(*config, "format"))
    if (auto wrong = check_beside_format(body, messages))
      return wrong;
  auto const& last = messages.back().get_object();
  if (!is_prefill(body, last))
    return std::nullopt;
  if (!model.prefill)
    return refuse(
        "This model does not support assistant message prefill. The conversation must end with a user message.");
  auto const* blocks = find_array(last, "content");
  auto const text = blocks ? find_string(blocks->back().get_object(), "text") : find_string(last, "content");
  if (!text.empty() && is_blank_text(text.substr(text.size() - 1)))
    return refuse("messages: final assistant content cannot end with trailing whitespace");
  return std::nullopt;
}

verdict check_cache_control(json::object const& body) {
  constexpr std::size_t most = 4;
  std::size_t count = 0;
  for (std::string_view const field : {"tools", "system"})
    if (auto const* list = body.if_contains(field))
      count += count_breakpoints(*list);
  for (auto const& message : body.at("messages").get_array())
    count += count_breakpoints(message.get_object().at("content"));
  if (count > most)
    return refuse("A maximum of 4 blocks with cache_control may be provided. Found " + std::to_string(count) + ".");
  auto const* automatic = body.if_contains("cache_control");
  if (automatic && !automatic->is_null() && count == most)
    return refuse("cache_control: there are no slots left for automatic caching: 4 blocks with cache_control were "
                  "found, the maximum is 4");
  return std::nullopt;
}

} // namespace claudio::testing
