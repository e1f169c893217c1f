#include "core/translate/tools.hpp"

#include "core/json_access.hpp"
#include "core/translate/cache_breakpoints.hpp"
#include "core/translate/schema.hpp"
#include "core/translate/schema_walk.hpp"

#include <algorithm>
#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

// Anthropic's own tools (Messages API, tools): the beginning of the type, and the beta that it needs if it does.
struct native_tool {
  std::string_view type;
  std::string_view beta;
};
constexpr std::array<native_tool, 14> native_tools{{
    {"bash_", ""},
    {"text_editor_", ""},
    {"memory_", ""},
    {"code_execution_", ""},
    {"web_search_", ""},
    {"web_fetch_", ""},
    {"tool_search_tool_", ""},
    {"browser_", ""},
    {"computer_20241022", "computer-use-2024-10-22"},
    {"computer_20250124", "computer-use-2025-01-24"},
    {"computer_20251124", "computer-use-2025-11-24"},
    {"computer_", ""},
    {"advisor_", "advisor-tool-2026-03-01"},
    {"mcp_toolset", "mcp-client-2025-11-20"},
}};

// Fields of Anthropic's tools that may stand inside `function` or beside it.
constexpr std::array<std::string_view, 4> tool_extensions{"eager_input_streaming", "defer_loading", "allowed_callers",
                                                          "input_examples"};
// What a tool with an `input_schema` has else.
constexpr std::array<std::string_view, 6> custom_fields{"type",         "name",   "description",
                                                        "input_schema", "strict", "cache_control"};

native_tool const* find_native(std::string_view type) {
  for (auto const& known : native_tools)
    if (type.starts_with(known.type))
      return &known;
  return nullptr;
}

} // namespace

void toolset::read(request_fields const& request) {
  if (auto* tools = request[request_field::tools]) {
    if (auto* list = tools->if_array())
      read_list(*list);
    else
      context_.report.reject(json_path("tools"), "expected an array, got " + describe_value(*tools));
  } else if (auto* functions = request[request_field::functions]) {
    if (auto* list = functions->if_array())
      read_functions(*list);
    else
      context_.report.reject(json_path("functions"), "expected an array, got " + describe_value(*functions));
  }
  if (auto* options = request[request_field::web_search_options])
    read_web_search(*options);
  if (auto* choice = request[request_field::tool_choice])
    read_choice(*choice);
  else if (auto* call = request[request_field::function_call]) {
    json_path const path("function_call");
    if (auto* word = call->if_string())
      read_choice_word(*word, path);
    else if (auto* object = call->if_object(); object && !find_string(*object, "name").empty())
      choose(find_string(*object, "name"), json_path(path, "name"));
    else
      context_.report.reject(path, "expected \"auto\", \"none\" or {\"name\": …}");
  }
  if (auto const* parallel = request[request_field::parallel_tool_calls])
    read_parallel(*parallel);
}

void toolset::read_list(json::array& list) {
  // Names that fit keep their spelling, whatever stands before them.
  for (auto const& value : list)
    if (auto const* tool = value.if_object()) {
      auto const* function = find_object(*tool, "function");
      context_.tool_names.reserve(find_string(function ? *function : *tool, "name"));
    }
  for (std::size_t i = 0; i < list.size() && !context_.report.failed(); ++i) {
    json_path const path("tools", i);
    auto* tool = list[i].if_object();
    if (!tool) {
      context_.report.reject(path, "expected an object, got " + describe_value(list[i]));
      return;
    }
    auto const type = find_string(*tool, "type");
    auto* function = tool->if_contains("function");
    if ((type == "function" || type.empty()) && function && function->is_object())
      read_function(function->get_object(), json_path(path, "function"), tool, path);
    else if (type.empty() || type == "custom" ? tool->contains("input_schema") : find_native(type) != nullptr)
      read_native(std::move(*tool), path);
    else
      context_.report.reject(json_path(path, "type"),
                             "expected \"function\" with a function, or the type of one of Anthropic's own tools");
  }
}

