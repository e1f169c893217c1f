#include "core/json_access.hpp"
#include "testing/judge_rules.hpp"

#include <algorithm>
#include <set>

namespace claudio::testing {
namespace json = boost::json;

namespace {

constexpr std::size_t longest_name = 128;

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool is_custom(json::object const& tool) {
  auto const type = find_string(tool, "type");
  return type.empty() || type == "custom";
}

verdict check_word(json::object const& object, std::string_view field, std::string const& path, std::size_t longest) {
  auto const* value = object.if_contains(field);
  if (!value)
    return refuse(path + "." + std::string(field) + ": Field required");
  if (!value->is_string())
    return refuse(path + "." + std::string(field) + ": Input should be a valid string");
  if (std::string_view const text = value->get_string(); !is_word(text) || text.size() > longest)
    return refuse(path + "." + std::string(field) + ": String should match pattern '^[a-zA-Z0-9_-]" +
                  (longest == longest_name ? "{1,128}" : "+") + "$'");
  return std::nullopt;
}

verdict check_tool(json::value const& value, std::string const& path) {
  auto const* tool = value.if_object();
  if (!tool)
    return refuse(path + ": Input should be an object");
  if (!is_custom(*tool))
    return std::nullopt;
  if (auto wrong = check_word(*tool, "name", path + ".custom", longest_name))
    return wrong;
  auto const* schema = tool->if_contains("input_schema");
  if (!schema)
    return refuse(path + ".custom.input_schema: Field required");
  if (!schema->is_object())
    return refuse(path + ".custom.input_schema: Input should be an object");
  if (!schema->get_object().contains("type"))
    return refuse(path + ".custom.input_schema.type: Field required");
  if (find_string(schema->get_object(), "type") != "object")
    return refuse(path + ".custom.input_schema.type: Input should be 'object'");
  return std::nullopt;
}

verdict check_tool_choice(json::object const& body, json::array const* tools, model_capabilities const& model) {
  auto const* given = body.if_contains("tool_choice");
  if (!given)
    return std::nullopt;
  if (!given->is_object())
    return refuse("tool_choice: Input should be an object");
  auto const& choice = given->get_object();
  auto const type = find_string(choice, "type");
  if (type != "auto" && type != "none" && type != "any" && type != "tool")
    return refuse("tool_choice: Input tag '" + std::string(type) +
                  "' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'");
  if (!tools || tools->empty())
    return refuse("tool_choice: tool_choice may only be specified while providing tools");
  if (type == "auto" || type == "none")
    return std::nullopt;
  if (!model.forced_tool_choice)
    return refuse("tool_choice.type: \"" + std::string(type) + "\" is not supported by this model");
  if (auto const* thinking = find_object(body, "thinking")) {
    auto const kind = find_string(*thinking, "type");
    if (kind == "enabled" || kind == "adaptive")
      return refuse("Thinking may not be enabled when tool_choice forces tool use.");
  }
  if (type == "any")
    return std::nullopt;
  auto const name = find_string(choice, "name");
  if (name.empty())
    return refuse("tool_choice.tool.name: Field required");
  bool const known = std::any_of(tools->begin(), tools->end(), [&](json::value const& tool) {
    return find_string(tool.get_object(), "name") == name;
  });
  if (!known)
    return refuse("tool_choice: Tool '" + std::string(name) + "' not found in provided tools");
  return std::nullopt;
}

// One turn: all messages of a role that follow each other. The API merges them.
class tool_turns {
public:
  verdict add(std::string_view role, json::value const& content, std::string const& path) {
    if (role == "system") // may stand anywhere
      return std::nullopt;
    if (role != role_) {
      if (role == "assistant") {
        if (auto wrong = unanswered())
          return wrong;
        calls_.clear();
        answered_.clear();
      }
      role_ = role;
    }
    auto const* blocks = content.if_array();
    for (std::size_t i = 0; blocks && i < blocks->size(); ++i)
      if (auto wrong = add_block((*blocks)[i].get_object(), path, i))
        return wrong;
    return std::nullopt;
  }

  // Of the last assistant turn.
  verdict unanswered() const {
    std::string missing;
    for (auto const id : calls_)
      if (!answered_.contains(id))
        missing += (missing.empty() ? "" : ", ") + std::string(id);
    if (missing.empty())
      return std::nullopt;
    return refuse(calls_path_ +
                  ": `tool_use` ids were found without `tool_result` blocks immediately after: " + missing +
                  ". Each `tool_use` block must have a corresponding `tool_result` block in the next message.");
  }

private:
  verdict add_block(json::object const& block, std::string const& path, std::size_t index) {
    auto const type = find_string(block, "type");
    if (type == "tool_use") {
      auto const id = find_string(block, "id");
      if (!all_calls_.insert(id).second)
        return refuse(indexed(path + ".content", index) + ".id: `tool_use` ids must be unique");
      calls_.insert(id);
      calls_path_ = path;
    } else if (type == "tool_result") {
      auto const id = find_string(block, "tool_use_id");
      if (!calls_.contains(id))
        return refuse(indexed(path + ".content", index) +
                      ": unexpected `tool_use_id` found in `tool_result` blocks: " + std::string(id) +
                      ". Each `tool_result` block must have a corresponding `tool_use` block in the previous message.");
      if (!answered_.insert(id).second)
        return refuse(indexed(path + ".content", index) +
                      ": each tool_use must have a single result. Found multiple `tool_result` blocks with id: " +
                      std::string(id));
    }
    return std::nullopt;
  }

  std::string_view role_;
  std::string calls_path_;
  std::set<std::string_view> calls_; // of the last assistant turn
  std::set<std::string_view> answered_;
  std::set<std::string_view> all_calls_;
};

} // namespace

verdict check_tools(json::object const& body, model_capabilities const& model) {
  auto const* given = body.if_contains("tools");
  auto const* tools = given ? given->if_array() : nullptr;
  if (given && !tools)
    return refuse("tools: Input should be a valid list");
  std::set<std::string_view> names;
  for (std::size_t i = 0; tools && i < tools->size(); ++i) {
    if (auto wrong = check_tool((*tools)[i], indexed("tools", i)))
      return wrong;
    auto const name = find_string((*tools)[i].get_object(), "name");
    if (!name.empty() && !names.insert(name).second)
      return refuse("tools: Tool names must be unique.");
  }
  return check_tool_choice(body, tools, model);
}

verdict check_tool_block(json::object const& block, std::string_view role, std::string const& path) {
  constexpr std::size_t any_length = json::string::max_size();
  auto const type = find_string(block, "type");
  if (type == "tool_use") {
    if (role != "assistant")
      return refuse(path + ": `tool_use` blocks can only be in `assistant` messages");
    if (auto wrong = check_word(block, "id", path + ".tool_use", any_length))
      return wrong;
    if (auto wrong = check_word(block, "name", path + ".tool_use", longest_name))
      return wrong;
    auto const* input = block.if_contains("input");
    if (!input)
      return refuse(path + ".tool_use.input: Field required");
    if (!input->is_object())
      return refuse(path + ".tool_use.input: Input should be an object");
  } else if (type == "tool_result") {
    if (role != "user")
      return refuse(path + ": `tool_result` blocks can only be in `user` messages");
    return check_word(block, "tool_use_id", path + ".tool_result", any_length);
  }
  return std::nullopt;
}

verdict check_tool_turns(json::array const& messages) {
  tool_turns turns;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto const& message = messages[i].get_object();
    if (auto wrong = turns.add(find_string(message, "role"), message.at("content"), indexed("messages", i)))
      return wrong;
  }
  return turns.unanswered();
}

} // namespace claudio::testing
