#include "core/json_access.hpp"

#include "core/document_handler.hpp"
#include "core/wipe_traces.hpp"
#include "core/wiping_memory.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

namespace claudio {
namespace json = boost::json;

namespace {

// Where a text is at fault, in words, by the offset of the byte.
using describe_place = std::string (*)(std::string_view text, std::size_t offset);

std::string byte_of(std::string_view, std::size_t offset) { return "at byte " + std::to_string(offset); }

std::string line_and_column(std::string_view text, std::size_t offset) {
  auto const before = text.substr(0, offset);
  auto const line = 1 + std::count(before.begin(), before.end(), '\n');
  auto const column = before.size() - (before.rfind('\n') + 1) + 1;
  return "in line " + std::to_string(line) + ", column " + std::to_string(column);
}

using parser = json::basic_parser<document_handler>;

result<json::value> parse(parser& reader, std::string_view text, describe_place describe) {
  boost::system::error_code failure;
  std::size_t const used = reader.write_some(false, text.data(), text.size(), failure);
  if (!failure && used != text.size())
    failure = json::error::extra_data;
  if (failure)
    return error(errc::transformation, "not valid JSON " + describe(text, used) + ": " + failure.message());
  return reader.handler().take();
}

// Its frame, with the buffer, lies below the caller's, who wipes it.
[[gnu::noinline]] result<json::value> parse_in_wiped_memory(std::string_view text) {
  unsigned char buffer[4096];
  parser reader(document_handler::options(), wiping_memory(), buffer, sizeof buffer, wiping_memory());
  return parse(reader, text, &line_and_column);
}

} // namespace

result<json::value> parse_json(std::string_view text, bool* rounded, json::storage_ptr memory) {
  unsigned char buffer[4096];
  parser reader(document_handler::options(), std::move(memory), buffer, sizeof buffer);
  auto value = parse(reader, text, &byte_of);
  if (rounded)
    *rounded = reader.handler().rounded;
  return value;
}

result<json::value> parse_json(std::string_view text, std::size_t& values, json::storage_ptr memory) {
  unsigned char buffer[4096];
  parser reader(document_handler::options(), std::move(memory), buffer, sizeof buffer);
  auto value = parse(reader, text, &byte_of);
  values = reader.handler().count;
  return value;
}

bool is_unfinished_json(std::string_view text) noexcept {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '{' || c == '['))
      ++depth;
    else if (!in_string && (c == '}' || c == ']') && (depth == 0 || --depth == 0))
      return false;
  }
  constexpr std::string_view white = " \t\r\n";
  return depth > 0 || text.find_first_not_of(white) == std::string_view::npos;
}

result<json::value> parse_json_file(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  auto value = parse_in_wiped_memory(text);
  // The parser goes a frame deeper for each level.
  constexpr std::size_t used_stack = 16 * 1024;
  wipe_traces(used_stack);
  return value;
}

namespace {

std::uint64_t word_at(char const* text) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  return word;
}

} // namespace

// By words, the last of which may overlap the one before.
bool is_same_text(char const* first, char const* second, std::size_t size) noexcept {
  constexpr auto word = sizeof(std::uint64_t);
  std::size_t i = 0;
  if (size < word) {
    while (i < size && first[i] == second[i])
      ++i;
    return i == size;
  }
  for (; i + word <= size; i += word)
    if (word_at(first + i) != word_at(second + i))
      return false;
  return word_at(first + size - word) == word_at(second + size - word);
}

json::value const* find_value(json::object const& object, std::string_view key) noexcept {
  // Above this Boost.JSON keeps a hash table.
  constexpr std::size_t few = 18;
  if (object.size() > few)
    return object.if_contains(key);
  for (auto const& member : object)
    if (is_key(member.key(), key))
      return &member.value();
  return nullptr;
}

json::object const* find_object(json::object const& object, std::string_view key) noexcept {
  auto const* value = find_value(object, key);
  return value ? value->if_object() : nullptr;
}

json::array const* find_array(json::object const& object, std::string_view key) noexcept {
  auto const* value = find_value(object, key);
  return value ? value->if_array() : nullptr;
}

std::string_view find_string(json::object const& object, std::string_view key) noexcept {
  auto const* value = find_value(object, key);
  auto const* text = value ? value->if_string() : nullptr;
  return text ? std::string_view(*text) : std::string_view();
}

std::optional<std::int64_t> find_integer(json::object const& object, std::string_view key) noexcept {
  auto const* value = find_value(object, key);
  return value ? to_integer(*value) : std::nullopt;
}

std::uint64_t find_count(json::object const& object, std::string_view key) noexcept {
  auto const* const value = find_value(object, key);
  return value ? to_count(*value) : 0;
}

std::uint64_t to_count(json::value const& value) noexcept {
  auto const count = to_integer(value);
  return count && *count > 0 ? static_cast<std::uint64_t>(*count) : 0;
}

std::optional<std::int64_t> to_integer(json::value const& value) noexcept {
  if (auto const* number = value.if_int64())
    return *number;
  if (auto const* number = value.if_uint64())
    return std::in_range<std::int64_t>(*number) ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
  if (auto const* number = value.if_double()) {
    // 2^63 as a double; beyond it the conversion would be undefined.
    if (std::trunc(*number) == *number && std::abs(*number) < 9.2e18)
      return static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

std::string describe_value(json::value const& value) {
  switch (value.kind()) {
  case json::kind::string:
    return "a string";
  case json::kind::array:
    return "an array";
  case json::kind::object:
    return "an object";
  case json::kind::double_: {
    char text[32];
    auto const written = std::to_chars(text, text + sizeof text, value.get_double());
    return std::string(text, written.ptr);
  }
  default:
    return json::serialize(value);
  }
}

} // namespace claudio
