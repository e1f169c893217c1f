#include "core/translate/turn.hpp"

#include "core/json_access.hpp"
#include "core/translate/block_types.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::string_view nothing_said = "...";

json::string_view role_name(turn::role who) {
  constexpr std::array<json::string_view, 3> names{"system", "user", "assistant"};
  return names[static_cast<std::size_t>(who)];
}

void append(json::array& to, json::array&& more) {
  if (to.empty()) {
    to = std::move(more);
    return;
  }
  for (auto& block : more)
    to.emplace_back(std::move(block));
}

// The API: "The final block in an assistant message cannot be `thinking`".
void drop_final_thinking(turn& of, translation_context& context) {
  std::size_t const before = of.blocks.size();
  while (!of.blocks.empty() && is_thinking(find_string(of.blocks.back().get_object(), "type")))
    of.blocks.pop_back();
  if (of.blocks.size() != before)
    context.report.note(json_path("messages", of.first_message),
                        "the thinking at its end was left out, Claude takes no assistant message that ends with it");
}

void fill(turn& of, translation_context& context) {
  json_path const path("messages", of.first_message);
  if (of.said_nothing)
    context.report.lose(path, "nothing in it, and the answer before it is not to be gone on from", "sent as \"...\"");
  else
    context.report.note(path, "a user's turn of \"...\" was put here, lest the answer before it be gone on from");
  of.plain = make_plain_turn(turn::role::user, json::string(nothing_said, context.storage), context);
}

// Adds a turn at the end, as a part of the last one where both have the same role.
void add(std::vector<turn>& turns, turn&& next, translation_context const& context) {
  if (turns.empty() || turns.back().who != next.who) {
    turns.push_back(std::move(next));
    return;
  }
  auto& last = turns.back();
  last.spread(context);
  next.spread(context);
  append(last.results, std::move(next.results));
  append(last.blocks, std::move(next.blocks));
  last.as_given = next.as_given;
}

bool is_settled(std::vector<turn> const& turns) noexcept {
  for (std::size_t i = 0; i < turns.size(); ++i)
    if (turns[i].empty() || turns[i].who == turn::role::system || (i > 0 && turns[i].who == turns[i - 1].who))
      return false;
  return true;
}

std::vector<turn> without_empty(std::vector<turn>&& turns, translation_context& context) {
  std::size_t after_users = turns.size(); // the place behind the user's last turn that says something
  while (after_users > 0 && (turns[after_users - 1].who != turn::role::user || turns[after_users - 1].empty()))
    --after_users;
  std::vector<turn> kept;
  kept.reserve(turns.size());
  for (std::size_t i = 0; i < turns.size(); ++i) {
    auto& each = turns[i];
    if (each.empty() && each.who == turn::role::user && i >= after_users && !kept.empty() &&
        kept.back().who == turn::role::assistant)
      fill(each, context);
    if (!each.empty())
      add(kept, std::move(each), context);
  }
  return kept;
}

// Messages API, mid-conversation system messages: after a user's turn, and last or before an assistant's.
std::vector<turn> with_instructions_placed(std::vector<turn>&& turns, translation_context& context) {
  std::vector<turn> placed;
  placed.reserve(turns.size());
  for (std::size_t i = 0; i < turns.size(); ++i) {
    auto& each = turns[i];
    if (each.who == turn::role::system) {
      bool const after_user = !placed.empty() && placed.back().who == turn::role::user;
      bool const before_assistant = i + 1 == turns.size() || turns[i + 1].who == turn::role::assistant;
      if (!after_user || !before_assistant) {
        note_marked(json_path("messages", each.first_message), context);
        each.who = turn::role::user;
        for (auto& block : each.blocks)
          mark_instruction(block.get_object(), context);
      }
    }
    add(placed, std::move(each), context);
  }
  return placed;
}

} // namespace

void turn::spread(translation_context const& context) {
  if (plain.empty())
    return;
  blocks.emplace_back(context.make_text_block(std::move(plain["content"].get_string())));
  plain.clear();
}

json::object make_plain_turn(turn::role who, json::string&& text, translation_context const& context) {
  auto made = context.make_object(2);
  made.emplace("role", role_name(who));
  made.emplace("content", std::move(text));
  return made;
}

void mark_instruction(json::object& block, translation_context const& context) {
  json::string marked("<system>\n", context.storage);
  marked.append(find_string(block, "text"));
  marked.append("\n</system>");
  block["text"] = std::move(marked);
}

void note_marked(json_path const& where, translation_context& context) {
  context.report.note(where, context.quoted_model() + " takes no instruction there: sent as the user's, in <system>");
}

void settle_turns(std::vector<turn>& turns, translation_context& context) {
  for (auto& each : turns)
    if (each.who == turn::role::assistant)
      drop_final_thinking(each, context);
  if (is_settled(turns))
    return;
  turns = with_instructions_placed(without_empty(std::move(turns), context), context);
}

json::array take_messages(std::vector<turn>& turns, translation_context const& context) {
  json::array out(context.storage);
  out.reserve(turns.size());
  for (auto& each : turns) {
    if (!each.plain.empty()) {
      out.emplace_back(std::move(each.plain));
      continue;
    }
    auto made = context.make_object(2);
    made.emplace("role", role_name(each.who));
    append(each.results, std::move(each.blocks));
    made.emplace("content", std::move(each.results));
    out.emplace_back(std::move(made));
  }
  return out;
}

} // namespace claudio
