#include "core/translate/assistant.hpp"

#include "core/json_access.hpp"
#include "core/translate/block_types.hpp"
#include "core/translate/cache_breakpoints.hpp"
#include "core/translate/content.hpp"
#include "core/translate/reasoning_details.hpp"

#include <algorithm>
#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

// The fields of an assistant message. Those up to cache_control have a say in its blocks.
enum class field : std::uint8_t {
  content,
  tool_calls,
  function_call,
  refusal,
  thinking_blocks,
  content_blocks,
  reasoning_details,
  reasoning_content,
  reasoning,
  cache_control,
  annotations,
  role,
  prefix,
  provider_specific_fields
};
constexpr std::array<std::string_view, 14> field_names{"content",
                                                       "tool_calls",
                                                       "function_call",
                                                       "refusal",
                                                       "thinking_blocks",
                                                       "content_blocks",
                                                       "reasoning_details",
                                                       "reasoning_content",
                                                       "reasoning",
                                                       "cache_control",
                                                       "annotations",
                                                       "role",
                                                       "prefix",
                                                       "provider_specific_fields"};

// Only what Anthropic has signed can go back to it.
bool is_signed(json::object const& block) {
  auto const type = find_string(block, "type");
  return (type == "thinking" && !find_string(block, "signature").empty()) ||
         (type == "redacted_thinking" && !find_string(block, "data").empty());
}

bool thinks(model_capabilities const& model) { return model.budget_thinking || model.adaptive_thinking; }

class assistant_translation {
public:
  assistant_translation(json::object& message, json_path const& path, translation_context& context)
      : path_(path), context_(context), thinking_(context.storage), blocks_(context.storage) {
    find_fields(message);
  }

  assistant_blocks run() {
    if (auto* given = find(field::content_blocks); given && given->is_array()) {
      as_given_ = true;
      read_blocks(given->get_array());
    } else {
      read_content();
      read_refusal();
      if (!has_thinking_)
        read_thinking();
      read_tool_calls();
      join();
    }
    set_cache_control();
    return {std::move(blocks_), as_given_};
  }

private:
  json::value* find(field which) const noexcept { return fields_[static_cast<std::size_t>(which)]; }

  void find_fields(json::object& message) {
    for (auto& member : message) {
      std::string_view const key = member.key();
      auto& value = member.value();
      if (value.is_null())
        continue;
      auto const known =
          static_cast<std::size_t>(std::find(field_names.begin(), field_names.end(), key) - field_names.begin());
      if (known < fields_.size())
        fields_[known] = &value;
      else
        context_.report.lose(json_path(path_, key), "Claude has no such field");
    }
    auto const* annotations = find(field::annotations);
    bool const none = !annotations || (annotations->is_array() && annotations->get_array().empty());
    if (!none && !find(field::content_blocks))
      context_.report.note(json_path(path_, "annotations"), "left out, Claude takes citations as content_blocks only");
  }

  // Anthropic's content as an answer of ours has it.
  void read_blocks(json::array& given) {
    blocks_.reserve(given.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
      json_path const block_path(path_, "content_blocks", i);
      auto* block = given[i].if_object();
      auto const type = block ? find_string(*block, "type") : std::string_view();
      if (type.empty())
        context_.report.reject(block_path, "expected a content block of the Messages API");
      else if (type == "tool_use" && (find_string(*block, "id").empty() || find_string(*block, "name").empty()))
        context_.report.reject(block_path, "expected an id and a name");
      else if (is_thinking(type))
        add_thinking(std::move(*block), block_path, blocks_);
      else if (type != "text" || !is_blank(find_string(*block, "text")))
        add_given(std::move(*block));
    }
  }

  void add_given(json::object&& block) {
    context_.cache_breakpoints += count_cache_breakpoints(block);
    blocks_.emplace_back(std::move(block));
  }

  void read_content() {
    auto* content = find(field::content);
    if (!content)
      return;
    if (auto* text = content->if_string()) {
      if (!is_blank(*text))
        blocks_.emplace_back(context_.make_text_block(std::move(*text)));
      return;
    }
    auto* parts = content->if_array();
    if (!parts) {
      context_.report.reject(json_path(path_, "content"),
                             "expected a string or an array of parts, got " + describe_value(*content));
      return;
    }
    for (auto const& part : *parts)
      if (auto const* object = part.if_object(); object && is_server_block(find_string(*object, "type")))
        as_given_ = true;
    for (std::size_t i = 0; i < parts->size() && !context_.report.failed(); ++i)
      read_part(std::move((*parts)[i]), json_path(path_, "content", i));
  }

