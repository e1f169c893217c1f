#include "core/json_access.hpp"

#include "core/wipe_traces.hpp"
#include "core/wiping_memory.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::size_t deepest = 128;

// Builds the value as Boost.JSON's own parser does, and notices what that one lets pass.
class document_handler {
public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  document_handler(json::storage_ptr memory, json::storage_ptr temporary, unsigned char* buffer, std::size_t size)
      : values(std::move(temporary), buffer, size) {
    values.reset(std::move(memory));
  }

  bool on_document_begin(boost::system::error_code&) { return true; }
  bool on_document_end(boost::system::error_code&) { return true; }
  bool on_object_begin(boost::system::error_code&) { return true; }
  bool on_object_end(std::size_t n, boost::system::error_code&) {
    members += n;
    values.push_object(n);
    return true;
  }
  bool on_array_begin(boost::system::error_code&) { return true; }
  bool on_array_end(std::size_t n, boost::system::error_code&) {
    values.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, boost::system::error_code&) {
    values.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, boost::system::error_code&) {
    values.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, boost::system::error_code&) {
    values.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, boost::system::error_code&) {
    values.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view, boost::system::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, boost::system::error_code&) {
    values.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, json::string_view, boost::system::error_code&) {
    values.push_uint64(number);
    return true;
  }
  bool on_double(double number, json::string_view digits, boost::system::error_code& failure) {
    // Boost.JSON 1.81 makes infinity of 1e999, and no number of 0e999; neither can be written as JSON again.
    if (std::isinf(number)) {
      failure = json::error::exponent_overflow;
      return false;
    }
    if (std::isnan(number))
      number = 0;
    rounded = rounded || digits.find_first_of(".eE") == json::string_view::npos;
    values.push_double(number);
    return true;
  }
  bool on_bool(bool value, boost::system::error_code&) {
    values.push_bool(value);
    return true;
  }
  bool on_null(boost::system::error_code&) {
    values.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, boost::system::error_code&) { return true; }
  bool on_comment(json::string_view, boost::system::error_code&) { return true; }

  json::value_stack values;
  std::size_t members = 0;
  bool rounded = false;
};

std::size_t count_members(json::value const& value) {
  std::size_t count = 0;
  if (auto const* object = value.if_object()) {
    count = object->size();
    for (auto const& member : *object)
      if (member.value().is_structured())
        count += count_members(member.value());
  } else if (auto const* array = value.if_array()) {
    for (auto const& item : *array)
      if (item.is_structured())
        count += count_members(item);
  }
  return count;
}

// Where a text is at fault, in words, by the offset of the byte.
using describe_place = std::string (*)(std::string_view text, std::size_t offset);

std::string byte_of(std::string_view, std::size_t offset) { return "at byte " + std::to_string(offset); }

std::string line_and_column(std::string_view text, std::size_t offset) {
  auto const before = text.substr(0, offset);
  auto const line = 1 + std::count(before.begin(), before.end(), '\n');
  auto const column = before.size() - (before.rfind('\n') + 1) + 1;
  return "in line " + std::to_string(line) + ", column " + std::to_string(column);
}

// `temporary` is for what the parser has not put together yet.
result<json::value> parse(std::string_view text, bool* rounded, json::storage_ptr memory, json::storage_ptr temporary,
                          describe_place describe) {
  json::parse_options options;
  options.max_depth = deepest;
  unsigned char buffer[4096];
  json::basic_parser<document_handler> parser(options, std::move(memory), std::move(temporary), buffer, sizeof buffer);
  boost::system::error_code failure;
  std::size_t const used = parser.write_some(false, text.data(), text.size(), failure);
  if (!failure && used != text.size())
    failure = json::error::extra_data;
  if (failure)
    return error(errc::transformation, "not valid JSON " + describe(text, used) + ": " + failure.message());
  auto& handler = parser.handler();
  auto value = handler.values.release();
  // The value keeps the last of several equal keys, so that it has fewer members than were read.
  if (handler.members != count_members(value))
    return error(errc::transformation, "not valid JSON: a key stands twice in the same object");
  if (rounded)
    *rounded = handler.rounded;
  return value;
}

} // namespace

result<json::value> parse_json(std::string_view text, bool* rounded, json::storage_ptr memory) {
  return parse(text, rounded, std::move(memory), json::storage_ptr(), &byte_of);
}

result<json::value> parse_json_file(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  auto value = parse(text, nullptr, wiping_memory(), wiping_memory(), &line_and_column);
  // The parser has its buffers on the stack, and goes a frame deeper for each level.
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
