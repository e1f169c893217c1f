#pragma once

#include <claudio/error.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>
#include <boost/system/errc.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace claudio {

/// For Boost.JSON's `basic_parser`: builds the value as Boost.JSON's own parser does, and notices what that one lets
/// pass.
class document_handler {
  using string_view = boost::json::string_view;
  using error_code = boost::system::error_code;

public:
  static constexpr std::size_t max_object_size = boost::json::object::max_size();
  static constexpr std::size_t max_array_size = boost::json::array::max_size();
  static constexpr std::size_t max_key_size = boost::json::string::max_size();
  static constexpr std::size_t max_string_size = boost::json::string::max_size();

  /// With at most 128 nested levels.
  static boost::json::parse_options options() noexcept {
    boost::json::parse_options made;
    made.max_depth = 128;
    return made;
  }

  /// @param memory of the value
  /// @param temporary memory, behind the buffer, for what is not put together yet
  /// @param most_values and member names that a document may have; one that has more fails as `value_too_large`
  document_handler(boost::json::storage_ptr memory, unsigned char* buffer, std::size_t size,
                   boost::json::storage_ptr temporary = boost::json::storage_ptr(),
                   std::size_t most_values = std::numeric_limits<std::size_t>::max())
      : most_values_(most_values), values_(std::move(temporary), buffer, size) {
    values_.reset(std::move(memory));
  }

  /// The value of a document that was parsed to its end.
  /// Errors: `errc::transformation` where a key stands twice in an object.
  result<boost::json::value> take() {
    auto value = values_.release();
    // The value keeps the last of several equal keys, so that it has fewer members than were read.
    if (members_ != count_members(value))
      return error(errc::transformation, "not valid JSON: a key stands twice in the same object");
    return value;
  }

  std::size_t count = 0; ///< values and member names so far
  bool rounded = false;  ///< whether an integer was beyond 64 bits and so lost digits

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t n, error_code& failure) {
    members_ += n;
    values_.push_object(n);
    return counts(failure);
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code& failure) {
    values_.push_array(n);
    return counts(failure);
  }
  bool on_key_part(string_view part, std::size_t, error_code&) {
    values_.push_chars(part);
    return true;
  }
  bool on_key(string_view part, std::size_t, error_code& failure) {
    values_.push_key(part);
    return counts(failure);
  }
  bool on_string_part(string_view part, std::size_t, error_code&) {
    values_.push_chars(part);
    return true;
  }
  bool on_string(string_view part, std::size_t, error_code& failure) {
    values_.push_string(part);
    return counts(failure);
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, string_view, error_code& failure) {
    values_.push_int64(number);
    return counts(failure);
  }
  bool on_uint64(std::uint64_t number, string_view, error_code& failure) {
    values_.push_uint64(number);
    return counts(failure);
  }
  bool on_double(double number, string_view digits, error_code& failure) {
    // Boost.JSON 1.81 makes infinity of 1e999, and no number of 0e999; neither can be written as JSON again.
    if (std::isinf(number)) {
      failure = boost::json::error::exponent_overflow;
      return false;
    }
    if (std::isnan(number))
      number = 0;
    rounded = rounded || digits.find_first_of(".eE") == string_view::npos;
    values_.push_double(number);
    return counts(failure);
  }
  bool on_bool(bool value, error_code& failure) {
    values_.push_bool(value);
    return counts(failure);
  }
  bool on_null(error_code& failure) {
    values_.push_null();
    return counts(failure);
  }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

private:
  bool counts(error_code& failure) {
    if (++count <= most_values_)
      return true;
    failure = make_error_code(boost::system::errc::value_too_large);
    return false;
  }

  static std::size_t count_members(boost::json::value const& value) {
    std::size_t found = 0;
    if (auto const* object = value.if_object()) {
      found = object->size();
      for (auto const& member : *object)
        if (member.value().is_structured())
          found += count_members(member.value());
    } else if (auto const* array = value.if_array()) {
      for (auto const& item : *array)
        if (item.is_structured())
          found += count_members(item);
    }
    return found;
  }

  std::size_t const most_values_;
  boost::json::value_stack values_;
  std::size_t members_ = 0;
};

} // namespace claudio