  void read_part(json::value&& value, json_path const& part_path) {
    auto* part = value.if_object();
    if (!part) {
      context_.report.reject(part_path, "expected an object, got " + describe_value(value));
      return;
    }
    auto const type = find_string(*part, "type");
    if (type == "text" && as_given_) {
      if (!is_blank(find_string(*part, "text")))
        add_given(std::move(*part));
    } else if (type == "text") {
      if (auto block = translate_text_part(std::move(*part), part_path, context_))
        blocks_.emplace_back(std::move(*block));
    } else if (type == "refusal") {
      auto* text = find_given(*part, "refusal");
      if (text && text->is_string() && !is_blank(text->get_string()))
        blocks_.emplace_back(context_.make_text_block(std::move(text->get_string())));
    } else if (is_thinking(type)) {
      add_thinking(std::move(*part), part_path, as_given_ ? blocks_ : thinking_);
    } else if (type == "tool_use") {
      read_call_part(*part, part_path);
    } else if (is_server_block(type)) {
      add_given(std::move(*part));
    } else {
      context_.report.lose(json_path(part_path, "type"),
                           "an assistant message can't hold a part of type \"" + std::string(type) + "\"");
    }
  }

  // A call in Anthropic's form, by the name that the caller knows the tool by.
  void read_call_part(json::object& part, json_path const& part_path) {
    std::string id(find_string(part, "id"));
    auto const name = find_string(part, "name");
    auto* input = find_given(part, "input");
    if (id.empty() || name.empty() || (input && !input->is_object())) {
      context_.report.reject(part_path, "expected an id, a name, and an input that is an object");
      return;
    }
    auto block = make_call(id, name, input ? std::move(input->get_object()) : json::object(context_.storage));
    for (auto& [key, value] : part)
      if (key == "caller" || key == "toolset_name")
        block.emplace(key, std::move(value));
      else if (!value.is_null() && !block.contains(key) && key != "cache_control")
        context_.report.lose(json_path(part_path, key), "Claude has no such field");
    context_.cache(block, part.if_contains("cache_control"));
    blocks_.emplace_back(std::move(block));
    parts_with_calls_.push_back(std::move(id));
  }

  void add_thinking(json::object&& block, json_path const& block_path, json::array& to) {
    has_thinking_ = true;
    if (!thinks(context_.model()))
      context_.report.note(block_path, "left out, " + context_.quoted_model() + " does not think");
    else if (!is_signed(block))
      context_.report.note(block_path, "left out, Claude takes back only thinking that it has signed");
    else
      to.emplace_back(clean_thinking(std::move(block)));
  }

  json::object clean_thinking(json::object&& block) {
    // What others add to it (a breakpoint, a place in a list) is refused; what it has to have may be absent if empty.
    block.erase("cache_control");
    block.erase("index");
    if (find_string(block, "type") == "thinking" && !find_value(block, "thinking"))
      block.emplace("thinking", "");
    return std::move(block);
  }

  void read_refusal() {
    auto* refusal = find(field::refusal);
    if (refusal && refusal->is_string() && !is_blank(refusal->get_string()))
      blocks_.emplace_back(context_.make_text_block(std::move(refusal->get_string())));
  }

  void read_thinking() {
    bool found = false;
    if (auto* given = find(field::thinking_blocks); given && given->is_array() && !given->get_array().empty()) {
      auto& list = given->get_array();
      found = true;
      for (std::size_t i = 0; i < list.size(); ++i) {
        json_path const block_path(path_, "thinking_blocks", i);
        if (auto* block = list[i].if_object(); block && is_thinking(find_string(*block, "type")))
          add_thinking(std::move(*block), block_path, thinking_);
        else
          context_.report.reject(block_path, "expected a block of type thinking or redacted_thinking");
      }
    } else if (auto* details = find(field::reasoning_details); details && details->is_array()) {
      found = !details->get_array().empty();
      for (auto& [place, block] : read_reasoning_details(details->get_array(), path_, context_))
        add_thinking(std::move(block), json_path(path_, "reasoning_details", place), thinking_);
    }
    if (!found && (says_something(field::reasoning_content) || says_something(field::reasoning)))
      context_.report.note(path_, "reasoning without a signature was left out; send thinking_blocks back");
  }

  bool says_something(field which) const noexcept {
    auto const* value = find(which);
    return value && !(value->is_string() && is_blank(value->get_string()));
  }