void toolset::read_functions(json::array& list) {
  context_.answer.function_call = true;
  // An answer in that format has room for one call.
  one_at_a_time_ = true;
  for (auto const& value : list)
    if (auto const* function = value.if_object())
      context_.tool_names.reserve(find_string(*function, "name"));
  for (std::size_t i = 0; i < list.size() && !context_.report.failed(); ++i) {
    json_path const path("functions", i);
    if (auto* function = list[i].if_object())
      read_function(*function, path, nullptr, path);
    else
      context_.report.reject(path, "expected an object, got " + describe_value(list[i]));
  }
}

// The fields of Anthropic's tools go over; what no tool has is lost.
void toolset::read_extensions(json::object& from, json_path const& path, json::object& made, bool inside) {
  for (auto& member : from) {
    std::string_view const key = member.key();
    if (member.value().is_null() || key == "cache_control" || key == "strict")
      continue;
    if (inside ? key == "name" || key == "description" || key == "parameters" : key == "type" || key == "function")
      continue;
    if (is_one_of(tool_extensions, key))
      made.emplace(key, std::move(member.value()));
    else
      context_.report.lose(json_path(path, key), "Claude's tools have no such field");
  }
}

void toolset::read_function(json::object& function, json_path const& path, json::object* tool,
                            json_path const& tool_path) {
  auto* name = find_given(function, "name");
  if (!name || !name->is_string() || name->get_string().empty()) {
    context_.report.reject(json_path(path, "name"), "missing; expected the function's name");
    return;
  }
  auto const beside_or_inside = [&](std::string_view field) {
    auto* value = tool ? find_given(*tool, field) : nullptr;
    return value ? value : find_given(function, field);
  };
  auto made = context_.make_object(4);
  auto const wire_name = context_.tool_names.of(name->get_string());
  made.emplace("name", json::string_view(wire_name));
  if (auto* description = find_given(function, "description"))
    made.emplace("description", std::move(*description));
  auto const* strict = beside_or_inside("strict");
  bool const is_strict = strict && *strict == true;
  if (is_strict)
    made.emplace("strict", true);
  made.emplace("input_schema",
               translate_tool_schema(find_given(function, "parameters"), json_path(path, "parameters"), context_));
  // Beside the function wins.
  if (tool)
    read_extensions(*tool, tool_path, made, false);
  read_extensions(function, path, made, true);
  context_.cache(made, beside_or_inside("cache_control"));
  if (is_strict)
    strict_wishes_.emplace_back(wire_name, path.text());
  add(std::move(made), wire_name, path);
}

void toolset::read_native(json::object&& tool, json_path const& path) {
  auto const* known = find_native(find_string(tool, "type"));
  if (known && !known->beta.empty())
    context_.need_beta(known->beta);
  if (!known)
    lose_unknown_fields(tool, path);
  if (auto* cache_control = tool.if_contains("cache_control"); cache_control && !cache_control->is_null())
    ++context_.cache_breakpoints;
  else if (cache_control)
    tool.erase("cache_control");
  std::string name(find_string(tool, "name"));
  // A set of tools has none.
  if (name.empty())
    name = find_string(tool, "mcp_server_name");
  if (auto const* strict = tool.if_contains("strict"); strict && *strict == true)
    strict_wishes_.emplace_back(name, path.text());
  add(std::move(tool), name, path);
}

void toolset::lose_unknown_fields(json::object& tool, json_path const& path) {
  auto kept = context_.make_object(tool.size());
  for (auto& member : tool)
    if (is_one_of(custom_fields, member.key()) || is_one_of(tool_extensions, member.key()))
      kept.emplace(member.key(), std::move(member.value()));
    else
      context_.report.lose(json_path(path, member.key()), "Claude's tools have no such field");
  tool = std::move(kept);
}

