// The tool calls of a conversation and their results.
#include "core/json_access.hpp"
#include "core/translate/conversation.hpp"

#include <algorithm>
#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::string_view no_result = "No result was given for this tool call.";

// Fields of a tool's message, or of a part of type tool_result.
bool is_of_result(std::string_view field) {
  constexpr std::array<std::string_view, 9> fields{"role",     "content", "cache_control", "tool_call_id", "name",
                                                   "is_error", "type",    "tool_use_id",   "toolset_name"};
  return std::find(fields.begin(), fields.end(), field) != fields.end();
}

} // namespace

// Gives a call's block, which is to be the next of the last turn, the id that is sent. A call whose id the turn has
// already is not taken.
bool conversation::add_call(json::object& block, std::size_t message, std::size_t index) {
  auto& id = block["id"].get_string();
  std::string given(id);
  std::size_t const place = turns_.size() - 1;
  auto const [known, is_new] = call_of_id_.try_emplace(given, calls_.size());
  if (!is_new && calls_[known->second].turn == place) {
    json_path const message_path("messages", message);
    context_.report.lose(json_path(message_path, "tool_calls", index),
                         "the id \"" + given + "\" belongs to a call before it");
    return false;
  }
  known->second = calls_.size();
  // Some servers count their ids anew in each answer; the API wants them different in the whole conversation.
  id = context_.tool_ids.knows(given) ? context_.tool_ids.renew(given) : context_.tool_ids.of(given);
  call& added = calls_.emplace_back();
  added.id = std::move(given);
  added.turn = place;
  added.block = turns_.back().blocks.size();
  added.message = message;
  added.index = index;
  return true;
}

void conversation::read_part_of_result(json::object& part, json_path const& path, std::size_t index) {
  json_path const id_path(path, "tool_use_id");
  auto const id = find_string(part, "tool_use_id");
  if (id.empty())
    context_.report.reject(id_path, "missing; expected the id of the tool call that this answers");
  else
    read_result(part, id, id_path, path, index);
}

json::object conversation::make_result(call const& answered) const {
  auto block = context_.make_object(4);
  block.emplace("type", "tool_result");
  block.emplace("tool_use_id",
                json::string_view(find_string(turns_[answered.turn].blocks[answered.block].get_object(), "id")));
  return block;
}

json::object conversation::translate_result(json::object& message, call const& answered, json_path const& path,
                                            std::size_t index) {
  for (auto const& [key, value] : message)
    if (!is_of_result(key) && !value.is_null())
      context_.report.lose(json_path(path, key), "Claude has no such field");

  json::object block = make_result(answered);
  auto* content = find_given(message, "content");
  if (auto* text = content ? content->if_string() : nullptr) {
    if (!is_blank(*text))
      block.emplace("content", std::move(*text));
  } else if (content) {
    // The API takes a breakpoint on the result, not inside it.
    json::value breakpoint;
    auto blocks = read_content(message, path, index, holds::a_result);
    for (auto& part : blocks)
      if (auto* cached = part.get_object().if_contains("cache_control")) {
        breakpoint = std::move(*cached);
        part.get_object().erase("cache_control");
        --context_.cache_breakpoints;
      }
    context_.cache(block, &breakpoint);
    if (!blocks.empty())
      block.emplace("content", std::move(blocks));
  }
  if (!block.contains("cache_control"))
    context_.cache(block, message.if_contains("cache_control"));
  if (auto const* is_error = find_given(message, "is_error")) {
    if (is_error->is_bool())
      block.emplace("is_error", *is_error);
    else
      context_.report.reject(json_path(path, "is_error"), "expected true or false");
  }
  if (auto* toolset = find_given(message, "toolset_name"))
    block.emplace("toolset_name", std::move(*toolset));
  return block;
}

void conversation::read_result(json::object& message, std::string_view id, json_path const& id_path,
                               json_path const& path, std::size_t index) {
  auto const found = call_of_id_.find(id);
  if (found == call_of_id_.end()) {
    context_.report.lose(id_path, "no call of the assistant message before it has the id \"" + std::string(id) + "\"");
    end_answer(index);
    return;
  }
  auto& answered = calls_[found->second];
  json::object block = translate_result(message, answered, path, index);
  auto& to = turn_of_results(answered);
  if (answered.result != json_path::no_index) {
    context_.report.lose(path, "the call \"" + std::string(id) + "\" has an answer already", "the last one was kept");
    to.results[answered.result] = std::move(block);
  } else {
    bool const is_late = &to != &turns_.back();
    if (is_late) {
      context_.report.note(path, "moved to the turn after its call, where Claude wants tool results");
    } else if ((!to.plain.empty() || !to.blocks.empty()) && !to.results_moved) {
      context_.report.note(path, "moved before the user's text, where Claude wants tool results");
      to.results_moved = true;
    }
    to.spread(context_);
    answered.result = to.results.size();
    to.first_message = std::min(to.first_message, index);
    to.results.emplace_back(std::move(block));
  }
  end_answer(index);
}

// The turn after the calls, made when it is not there yet.
turn& conversation::turn_of_results(call const& of) {
  std::size_t const place = of.turn + 1;
  if (place == turns_.size())
    turns_.emplace_back(turn::role::user, messages_.size(), context_.storage);
  return turns_[place];
}

// Gives an answer to the calls that have none: without one the API refuses the conversation.
void conversation::close_calls() {
  for (auto const& open_call : calls_) {
    if (open_call.result != json_path::no_index)
      continue;
    json_path const message_path("messages", open_call.message);
    context_.report.lose(json_path(message_path, "tool_calls", open_call.index),
                         "no tool message answers the call \"" + open_call.id + "\"", "an answer was made up");
    auto& to = turn_of_results(open_call);
    to.spread(context_);
    json::object block = make_result(open_call);
    block.emplace("content", json::string_view(no_result));
    block.emplace("is_error", true);
    to.results.emplace_back(std::move(block));
  }
}

} // namespace claudio
