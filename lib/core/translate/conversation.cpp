#include "core/translate/conversation.hpp"

#include "core/json_access.hpp"
#include "core/translate/assistant.hpp"
#include "core/translate/block_types.hpp"
#include "core/translate/cache_breakpoints.hpp"
#include "core/translate/content.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::string_view no_user_turn = "...";
constexpr std::size_t most_reserved_turns = 1000;

bool is_instruction(std::string_view role) { return role == "system" || role == "developer"; }

} // namespace

void conversation::read(json::array&& messages) {
  messages_ = std::move(messages);
  turns_.reserve(std::min<std::size_t>(messages_.size() + 1, most_reserved_turns));
  for (std::size_t i = 0; i < messages_.size() && !context_.report.failed(); ++i)
    read_message(std::move(messages_[i]), json_path("messages", i), i);
  close_calls();
  settle_turns(turns_, context_);
}

void conversation::read_message(json::value&& value, json_path const& path, std::size_t index) {
  auto* message = value.if_object();
  if (!message) {
    context_.report.reject(path, "expected an object, got " + describe_value(value));
    return;
  }
  auto const role_name = find_string(*message, "role");
  if (role_name == "user") {
    read_user(*message, path, index);
  } else if (role_name == "assistant") {
    read_assistant(*message, path, index);
  } else if (is_instruction(role_name)) {
    read_instruction(*message, path, index);
  } else if (role_name == "tool") {
    json_path const id_path(path, "tool_call_id");
    auto const id = find_string(*message, "tool_call_id");
    if (id.empty())
      context_.report.reject(id_path, "missing; expected the id of the tool call that this answers");
    else
      read_result(*message, id, id_path, path, index);
  } else if (role_name == "function") {
    json_path const name_path(path, "name");
    auto const name = find_string(*message, "name");
    if (name.empty())
      context_.report.reject(name_path, "missing; expected the name of the function that this answers for");
    else
      read_result(*message, function_call_id(name), name_path, path, index);
  } else {
    context_.report.reject(json_path(path, "role"),
                           "expected \"system\", \"developer\", \"user\", \"assistant\" or \"tool\"" +
                               (role_name.empty() ? std::string() : ", got \"" + std::string(role_name) + "\""));
  }
}

void conversation::lose_other_fields(json::object const& message, json_path const& path) const {
  for (auto const& [key, value] : message) {
    if (key == "role" || key == "content" || key == "cache_control" || value.is_null())
      continue;
    context_.report.lose(json_path(path, key), "Claude has no such field");
  }
}

// The content of a system, user or tool message as blocks; a `cache_control` of the message is one of its last block.
json::array conversation::read_content(json::object& message, json_path const& path, std::size_t index, holds what) {
  json::array blocks(context_.storage);
  json_path const content_path(path, "content");
  auto* content = find_given(message, "content");
  if (!content) {
    context_.report.reject(content_path, "expected a string or an array of parts");
    return blocks;
  }
  if (auto* text = content->if_string()) {
    if (!is_blank(*text))
      blocks.emplace_back(context_.make_text_block(std::move(*text)));
  } else if (auto* parts = content->if_array()) {
    blocks.reserve(parts->size());
    for (std::size_t i = 0; i < parts->size() && !context_.report.failed(); ++i) {
      json_path const part_path(path, "content", i);
      auto* part = (*parts)[i].if_object();
      auto const type = part ? find_string(*part, "type") : std::string_view();
      if (part && what == holds::instructions && type != "text")
        context_.report.lose(json_path(part_path, "type"), "a system prompt holds text only");
      else if (what == holds::a_users_turn && type == "tool_result")
        read_part_of_result(*part, part_path, index);
      else if (auto block = translate_part(std::move((*parts)[i]), part_path, context_, what == holds::a_result))
        blocks.emplace_back(std::move(*block));
    }
  } else {
    context_.report.reject(content_path, "expected a string or an array of parts, got " + describe_value(*content));
  }
  if (!blocks.empty())
    context_.cache(blocks.back().get_object(), message.if_contains("cache_control"));
  return blocks;
}