void toolset::add(json::object&& tool, std::string_view wire_name, json_path const& path) {
  auto const [known, fresh] = place_of_.try_emplace(std::string(wire_name), tools_.size());
  if (!fresh) {
    if (tools_[known->second] != json::value(std::move(tool)))
      context_.report.reject(path, "another tool has this name already");
    return;
  }
  tools_.emplace_back(std::move(tool));
  names_.emplace_back(wire_name);
}

void toolset::read_web_search(json::value& value) {
  json_path const path("web_search_options");
  auto* options = value.if_object();
  if (!options) {
    context_.report.reject(path, "expected an object, got " + describe_value(value));
    return;
  }
  auto tool = context_.make_object(4);
  tool.emplace("type", "web_search_20250305");
  tool.emplace("name", "web_search");
  // OpenAI says how much to find, Anthropic how often to look.
  auto const size = find_string(*options, "search_context_size");
  if (!size.empty())
    tool.emplace("max_uses", size == "low" ? 1 : size == "high" ? 10 : 5);
  if (auto* location = find_given(*options, "user_location"); location && location->is_object()) {
    auto& object = location->get_object();
    auto flat = context_.make_object(5);
    flat.emplace("type", "approximate");
    auto* nested = object.if_contains("approximate");
    auto& source = nested && nested->is_object() ? nested->get_object() : object;
    for (std::string_view const field : {"city", "region", "country", "timezone"})
      if (auto* text = find_given(source, field))
        flat.emplace(field, std::move(*text));
    tool.emplace("user_location", std::move(flat));
  }
  add(std::move(tool), "web_search", path);
}

void toolset::read_choice(json::value& choice) {
  json_path const path("tool_choice");
  if (auto* word = choice.if_string()) {
    read_choice_word(*word, path);
    return;
  }
  auto* object = choice.if_object();
  auto const type = object ? find_string(*object, "type") : std::string_view();
  if (type == "function") {
    auto const* function = find_object(*object, "function");
    json_path const function_path(path, "function");
    choose(function ? find_string(*function, "name") : std::string_view(), json_path(function_path, "name"));
  } else if (type == "tool") {
    choose(find_string(*object, "name"), json_path(path, "name"));
  } else if (type == "allowed_tools") {
    auto* allowed = object->if_contains("allowed_tools");
    json_path const allowed_path(path, "allowed_tools");
    allow_only(allowed && allowed->is_object() ? allowed->get_object() : *object, allowed_path);
  } else if (type == "auto" || type == "any" || type == "none") {
    read_choice_word(type, path);
  } else {
    context_.report.reject(path, "expected \"auto\", \"required\", \"none\" or a function of tools");
  }
  if (auto const* one = object ? find_given(*object, "disable_parallel_tool_use") : nullptr; one && *one == true)
    one_at_a_time_ = true;
}

void toolset::read_choice_word(std::string_view word, json_path const& path) {
  if (word == "none")
    use_ = tool_use::none;
  else if (word == "required" || word == "any")
    use_ = tool_use::any;
  else if (word != "auto")
    context_.report.reject(path, "expected \"auto\", \"required\", \"none\" or a function of tools");
  said_ = true;
}

void toolset::choose(std::string_view name, json_path const& path) {
  use_ = tool_use::named;
  said_ = true;
  if (!name.empty())
    chosen_ = context_.tool_names.of(name);
  if (place_of_.find(chosen_) == place_of_.end())
    context_.report.reject(path, "expected the name of one of the tools");
}