  void read_tool_calls() {
    if (auto* given = find(field::tool_calls)) {
      auto* list = given->if_array();
      if (!list) {
        context_.report.reject(json_path(path_, "tool_calls"), "expected an array, got " + describe_value(*given));
        return;
      }
      for (std::size_t i = 0; i < list->size() && !context_.report.failed(); ++i)
        read_tool_call((*list)[i], json_path(path_, "tool_calls", i));
    } else if (auto* call = find(field::function_call)) {
      json_path const call_path(path_, "function_call");
      if (auto* function = call->if_object())
        add_call(function_call_id(find_string(*function, "name")), *function, call_path, nullptr);
      else
        context_.report.reject(call_path, "expected an object, got " + describe_value(*call));
    }
  }

  void read_tool_call(json::value& value, json_path const& call_path) {
    auto* call = value.if_object();
    auto* function = call ? call->if_contains("function") : nullptr;
    if (!function || !function->is_object()) {
      context_.report.reject(json_path(call_path, "function"),
                             "expected an object; only calls of type \"function\" can be carried");
      return;
    }
    std::string id(find_string(*call, "id"));
    if (id.empty()) {
      context_.report.reject(json_path(call_path, "id"), "missing; expected the call's id");
      return;
    }
    for (auto const& [key, given] : *call)
      if (key != "id" && key != "type" && key != "function" && key != "cache_control" && key != "index" &&
          !given.is_null())
        context_.report.lose(json_path(call_path, key), "Claude has no such field");
    // Some clients hold a call in both forms.
    if (std::find(parts_with_calls_.begin(), parts_with_calls_.end(), id) == parts_with_calls_.end())
      add_call(std::move(id), function->get_object(), json_path(call_path, "function"),
               call->if_contains("cache_control"));
  }

  void add_call(std::string id, json::object& function, json_path const& function_path, json::value* cache_control) {
    auto const name = find_string(function, "name");
    if (name.empty()) {
      context_.report.reject(json_path(function_path, "name"), "missing; expected the function's name");
      return;
    }
    for (auto const& [key, given] : function)
      if (key != "name" && key != "arguments" && !given.is_null())
        context_.report.lose(json_path(function_path, key), "Claude has no such field");
    auto block = make_call(id, name, read_arguments(function, json_path(function_path, "arguments")));
    context_.cache(block, cache_control);
    blocks_.emplace_back(std::move(block));
  }

  json::object make_call(std::string_view id, std::string_view name, json::object&& input) {
    auto block = context_.make_object(5);
    block.emplace("type", "tool_use");
    block.emplace("id", json::string_view(id));
    block.emplace("name", json::string_view(context_.tool_names.of(name)));
    block.emplace("input", std::move(input));
    return block;
  }

  // OpenAI's format has the arguments as a text, which the model once wrote; Anthropic's as an object.
  json::object read_arguments(json::object& function, json_path const& arguments_path) {
    json::object none(context_.storage);
    auto* given = find_given(function, "arguments");
    if (!given)
      return none;
    if (auto* object = given->if_object())
      return std::move(*object);
    auto* text = given->if_string();
    if (!text) {
      context_.report.reject(arguments_path, "expected a string with a JSON object, got " + describe_value(*given));
      return none;
    }
    if (is_blank(*text))
      return none;
    bool rounded = false;
    auto parsed = parse_json(*text, &rounded, context_.storage);
    if (parsed && parsed->is_object()) {
      if (rounded)
        context_.report.lose(arguments_path, "an integer is beyond 64 bits", "rounded");
      return std::move(parsed->get_object());
    }
    context_.report.lose(arguments_path, "not a JSON object", "sent as text in {\"_raw_arguments\": …}");
    auto raw = context_.make_object(1);
    raw.emplace("_raw_arguments", std::move(*text));
    return raw;
  }

  // The API wants the thinking first.
  void join() {
    if (thinking_.empty())
      return;
    for (auto& block : blocks_)
      thinking_.emplace_back(std::move(block));
    blocks_ = std::move(thinking_);
  }

  void set_cache_control() {
    auto* cache_control = find(field::cache_control);
    if (cache_control && !blocks_.empty() && !is_thinking(find_string(blocks_.back().get_object(), "type")))
      context_.cache(blocks_.back().get_object(), cache_control);
  }

  json_path const& path_;
  translation_context& context_;
  std::array<json::value*, field_names.size()> fields_{}; // null where absent or null
  json::array thinking_;
  json::array blocks_;
  std::vector<std::string> parts_with_calls_;
  bool has_thinking_ = false; // among what has been read
  bool as_given_ = false;     // Anthropic's own blocks, whose order has to stay
};

} // namespace

assistant_blocks translate_assistant(json::object& message, json_path const& path, translation_context& context) {
  return assistant_translation(message, path, context).run();
}

std::string function_call_id(std::string_view function_name) { return "function_call:" + std::string(function_name); }

} // namespace claudio