void conversation::read_instruction(json::object& message, json_path const& path, std::size_t index) {
  lose_other_fields(message, path);
  auto blocks = read_content(message, path, index, holds::instructions);
  if (blocks.empty())
    return;
  auto const wanted = context_.target.system_messages;
  auto* to = &system_;
  if (wanted == system_placement::hoist || turns_.empty()) {
    if (!turns_.empty())
      context_.report.note(path, "an instruction inside the conversation was moved to the system prompt");
    hoisted_ = hoisted_ || !turns_.empty();
  } else if (wanted == system_placement::in_place && context_.model().mid_conversation_system &&
             turns_.back().who != turn::role::assistant) {
    to = &open(turn::role::system, index).blocks; // whether it may stand there is known at the end
  } else {
    if (wanted == system_placement::in_place)
      note_marked(path, context_);
    auto& users = open(turn::role::user, index);
    users.spread(context_);
    to = &users.blocks;
    for (auto& block : blocks)
      mark_instruction(block.get_object(), context_);
  }
  for (auto& block : blocks)
    to->emplace_back(std::move(block));
}

// The commonest of messages: nothing but a text, which becomes a turn of its own.
bool conversation::take_plain_text(json::object& message, turn::role who, std::size_t index) {
  if (message.size() != 2 || (!turns_.empty() && turns_.back().who == who && !turns_.back().empty()))
    return false;
  auto* content = message.if_contains("content");
  auto* text = content ? content->if_string() : nullptr;
  if (!text || is_blank(*text))
    return false;
  // OpenAI's message is Anthropic's turn here.
  open(who, index).plain = std::move(message);
  return true;
}

void conversation::read_user(json::object& message, json_path const& path, std::size_t index) {
  if (take_plain_text(message, turn::role::user, index))
    return;
  lose_other_fields(message, path);
  auto blocks = read_content(message, path, index, holds::a_users_turn);
  if (blocks.empty()) {
    if (end_answer(index))
      turns_.back().said_nothing = true;
    return;
  }
  auto& to = open(turn::role::user, index);
  to.spread(context_);
  if (to.blocks.empty()) {
    to.blocks = std::move(blocks);
    return;
  }
  for (auto& block : blocks)
    to.blocks.emplace_back(std::move(block));
}

// A message that is not the assistant's and leaves nothing where it stands: the answer before it is over all the same.
// False when there is none.
bool conversation::end_answer(std::size_t index) {
  if (turns_.empty() || turns_.back().who != turn::role::assistant)
    return false;
  open(turn::role::user, index);
  return true;
}

void conversation::read_assistant(json::object& message, json_path const& path, std::size_t index) {
  if (take_plain_text(message, turn::role::assistant, index))
    return;
  auto [blocks, as_given] = translate_assistant(message, path, context_);
  if (blocks.empty())
    return;
  auto& to = open(turn::role::assistant, index);
  to.as_given = as_given;
  auto const* prefix = message.if_contains("prefix");
  prefix_ = prefix && *prefix == true && index + 1 == messages_.size();
  if (blocks.size() == 1 && to.empty() && blocks.front().get_object().size() == 2 &&
      find_string(blocks.front().get_object(), "type") == "text") {
    to.plain =
        make_plain_turn(turn::role::assistant, std::move(blocks.front().get_object()["text"].get_string()), context_);
    return;
  }
  to.spread(context_);
  std::size_t call_index = 0;
  for (auto& block : blocks)
    if (auto& object = block.get_object();
        find_string(object, "type") != "tool_use" || add_call(object, index, call_index++))
      to.blocks.emplace_back(std::move(block));
}

turn& conversation::open(turn::role who, std::size_t index) {
  if (!turns_.empty() && turns_.back().who == who)
    return turns_.back();
  return turns_.emplace_back(who, index, context_.storage);
}

bool conversation::has_thinking() const {
  for (auto const& each : turns_)
    if (each.who == turn::role::assistant)
      for (auto const& block : each.blocks)
        if (is_thinking(find_string(block.get_object(), "type")))
          return true;
  return false;
}

bool conversation::last_calls_have_thinking() const {
  auto const calls = [](json::value const& block) { return find_string(block.get_object(), "type") == "tool_use"; };
  for (auto each = turns_.rbegin(); each != turns_.rend(); ++each)
    if (each->who == turn::role::assistant && std::any_of(each->blocks.begin(), each->blocks.end(), calls))
      return is_thinking(find_string(each->blocks.front().get_object(), "type"));
  return true;
}

