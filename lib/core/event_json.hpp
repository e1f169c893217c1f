#pragma once

#include "core/block_delta.hpp"
#include "core/json_access.hpp"

#include <boost/json/monotonic_resource.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace claudio {

/// Reads the data of one stream event after another, in memory that it uses again: an event of usual size takes no
/// memory from the heap. A plain delta is not parsed as JSON unless somebody asks for that.
class event_json {
public:
  event_json() = default;
  event_json(event_json const&) = delete;
  event_json& operator=(event_json const&) = delete;

  /// Takes the next event. `text` stays valid as long as the event does. False when it is no JSON object.
  bool read(std::string_view text) {
    value_.reset();
    memory_.release();
    delta_ = block_delta::read(text, unescaped_);
    text_ = text;
    return delta_ || (parse() && read_delta());
  }
  /// The same for a large event, whose text was parsed already into that many values.
  bool read(std::string_view text, boost::json::value parsed, std::size_t values) {
    value_.reset();
    delta_.reset();
    text_ = text;
    values_ = values;
    if (!parsed.is_object())
      return false;
    value_.emplace(std::move(parsed.get_object()));
    return read_delta();
  }

  /// The event, if it is but more text of a block.
  block_delta const* delta() const noexcept { return delta_ ? &*delta_ : nullptr; }
  std::string_view type() const noexcept { return delta_ ? block_delta::event_type : find_string(*value_, "type"); }
  std::string_view text() const noexcept { return text_; }
  /// How many values and member names it has, unless it is but more text of a block.
  std::size_t values() const noexcept { return values_; }
  boost::json::object const& json() {
    if (!value_)
      parse();
    return *value_;
  }

private:
  bool parse() {
    auto parsed = parse_json(text_, values_, &memory_);
    if (!parsed || !parsed->is_object())
      return false;
    value_.emplace(std::move(parsed->get_object()));
    return true;
  }
  bool read_delta() noexcept {
    if (find_string(*value_, "type") == block_delta::event_type)
      delta_ = block_delta::of(*value_);
    return true;
  }

  unsigned char first_[4096];
  boost::json::monotonic_resource memory_{first_, sizeof first_};
  std::optional<boost::json::object> value_;
  std::optional<block_delta> delta_;
  std::string_view text_;
  std::size_t values_ = 0;
  std::string unescaped_;
};

} // namespace claudio
