#pragma once

#include <claudio/error.hpp>

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Reading JSON without exceptions: absent, null and wrongly typed members alike are "nothing".
namespace claudio {

/// Parses one JSON document of at most 128 nested levels, in time linear in its length. A key that stands twice in an
/// object is refused: readers differ in which of the two they take (RFC 8259 4).
/// @param rounded set to true when an integer was beyond 64 bits and so lost digits
/// @param memory of the value
/// Errors: `errc::transformation`; the message names the byte offset of a syntax error.
result<boost::json::value> parse_json(std::string_view text, bool* rounded = nullptr,
                                      boost::json::storage_ptr memory = boost::json::storage_ptr());
/// The same. `values` is set to the number of values and member names of the document: memory that its size does not
/// tell.
result<boost::json::value> parse_json(std::string_view text, std::size_t& values, boost::json::storage_ptr memory);

/// Whether a text is the beginning of a JSON document, and not all of it. The empty text is.
bool is_unfinished_json(std::string_view text) noexcept;

/// `parse_json` for what people write: a fault is told by line and column. In memory that is wiped.
result<boost::json::value> parse_json_file(std::string_view text);

/// The member of that name; null when there is none. Without the library's memcmp, which on processors with AVX-512
/// takes a microsecond for a literal at the end of a page whose neighbour is not in memory.
boost::json::value const* find_value(boost::json::object const& object, std::string_view key) noexcept;
inline boost::json::value* find_value(boost::json::object& object, std::string_view key) noexcept {
  return const_cast<boost::json::value*>(find_value(std::as_const(object), key));
}
boost::json::object const* find_object(boost::json::object const& object, std::string_view key) noexcept;
boost::json::array const* find_array(boost::json::object const& object, std::string_view key) noexcept;
/// Whether two member names are the same; without memcmp, which at times takes a microsecond for this
/// (docs/performance.md, "What paid").
bool is_same_text(char const* first, char const* second, std::size_t size) noexcept;
inline bool is_key(std::string_view first, std::string_view second) noexcept {
  return first.size() == second.size() && is_same_text(first.data(), second.data(), first.size());
}
std::string_view find_string(boost::json::object const& object, std::string_view key) noexcept;
std::optional<std::int64_t> find_integer(boost::json::object const& object, std::string_view key) noexcept;
/// `find_integer`, where a counter that is absent, null or negative is 0.
std::uint64_t find_count(boost::json::object const& object, std::string_view key) noexcept;
std::uint64_t to_count(boost::json::value const& value) noexcept;

/// A JSON integer of any of Boost.JSON's number kinds, or a double without a fraction.
std::optional<std::int64_t> to_integer(boost::json::value const& value) noexcept;

/// For messages such as "expected a string, got -1": numbers and booleans as they are, of all else only the kind, since
/// a text may be a secret or a prompt.
std::string describe_value(boost::json::value const& value);

} // namespace claudio
