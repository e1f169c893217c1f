#include "core/block_delta.hpp"

#include "core/json_access.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace claudio {

namespace {

struct form {
  block_delta::kind part;
  std::string_view type;
  std::string_view member;
  std::string_view begin; // of the delta in an event's text
};

constexpr std::array<form, 3> forms{{
    {block_delta::kind::text, "text_delta", "text", R"(,"delta":{"type":"text_delta","text":")"},
    {block_delta::kind::input_json, "input_json_delta", "partial_json",
     R"(,"delta":{"type":"input_json_delta","partial_json":")"},
    {block_delta::kind::thinking, "thinking_delta", "thinking", R"(,"delta":{"type":"thinking_delta","thinking":")"},
}};

bool take(std::string_view& rest, std::string_view literal) noexcept {
  if (!rest.starts_with(literal))
    return false;
  rest.remove_prefix(literal.size());
  return true;
}

std::optional<block_delta::kind> take_form(std::string_view& rest) noexcept {
  for (auto const& known : forms)
    if (take(rest, known.begin))
      return known.part;
  return std::nullopt;
}

std::optional<std::size_t> take_index(std::string_view& rest) noexcept {
  std::size_t index = 0;
  auto const [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
  auto const digits = static_cast<std::size_t>(end - rest.data());
  // JSON has no leading zeros.
  if (failure != std::errc() || (digits > 1 && rest.front() == '0'))
    return std::nullopt;
  rest.remove_prefix(digits);
  return index;
}

// What follows a backslash, but for \u; NUL for anything else.
char unescape(char c) noexcept {
  switch (c) {
  case '"':
  case '\\':
  case '/':
    return c;
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  default:
    return '\0';
  }
}

// The API pads events with spaces in front of their last brace.
bool ends_event(std::string_view rest) noexcept {
  return take(rest, "}") && rest.ends_with('}') && rest.find_first_not_of(' ') == rest.size() - 1;
}

// The string that begins behind its opening quote; `rest` is then what is behind the closing one.
std::optional<std::string_view> take_string(std::string_view& rest, std::string& unescaped) {
  bool is_ascii = true;
  std::size_t copied = 0;
  unescaped.clear();
  for (std::size_t i = 0; i < rest.size(); ++i) {
    auto const byte = static_cast<unsigned char>(rest[i]);
    if (byte == '"') {
      auto text = rest.substr(0, i);
      if (copied > 0)
        text = unescaped.append(rest.substr(copied, i - copied));
      rest.remove_prefix(i + 1);
      return is_ascii || is_utf8(text) ? std::optional(text) : std::nullopt;
    }
    if (byte < 0x20)
      return std::nullopt;
    is_ascii = is_ascii && byte < 0x80;
    if (byte != '\\')
      continue;
    unescaped.append(rest.substr(copied, i - copied));
    ++i;
    char const c = i < rest.size() ? unescape(rest[i]) : '\0';
    if (c == '\0')
      return std::nullopt;
    unescaped += c;
    copied = i + 1;
  }
  return std::nullopt;
}

} // namespace

std::optional<block_delta> block_delta::read(std::string_view json, std::string& unescaped) {
  if (!take(json, R"({"type":"content_block_delta","index":)"))
    return std::nullopt;
  block_delta delta;
  auto const index = take_index(json);
  auto const part = take_form(json);
  if (!index || !part)
    return std::nullopt;
  auto const text = take_string(json, unescaped);
  if (!text || !ends_event(json))
    return std::nullopt;
  delta.index = *index;
  delta.part = *part;
  delta.text = *text;
  return delta;
}

std::optional<block_delta> block_delta::of(boost::json::object const& event) noexcept {
  auto const index = find_integer(event, "index");
  auto const* const delta = find_object(event, "delta");
  if (!index || *index < 0 || !delta)
    return std::nullopt;
  auto const type = find_string(*delta, "type");
  for (auto const& known : forms) {
    if (type != known.type)
      continue;
    block_delta read;
    read.index = static_cast<std::size_t>(*index);
    read.part = known.part;
    auto const* const text = find_value(*delta, known.member);
    if (text && !text->is_string() && !text->is_null())
      return std::nullopt;
    read.text = find_string(*delta, known.member);
    return read;
  }
  return std::nullopt;
}

bool block_delta::knows(std::string_view delta_type) noexcept {
  return std::any_of(forms.begin(), forms.end(), [&](form const& known) { return known.type == delta_type; });
}

} // namespace claudio