void toolset::allow_only(json::object& allowed, json_path const& path) {
  json_path const tools_path(path, "tools");
  auto const* list = find_array(allowed, "tools");
  if (!list) {
    context_.report.reject(tools_path, "expected an array of tools");
    return;
  }
  std::vector<bool> kept(tools_.size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto const* tool = (*list)[i].if_object();
    auto const* function = tool ? find_object(*tool, "function") : nullptr;
    auto const name = tool ? find_string(function ? *function : *tool, "name") : std::string_view();
    auto const known = name.empty() ? place_of_.end() : place_of_.find(context_.tool_names.of(name));
    if (known == place_of_.end())
      context_.report.reject(json_path(path, "tools", i), "expected the name of one of the tools");
    else
      kept[known->second] = true;
  }
  json::array tools(context_.storage);
  std::vector<std::string> names;
  place_of_.clear();
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (kept[i]) {
      place_of_.emplace(names_[i], tools.size());
      names.push_back(std::move(names_[i]));
      tools.emplace_back(std::move(tools_[i]));
    }
  tools_ = std::move(tools);
  names_ = std::move(names);
  auto const mode = find_string(allowed, "mode");
  read_choice_word(mode.empty() ? std::string_view("auto") : mode, json_path(path, "mode"));
}

void toolset::read_parallel(json::value const& parallel) {
  if (!parallel.is_bool())
    context_.report.reject(json_path("parallel_tool_calls"), "expected true or false, got " + describe_value(parallel));
  else if (!parallel.get_bool())
    one_at_a_time_ = true;
}

bool toolset::add_answer_tool(json::object&& tool, std::string name) {
  bool const alone = tools_.empty() || use_ == tool_use::none;
  if (forces())
    return false;
  tools_.emplace_back(std::move(tool));
  names_.push_back(name);
  use_ = alone ? tool_use::named : tool_use::any;
  chosen_ = std::move(name);
  said_ = true;
  one_at_a_time_ = true;
  return true;
}

void toolset::add_missing(std::vector<std::string> const& called) {
  if (called.empty())
    return;
  context_.report.note(json_path("tools"), "missing, but the messages hold tool calls: their tools were declared, "
                                           "without leave to call them");
  for (auto const& name : called) {
    auto tool = context_.make_object(2);
    tool.emplace("name", name);
    tool.emplace("input_schema", translate_tool_schema(nullptr, json_path("tools"), context_));
    tools_.emplace_back(std::move(tool));
  }
  use_ = tool_use::none;
  said_ = true;
}

void toolset::settle(bool thinks) {
  bool const all_deferred = !tools_.empty() && std::all_of(tools_.begin(), tools_.end(), [](json::value const& tool) {
    auto const* deferred = tool.get_object().if_contains("defer_loading");
    return deferred && *deferred == true;
  });
  if (all_deferred)
    context_.report.note(json_path("tools"), "all of them have defer_loading, Claude wants one without");
  if (!forces() || tools_.empty() || (context_.model().forced_tool_choice && !thinks))
    return;
  context_.report.lose(json_path("tool_choice"),
                       (thinks ? "a model that thinks" : context_.quoted_model()) + " can't be made to call a tool",
                       "set to \"auto\"");
  use_ = tool_use::automatic;
}

std::size_t toolset::count_cache_breakpoints() const { return claudio::count_cache_breakpoints(tools_); }

void toolset::drop_cache_breakpoints(std::size_t& excess) { claudio::drop_cache_breakpoints(tools_, excess); }

void toolset::write(json::object& out) {
  if (tools_.empty()) {
    if (forces())
      context_.report.lose(json_path("tool_choice"), "there are no tools");
    return;
  }
  out.emplace("tools", std::move(tools_));
  if (!said_ && !one_at_a_time_)
    return;
  constexpr std::array<std::string_view, 4> words{"auto", "any", "tool", "none"};
  auto choice = context_.make_object(3);
  choice.emplace("type", json::string_view(words[static_cast<std::size_t>(use_)]));
  if (use_ == tool_use::named)
    choice.emplace("name", chosen_);
  if (one_at_a_time_ && use_ != tool_use::none)
    choice.emplace("disable_parallel_tool_use", true);
  out.emplace("tool_choice", std::move(choice));
}

} // namespace claudio
