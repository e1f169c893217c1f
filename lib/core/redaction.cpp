#include "core/redaction.hpp"

#include "core/json_access.hpp"
#include "core/printable.hpp"

#include <algorithm>
#include <cctype>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::string_view removed = "[key removed]";
constexpr std::string_view key_prefix = "sk-ant-";
constexpr std::size_t shortest = 8;
constexpr std::size_t longest_text = 4096; // of one that had a secret

// How many bytes at the front of `text` are a secret.
std::size_t secret_prefix(std::string_view text, secret_list secrets) {
  for (auto const secret : secrets)
    if (secret.size() >= shortest && text.starts_with(secret))
      return secret.size();
  if (!text.starts_with(key_prefix))
    return 0;
  std::size_t end = key_prefix.size();
  while (end < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '-' || text[end] == '_'))
    ++end;
  return end;
}

// By the hyphen, which texts have more seldom than an "s".
bool holds_key_prefix(std::string_view text) noexcept {
  constexpr std::size_t before = key_prefix.find('-');
  for (auto at = text.find('-'); at != std::string_view::npos; at = text.find('-', at + 1))
    if (at >= before && text.substr(at - before).starts_with(key_prefix))
      return true;
  return false;
}

bool holds_secret(std::string_view text, secret_list secrets) {
  if (text.size() < shortest)
    return false;
  if (holds_key_prefix(text))
    return true;
  return std::any_of(secrets.begin(), secrets.end(), [&](std::string_view secret) {
    return secret.size() >= shortest && !secret.starts_with(key_prefix) && text.find(secret) != std::string_view::npos;
  });
}

bool is_plain_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

void cut_at_character(std::string& text, std::size_t limit) {
  if (text.size() <= limit)
    return;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80)
    --limit;
  text.resize(limit);
}

void redact(json::value& value, secret_list secrets);

bool is_content(json::string_view key) { return key == "content" || key == "content_block"; }

void redact_members(json::object& object, secret_list secrets) {
  for (auto& member : object)
    if ((member.value().is_string() || member.value().is_structured()) && !is_content(member.key()))
      redact(member.value(), secrets);
}

void redact(json::value& value, secret_list secrets) {
  if (auto* const text = value.if_string()) {
    if (text->size() >= shortest && holds_secret(*text, secrets))
      *text = one_line(*text, secrets, longest_text);
  } else if (auto* const object = value.if_object()) {
    redact_members(*object, secrets);
  } else if (auto* const array = value.if_array()) {
    for (auto& item : *array)
      redact(item, secrets);
  }
}

// A warning may name the type of a block.
void redact_type(json::value& block, secret_list secrets) {
  auto* const object = block.if_object();
  if (auto* const type = object ? find_value(*object, "type") : nullptr)
    redact(*type, secrets);
}

} // namespace

// Reads no more of a huge text than it needs, and never stops inside a secret.
std::string one_line(std::string_view text, secret_list secrets, std::size_t limit) {
  // Such is the request id of each answer.
  if (text.size() <= limit && is_plain_word(text) && !holds_secret(text, secrets))
    return std::string(text);
  std::string line;
  while (!text.empty() && line.size() <= limit) {
    if (std::size_t const hidden = secret_prefix(text, secrets)) {
      line += removed;
      text.remove_prefix(hidden);
      continue;
    }
    front_character const next(text);
    if (next.type() == front_character::kind::invalid)
      line += replacement_character;
    else if (next.type() == front_character::kind::plain && text.front() != ' ')
      line += text.substr(0, next.size());
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
    text.remove_prefix(next.size());
  }
  cut_at_character(line, limit);
  return line;
}

void redact_answer(json::object& answer, secret_list secrets) {
  redact_members(answer, secrets);
  if (auto* const content = find_value(answer, "content"); content && content->is_array())
    for (auto& block : content->get_array())
      redact_type(block, secrets);
}

void redact_event(json::object& event, secret_list secrets) {
  auto const type = find_string(event, "type");
  if (type == "content_block_delta")
    return;
  if (auto* const block = find_value(event, "content_block"))
    redact_type(*block, secrets);
  for (auto& member : event) {
    auto* const object = member.value().if_object();
    if (member.key() == "content_block")
      continue;
    if (object && member.key() == "message")
      redact_answer(*object, secrets);
    else
      redact(member.value(), secrets);
  }
}

} // namespace claudio
