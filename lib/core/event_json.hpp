#pragma once

#include "core/json_access.hpp"

#include <boost/json/monotonic_resource.hpp>

#include <optional>
#include <string_view>

namespace claudio {

/// Parses the data of one stream event after another, in memory that it uses again: an event of usual size takes no
/// memory from the heap.
class event_json {
public:
  event_json() = default;
  event_json(event_json const&) = delete;
  event_json& operator=(event_json const&) = delete;

  /// The event's object; valid until the next one is parsed. Null when the text is no JSON object.
  boost::json::object const* parse(std::string_view text) {
    value_.reset();
    memory_.release();
    auto parsed = parse_json(text, nullptr, &memory_);
    if (!parsed || !parsed->is_object())
      return nullptr;
    value_.emplace(std::move(parsed->get_object()));
    return &*value_;
  }

private:
  unsigned char first_[4096];
  boost::json::monotonic_resource memory_{first_, sizeof first_};
  std::optional<boost::json::object> value_;
};

} // namespace claudio
