#include "core/translate/conversation.hpp"

#include "core/json_access.hpp"
#include "core/translate/assistant.hpp"
#include "core/translate/content.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::string_view no_result = "No result was given for this tool call.";
constexpr std::string_view no_user_turn = "...";
constexpr std::size_t most_reserved_turns = 1000;

json::object make_result(std::string_view wire_id, translation_context const& context) {
  auto block = context.make_object(4);
  block.emplace("type", "tool_result");
  block.emplace("tool_use_id", json::string_view(wire_id));
  return block;
}

bool is_instruction(std::string_view role) { return role == "system" || role == "developer"; }

} // namespace

void conversation::read(json::array&& messages) {
  messages_ = std::move(messages);
  turns_.reserve(std::min<std::size_t>(messages_.size() + 1, most_reserved_turns));
  for (std::size_t i = 0; i < messages_.size() && !context_.report.failed(); ++i)
    read_message(std::move(messages_[i]), json_path("messages", i), i);
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
      read_result(*message, std::string(id), id_path, path, index);
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
json::array conversation::read_content(json::object& message, json_path const& path, bool text_only) {
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
      auto const* part = (*parts)[i].if_object();
      if (text_only && part && find_string(*part, "type") != "text") {
        context_.report.lose(json_path(part_path, "type"), "a system prompt holds text only");
        continue;
      }
      if (auto block = translate_part(std::move((*parts)[i]), part_path, context_))
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
  auto blocks = read_content(message, path, true);
  if (blocks.empty())
    return;
  bool const stands = context_.target.system_in_place && context_.model().mid_conversation_system && may_stand(index);
  if (!turns_.empty() && !stands)
    context_.report.note(path, "an instruction inside the conversation was moved to the system prompt");
  auto& target = stands ? open(role::system, index).blocks : system_;
  for (auto& block : blocks)
    target.emplace_back(std::move(block));
}

// Messages API, mid-conversation system messages: after a user's turn, and last or before an assistant's.
bool conversation::may_stand(std::size_t index) const noexcept {
  if (turns_.empty() || turns_.back().who == role::assistant)
    return false;
  for (++index; index < messages_.size(); ++index) {
    auto const* next = messages_[index].if_object();
    auto const role_name = next ? find_string(*next, "role") : std::string_view();
    if (!is_instruction(role_name))
      return role_name == "assistant";
  }
  return true;
}

// The commonest of messages: nothing but a text, which becomes a turn of its own.
bool conversation::take_plain_text(json::object& message, role who, std::size_t index) {
  if (message.size() != 2 || (!turns_.empty() && turns_.back().who == who))
    return false;
  auto* content = message.if_contains("content");
  auto* text = content ? content->if_string() : nullptr;
  // OpenAI's message is Anthropic's turn here.
  if (text && !is_blank(*text))
    open(who, index).plain = std::move(message);
  return text != nullptr;
}

void conversation::read_user(json::object& message, json_path const& path, std::size_t index) {
  if (take_plain_text(message, role::user, index))
    return;
  lose_other_fields(message, path);
  auto blocks = read_content(message, path, false);
  if (blocks.empty())
    return;
  auto& to = open(role::user, index);
  spread(to);
  if (to.blocks.empty()) {
    to.blocks = std::move(blocks);
    return;
  }
  for (auto& block : blocks)
    to.blocks.emplace_back(std::move(block));
}

void conversation::read_assistant(json::object& message, json_path const& path, std::size_t index) {
  if (take_plain_text(message, role::assistant, index))
    return;
  auto blocks = translate_assistant(message, path, context_);
  if (blocks.empty())
    return;
  auto& to = open(role::assistant, index);
  auto const* prefix = message.if_contains("prefix");
  prefix_ = prefix && *prefix == true && index + 1 == messages_.size();
  if (blocks.size() == 1 && to.blocks.empty() && to.plain.empty() && blocks.front().get_object().size() == 2 &&
      find_string(blocks.front().get_object(), "type") == "text") {
    to.plain = make_plain(role::assistant, std::move(blocks.front().get_object()["text"].get_string()));
    return;
  }
  spread(to);
  std::size_t call_index = 0;
  for (auto& block : blocks) {
    auto& object = block.get_object();
    auto const type = find_string(object, "type");
    has_thinking_ = has_thinking_ || type == "thinking" || type == "redacted_thinking";
    if (type == "tool_use") {
      std::size_t const before = calls_.size();
      add_call(object, index, call_index++);
      if (calls_.size() == before)
        continue;
    }
    to.blocks.emplace_back(std::move(block));
  }
  if (!calls_.empty() && calling_turn_ + 1 == turns_.size()) {
    auto const first = find_string(to.blocks.front().get_object(), "type");
    last_calls_have_thinking_ = first == "thinking" || first == "redacted_thinking";
  }
}

// Gives a call's block the id that is sent. A call whose id the turn has already is not taken.
void conversation::add_call(json::object& block, std::size_t message, std::size_t index) {
  auto& id = block["id"].get_string();
  std::string given(id);
  if (!call_of_id_.try_emplace(given, calls_.size()).second) {
    json_path const message_path("messages", message);
    context_.report.lose(json_path(message_path, "tool_calls", index),
                         "the id \"" + given + "\" belongs to a call before it");
    return;
  }
  // Some servers count their ids anew in each answer; the API wants them different in the whole conversation.
  id = context_.tool_ids.knows(given) ? context_.tool_ids.renew(given) : context_.tool_ids.of(given);
  has_calls_ = true;
  calling_turn_ = turns_.size() - 1;
  call& added = calls_.emplace_back();
  added.id = std::move(given);
  added.message = message;
  added.index = index;
}

void conversation::read_result(json::object& message, std::string id, json_path const& id_path, json_path const& path,
                               std::size_t index) {
  auto const found = call_of_id_.find(id);
  if (found == call_of_id_.end()) {
    context_.report.lose(id_path, "no call of the assistant message before it has the id \"" + id + "\"");
    return;
  }
  for (auto const& [key, value] : message)
    if (key != "role" && key != "content" && key != "cache_control" && key != "tool_call_id" && key != "name" &&
        key != "is_error" && !value.is_null())
      context_.report.lose(json_path(path, key), "Claude has no such field");

  json::object block = make_result(context_.tool_ids.of(id), context_);
  auto* content = find_given(message, "content");
  if (auto* text = content ? content->if_string() : nullptr) {
    if (!is_blank(*text))
      block.emplace("content", std::move(*text));
  } else if (content) {
    // The API takes a breakpoint on the result, not inside it.
    json::value breakpoint;
    auto blocks = read_content(message, path, false);
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

  auto& to = turn_of_results();
  auto& answered = calls_[found->second];
  if (answered.result != json_path::no_index) {
    context_.report.lose(path, "the call \"" + id + "\" has an answer already", "the last one was kept");
    to.results[answered.result] = std::move(block);
    return;
  }
  if ((!to.plain.empty() || !to.blocks.empty()) && !to.results_moved) {
    context_.report.note(path, "moved before the user's text, where Claude wants tool results");
    to.results_moved = true;
  }
  spread(to);
  answered.result = to.results.size();
  to.first_message = std::min(to.first_message, index);
  to.results.emplace_back(std::move(block));
}

// The turn after the calls, made when it is not there yet.
conversation::turn& conversation::turn_of_results() {
  std::size_t const place = calling_turn_ + 1;
  if (place == turns_.size())
    turns_.emplace_back(role::user, messages_.size(), context_.storage);
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
    auto& to = turn_of_results();
    spread(to);
    json::object block = make_result(context_.tool_ids.of(open_call.id), context_);
    block.emplace("content", json::string_view(no_result));
    block.emplace("is_error", true);
    to.results.emplace_back(std::move(block));
  }
  calls_.clear();
  call_of_id_.clear();
}

conversation::turn& conversation::open(role who, std::size_t index) {
  if (!turns_.empty() && turns_.back().who == who)
    return turns_.back();
  if (who == role::assistant)
    close_calls();
  return turns_.emplace_back(who, index, context_.storage);
}

// A turn of one plain text becomes one of blocks.
void conversation::spread(turn& of) const {
  if (of.plain.empty())
    return;
  of.blocks.emplace_back(context_.make_text_block(std::move(of.plain["content"].get_string())));
  of.plain.clear();
}

json::string_view conversation::role_name(role who) {
  constexpr std::array<json::string_view, 3> names{"system", "user", "assistant"};
  return names[static_cast<std::size_t>(who)];
}

json::object conversation::make_plain(role who, json::string&& text) const {
  auto made = context_.make_object(2);
  made.emplace("role", role_name(who));
  made.emplace("content", std::move(text));
  return made;
}

std::vector<std::string> conversation::called_tools() const {
  std::vector<std::string> names;
  boost::unordered_flat_set<std::string_view> seen;
  if (!has_calls_)
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
  close_calls();
  if (turns_.empty() && !system_.empty()) {
    context_.report.note(json_path("messages"), "only instructions were given; they were sent as the user's turn");
    turns_.emplace_back(role::user, 0, context_.storage).blocks = std::move(system_);
    system_ = json::array(context_.storage);
  }
  if (!turns_.empty())
    finish_prefill(continues);
  if (turns_.empty()) {
    context_.report.reject(json_path("messages"), "no message of role user or assistant with any content");
    return;
  }
  if (turns_.front().who == role::assistant && context_.model().user_turn_first) {
    context_.report.note(json_path("messages"), "a user's turn was put before the assistant's, " +
                                                    context_.quoted_model() + " wants one first");
    auto const first = turns_.emplace(turns_.begin(), role::user, 0, context_.storage);
    first->plain = make_plain(role::user, json::string(no_user_turn, context_.storage));
  }
  for (auto& each : turns_)
    if (each.who == role::user && !each.blocks.empty())
      complete_documents(each);
}

// A final assistant turn asks the model to go on from there; trailing white space in it is refused by the API. Without
// text at its end it is no prefill but an answer that was paused.
void conversation::finish_prefill(bool continues) {
  auto& last = turns_.back();
  if (last.who != role::assistant)
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
  if (!text->empty())
    return;
  if (!last.blocks.empty())
    last.blocks.pop_back();
  if (last.blocks.empty())
    turns_.pop_back();
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

void conversation::keep_cache_breakpoints(std::size_t most) {
  auto const keep = [&](json::value& block) {
    if (!block.get_object().contains("cache_control"))
      return;
    if (most > 0)
      --most;
    else
      block.get_object().erase("cache_control");
  };
  for (auto& block : system_)
    keep(block);
  for (auto& each : turns_) {
    for (auto& block : each.results)
      keep(block);
    for (auto& block : each.blocks)
      keep(block);
  }
}

json::value conversation::take_system() {
  if (system_.empty())
    return nullptr;
  if (system_.size() == 1 && system_.front().get_object().size() == 2)
    return std::move(system_.front().get_object()["text"]);
  return std::move(system_);
}

json::array conversation::take_turns() {
  json::array out(context_.storage);
  out.reserve(turns_.size());
  for (auto& each : turns_) {
    if (!each.plain.empty()) {
      out.emplace_back(std::move(each.plain));
      continue;
    }
    auto made = context_.make_object(2);
    made.emplace("role", role_name(each.who));
    if (each.results.empty()) {
      made.emplace("content", std::move(each.blocks));
    } else {
      for (auto& block : each.blocks)
        each.results.emplace_back(std::move(block));
      made.emplace("content", std::move(each.results));
    }
    out.emplace_back(std::move(made));
  }
  return out;
}

} // namespace claudio