std::vector<std::string> conversation::called_tools() const {
  std::vector<std::string> names;
  boost::unordered_flat_set<std::string_view> seen;
  if (calls_.empty())
    return names;
  for (auto const& each : turns_)
    for (auto const& block : each.blocks)
      if (auto const name = find_string(block.get_object(), "name");
          find_string(block.get_object(), "type") == "tool_use" && seen.insert(name).second)
        names.emplace_back(name);
  return names;
}

void conversation::add_instruction(std::string_view text) {
  system_.emplace_back(context_.make_text_block(json::string(text, context_.storage)));
}

void conversation::finish(bool continues) {
  if (turns_.empty() && !system_.empty()) {
    context_.report.note(json_path("messages"), "only instructions were given; they were sent as the user's turn");
    turns_.emplace_back(turn::role::user, 0, context_.storage).blocks = std::move(system_);
    system_ = json::array(context_.storage);
  }
  if (!turns_.empty())
    finish_prefill(continues);
  if (turns_.empty()) {
    context_.report.reject(json_path("messages"), "no message of role user or assistant with any content");
    return;
  }
  if (turns_.front().who == turn::role::assistant && context_.model().user_turn_first) {
    context_.report.note(json_path("messages"), "a user's turn was put before the assistant's, " +
                                                    context_.quoted_model() + " wants one first");
    auto const first = turns_.emplace(turns_.begin(), turn::role::user, 0, context_.storage);
    first->plain = make_plain_turn(turn::role::user, json::string(no_user_turn, context_.storage), context_);
  }
  for (auto& each : turns_)
    if (each.who == turn::role::user && !each.blocks.empty())
      complete_documents(each);
}

// A final assistant turn asks the model to go on from there; trailing white space in it is refused by the API. One that
// came as blocks, or has no text at its end, is no prefill but an answer that was paused.
void conversation::finish_prefill(bool continues) {
  auto& last = turns_.back();
  if (last.who != turn::role::assistant || last.as_given)
    return;
  json::string* text = last.plain.empty() ? nullptr : &last.plain["content"].get_string();
  if (!text && find_string(last.blocks.back().get_object(), "type") == "text")
    text = &last.blocks.back().get_object()["text"].get_string();
  if (!text)
    return;
  if (!continues) {
    context_.report.lose(json_path("messages", last.first_message),
                         context_.quoted_model() + " does not continue an assistant message; end with a user message");
    turns_.pop_back();
    return;
  }
  text->erase(std::string_view(*text).find_last_not_of(" \t\r\n\f\v") + 1);
  if (prefix_)
    context_.answer.prefill = std::string(*text);
}

// The API wants text beside a document.
void conversation::complete_documents(turn& of) {
  bool has_document = false;
  for (auto const& block : of.blocks) {
    auto const type = find_string(block.get_object(), "type");
    has_document = has_document || type == "document";
    if (type == "text")
      return;
  }
  if (!has_document)
    return;
  context_.report.note(json_path("messages", of.first_message),
                       "a \".\" was added, Claude wants text beside a document");
  of.blocks.emplace_back(context_.make_text_block(json::string(".", context_.storage)));
}

std::size_t conversation::count_cache_breakpoints() const {
  std::size_t count = claudio::count_cache_breakpoints(system_);
  for (auto const& each : turns_)
    count += claudio::count_cache_breakpoints(each.results) + claudio::count_cache_breakpoints(each.blocks);
  return count;
}

void conversation::drop_cache_breakpoints(std::size_t& excess) {
  claudio::drop_cache_breakpoints(system_, excess);
  for (auto& each : turns_) {
    claudio::drop_cache_breakpoints(each.results, excess);
    claudio::drop_cache_breakpoints(each.blocks, excess);
  }
}

json::value conversation::take_system() {
  if (system_.empty())
    return nullptr;
  if (system_.size() == 1 && system_.front().get_object().size() == 2)
    return std::move(system_.front().get_object()["text"]);
  return std::move(system_);
}

json::array conversation::take_turns() { return take_messages(turns_, context_); }

} // namespace claudio
