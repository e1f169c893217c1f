#pragma once

#include "core/block_delta.hpp"
#include "core/json_access.hpp"
#include "core/redaction.hpp"
#include "core/unicode_repair.hpp"

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

  /// Takes the next event. `text` stays valid as long as the event does. False when it is no JSON object. Text that is
  /// not valid Unicode is repaired.
  bool read(std::string_view text) {
    value_.reset();
    memory_.release();
    repaired_.reset();
    delta_ = block_delta::read(text, unescaped_);
    text_ = text;
    return delta_ || ((parse() || repair()) && read_delta());
  }
  /// The same for a large event, whose text was parsed already into that many values. With the text in which it was
  /// repaired before, if it had to be.
  bool read(std::string_view text, boost::json::value parsed, std::size_t values, std::optional<std::string> repaired) {
    value_.reset();
    delta_.reset();
    repaired_ = std::move(repaired);
    text_ = repaired_ ? *repaired_ : text;
    values_ = values;
    if (!parsed.is_object())
      return false;
    value_.emplace(std::move(parsed.get_object()));
    return read_delta();
  }

  /// The event, if it is but more text of a block.
  block_delta const* delta() const noexcept { return delta_ ? &*delta_ : nullptr; }
  std::string_view type() const noexcept { return delta_ ? block_delta::event_type : find_string(*value_, "type"); }
  /// The text that was read, after its repair.
  std::string_view text() const noexcept { return text_; }
  /// How many values and member names it has, unless it is but more text of a block.
  std::size_t values() const noexcept { return values_; }
  /// Whether U+FFFD stands in it for what is not valid Unicode.
  bool repaired() const noexcept { return repaired_.has_value(); }
  /// Whether it is an error, by its type or by a member `error`.
  bool is_error() const noexcept;
  boost::json::object const& json() {
    if (!value_)
      parse();
    return *value_;
  }
  /// Takes what a server echoes of `secrets` out of the event, unless that is but more of the content.
  void redact(secret_list secrets) {
    if (!delta_)
      redact_event(*value_, secrets);
  }

private:
  bool parse() {
    auto parsed = parse_json(text_, values_, &memory_);
    if (!parsed || !parsed->is_object())
      return false;
    value_.emplace(std::move(parsed->get_object()));
    return true;
  }
  bool repair() {
    repaired_ = repair_unicode(text_);
    if (repaired_)
      text_ = *repaired_;
    return repaired_ && parse();
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
  std::optional<std::string> repaired_;
};

/// Whether the JSON of an event, or of a whole answer, is an error.
inline bool is_error_json(boost::json::object const& json) noexcept {
  auto const* const member = find_value(json, "error");
  bool const has_error = member && (member->is_object() || (member->is_string() && !member->get_string().empty()));
  return has_error || find_string(json, "type") == "error";
}

inline bool event_json::is_error() const noexcept { return value_ && is_error_json(*value_); }

} // namespace claudio
