#include "core/object_reader.hpp"

#include "core/json_access.hpp"

#include <claudio/models.hpp>

#include <algorithm>
#include <limits>

namespace claudio {
namespace json = boost::json;

object_reader::object_reader(json::object const& object, std::string path) : object_(object), path_(std::move(path)) {}

std::string object_reader::path_of(std::string_view field) const {
  if (field.empty())
    return path_;
  return path_.empty() ? std::string(field) : path_ + "." + std::string(field);
}

json::value const* object_reader::find(std::string_view field) {
  known_.emplace_back(field);
  return failed() ? nullptr : find_value(object_, field);
}

void object_reader::known(std::initializer_list<std::string_view> fields) {
  for (auto const field : fields)
    known_.emplace_back(field);
}

void object_reader::missing(std::string_view field, std::string const& expected) {
  known({field});
  if (!failed())
    missing_ = configuration_fault(path_of(field), "missing; expected " + expected);
}

void object_reader::fail(std::string_view field, std::string const& message) {
  if (!failed())
    fault_ = configuration_fault(path_of(field), message);
}

void object_reader::fail(error const& fault) {
  if (!failed())
    fault_ = fault;
}

void object_reader::expected(std::string_view field, std::string const& what, json::value const& got) {
  fail(field, "expected " + what + ", got " + describe_value(got));
}

void object_reader::string(std::string_view field, std::string& target) {
  auto const* value = find(field);
  if (!value)
    return;
  if (!value->is_string() || value->get_string().empty())
    return expected(field, "a non-empty string", *value);
  target = std::string(value->get_string());
}

void object_reader::required_string(std::string_view field, std::string& target) {
  if (!object_.contains(field))
    missing(field, "a non-empty string");
  string(field, target);
}

void object_reader::boolean(std::string_view field, bool& target) {
  auto const* value = find(field);
  if (!value)
    return;
  if (!value->is_bool())
    return expected(field, "true or false", *value);
  target = value->get_bool();
}

std::optional<std::int64_t> object_reader::integer(std::string_view field, std::int64_t least) {
  auto const* value = find(field);
  if (!value)
    return std::nullopt;
  auto const number = to_integer(*value);
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (!number || *number < least || *number > most) {
    bool const too_much = number && *number > most;
    expected(field, too_much ? "an integer ≤ " + std::to_string(most) : "an integer ≥ " + std::to_string(least),
             *value);
    return std::nullopt;
  }
  return number;
}

void object_reader::milliseconds(std::string_view field, std::chrono::milliseconds& target) {
  if (auto const number = integer(field, 0))
    target = std::chrono::milliseconds(*number);
}

void object_reader::share(std::string_view field, double& target) {
  auto const* value = find(field);
  if (!value)
    return;
  double const number = value->is_number() ? value->to_number<double>() : 0;
  if (!(number > 0 && number <= 1))
    return expected(field, "a number above 0, at most 1", *value);
  target = number;
}

json::object const* object_reader::object(std::string_view field) {
  auto const* value = find(field);
  if (value && !value->is_object())
    expected(field, "an object", *value);
  return value ? value->if_object() : nullptr;
}

json::array const* object_reader::array(std::string_view field) {
  auto const* value = find(field);
  if (value && !value->is_array())
    expected(field, "an array", *value);
  return value ? value->if_array() : nullptr;
}

result<void> object_reader::finish() {
  for (auto const& [key, value] : object_) {
    std::string const name = key;
    if (fault_ || std::find(known_.begin(), known_.end(), name) != known_.end())
      continue;
    auto const near = nearest_name(name, known_);
    fault_ = configuration_fault(path_of(name), near ? "unknown field; did you mean \"" + *near + "\"?"
                                                     : std::string("unknown field"));
  }
  if (fault_)
    return *fault_;
  if (missing_)
    return *missing_;
  return {};
}

error configuration_fault(std::string path, std::string const& message, errc code) {
  error_details details;
  details.message = path.empty() ? message : path + ": " + message;
  details.param = std::move(path);
  return error(code, 0, std::move(details));
}

} // namespace claudio
