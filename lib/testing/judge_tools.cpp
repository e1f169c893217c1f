#include "core/json_access.hpp"
#include "core/schema_check.hpp"
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

verdict check_input_schema(json::object const& schema, std::string const& path) {
  for (std::string_view const keyword : {"oneOf", "allOf", "anyOf"})
    if (schema.contains(keyword))
      return refuse(path + ": input_schema does not support oneOf, allOf, or anyOf at the top level");
  if (!is_draft_2020(schema))
    return refuse(path + ": JSON schema is invalid. It must match JSON Schema draft 2020-12 "
                         "(https://json-schema.org/draft/2020-12). Learn more about tool use at "
                         "https://docs.claude.com/en/docs/tool-use.");
  constexpr std::size_t longest_key = 64;
  auto const* properties = find_object(schema, "properties");
  if (properties && std::any_of(properties->begin(), properties->end(), [](auto const& property) {
        std::string key(property.key());
        std::replace(key.begin(), key.end(), '.', '_');
        return !is_word(key) || key.size() > longest_key;
      }))
    return refuse(path + ".properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'");
  return std::nullopt;
}

verdict check_examples(json::object const& tool, json::object const& schema, std::string const& path) {
  auto const* given = tool.if_contains("input_examples");
  if (!given || given->is_null())
    return std::nullopt;
  if (!given->is_array())
    return refuse(path + ": Input should be a valid list");
  for (std::size_t i = 0; i < given->get_array().size(); ++i) {
    auto const& example = given->get_array()[i];
    if (!example.is_object())
      return refuse(indexed(path, i) + ": Input should be an object");
    if (auto const fault = find_schema_fault(example, schema, indexed(path, i)))
      return refuse(*fault);
  }
  return std::nullopt;
}

verdict check_tool(json::value const& value, std::string const& path) {
  auto const* tool = value.if_object();
  if (!tool)
    return refuse(path + ": Input should be an object");
  if (!is_custom(*tool))
    return std::nullopt;
  constexpr std::array<std::string_view, 10> known{"type",
                                                   "name",
                                                   "description",
                                                   "input_schema",
                                                   "strict",
                                                   "cache_control",
                                                   "eager_input_streaming",
                                                   "defer_loading",
                                                   "allowed_callers",
                                                   "input_examples"};
  for (auto const& [key, member] : *tool)
    if (!is_among(known, key))
      return refuse(path + ".custom." + std::string(key) + ": Extra inputs are not permitted");
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
  if (auto wrong = check_input_schema(schema->get_object(), path + ".custom.input_schema"))
    return wrong;
  return check_examples(*tool, schema->get_object(), path + ".custom.input_examples");
}

bool is_deferred(json::value const& tool) {
  auto const* object = tool.if_object();
  auto const* deferred = object ? object->if_contains("defer_loading") : nullptr;
  return deferred && *deferred == true;
}

// What client-side tool search found has to be among the tools.
verdict check_references(json::array const& messages, std::set<std::string_view> const& names) {
  for (auto const& message : messages) {
    auto const* blocks = find_array(message.get_object(), "content");
    for (std::size_t i = 0; blocks && i < blocks->size(); ++i) {
      auto const* inner = find_array((*blocks)[i].get_object(), "content");
      for (std::size_t k = 0; inner && k < inner->size(); ++k) {
        auto const* block = (*inner)[k].if_object();
        if (!block || find_string(*block, "type") != "tool_reference")
          continue;
        if (auto const name = find_string(*block, "tool_name"); !names.contains(name))
          return refuse("Tool reference '" + std::string(name) + "' not found in available tools");
      }
    }
  }
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

verdict check_result_content(json::value const* content, std::string const& path) {
  if (!content || content->is_string())
    return std::nullopt;
  auto const* blocks = content->if_array();
  if (!blocks)
    return refuse(path + ": Input should be a valid string or a list of content blocks");
  constexpr std::array<std::string_view, 6> types{"text",          "image",          "document",
                                                  "search_result", "tool_reference", "browser_state"};
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    auto const* block = (*blocks)[i].if_object();
    auto const type = block ? find_string(*block, "type") : std::string_view();
    if (!is_among(types, type))
      return refuse(indexed(path, i) + ": Input tag '" + std::string(type) +
                    "' found using 'type' does not match any of the expected tags: 'document', 'image', "
                    "'search_result', 'text', 'tool_reference', 'browser_state'");
    if (type == "tool_reference" && find_string(*block, "tool_name").empty())
      return refuse(indexed(path, i) + ".tool_reference.tool_name: Field required");
    if (type != "tool_reference" && type != "browser_state")
      if (auto wrong = check_content(json::array({*block}), "user", "", indexed(path, i)))
        return wrong;
  }
  return std::nullopt;
}

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
  if (tools && !tools->empty() && std::all_of(tools->begin(), tools->end(), is_deferred))
    return refuse("At least one tool must have defer_loading=false. All tools cannot be deferred.");
  if (auto wrong = check_references(body.at("messages").get_array(), names))
    return wrong;
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
    if (auto wrong = check_word(block, "tool_use_id", path + ".tool_result", any_length))
      return wrong;
    return check_result_content(block.if_contains("content"), path + ".tool_result.content");
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
