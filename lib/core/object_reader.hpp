#pragma once

#include <claudio/error.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// Reads the fields of one JSON object of a configuration and notes the first fault, by path:
/// `providers[0].provider_config.retry.max_retries: expected an integer ≥ 0, got -1`.
/// A field that is absent leaves its target as it was. After a fault nothing more is read.
class object_reader {
public:
  object_reader(boost::json::object const& object, std::string path);

  void string(std::string_view field, std::string& target);
  void required_string(std::string_view field, std::string& target);
  void boolean(std::string_view field, bool& target);
  void milliseconds(std::string_view field, std::chrono::milliseconds& target);
  /// The integer if the field is there and at least `least`.
  std::optional<std::int64_t> integer(std::string_view field, std::int64_t least);
  /// A number above 0, at most 1.
  void share(std::string_view field, double& target);
  /// The members, or null when the field is absent or faulty.
  boost::json::object const* object(std::string_view field);
  boost::json::array const* array(std::string_view field);

  /// Declares fields that are read by other means.
  void known(std::initializer_list<std::string_view> fields);

  /// Notes that a required field is missing. A field that nobody asked for counts more, since it may be that one,
  /// mistyped.
  void missing(std::string_view field, std::string const& expected);
  /// Notes a fault in a field, or, with an empty name, in the object itself.
  void fail(std::string_view field, std::string const& message);
  /// Takes over the fault of a part.
  void fail(error const& fault);
  bool failed() const noexcept { return fault_ || missing_; }

  /// The first fault; if there was none, a field that nobody asked for is one, and then a field that is missing.
  result<void> finish();

  std::string path_of(std::string_view field) const;

private:
  boost::json::value const* find(std::string_view field);
  void expected(std::string_view field, std::string const& what, boost::json::value const& got);

  boost::json::object const& object_;
  std::string path_;
  std::vector<std::string> known_;
  std::optional<error> fault_;
  std::optional<error> missing_;
};

/// A configuration fault: the message is "path: message", and the path stands in `param()`.
error configuration_fault(std::string path, std::string const& message, errc code = errc::configuration);

} // namespace claudio
