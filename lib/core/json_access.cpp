#include "core/json_access.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>

#include <cmath>
#include <utility>

namespace claudio {
namespace json = boost::json;

result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 128;
  json::stream_parser parser({}, options);
  boost::system::error_code failure;
  std::size_t const used = parser.write_some(text.data(), text.size(), failure);
  if (!failure && used != text.size())
    failure = json::error::extra_data;
  if (!failure)
    parser.finish(failure);
  if (failure)
    return error(errc::transformation, "not valid JSON at byte " + std::to_string(used) + ": " + failure.message());
  return parser.release();
}

json::object const* find_object(json::object const& object, std::string_view key) noexcept {
  auto const* value = object.if_contains(key);
  return value ? value->if_object() : nullptr;
}

json::array const* find_array(json::object const& object, std::string_view key) noexcept {
  auto const* value = object.if_contains(key);
  return value ? value->if_array() : nullptr;
}

std::string_view find_string(json::object const& object, std::string_view key) noexcept {
  auto const* value = object.if_contains(key);
  auto const* text = value ? value->if_string() : nullptr;
  return text ? std::string_view(*text) : std::string_view();
}

std::optional<std::int64_t> find_integer(json::object const& object, std::string_view key) noexcept {
  auto const* value = object.if_contains(key);
  return value ? to_integer(*value) : std::nullopt;
}

std::uint64_t find_count(json::object const& object, std::string_view key) noexcept {
  auto const count = find_integer(object, key);
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
  default:
    return json::serialize(value);
  }
}

} // namespace claudio
