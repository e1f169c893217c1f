#pragma once

#include "core/block_delta.hpp"
#include "core/event_json.hpp"

#include <claudio/message.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace claudio {

/// Puts a message together out of the events of its stream. What it does not know is kept: unknown blocks as they came,
/// the members of unknown deltas in the block they belong to.
class message_accumulator {
public:
  /// @param limit for the bytes of what all events together leave here
  explicit message_accumulator(std::size_t limit = 32 * 1024 * 1024) : limit_(limit) {}

  /// Takes in one event. False, and without effect: there would be more than the limit, or more values than
  /// `sliced_json::most_values`.
  bool apply(event_json& event);
  /// Why it returned false.
  error overflow() const;

  /// The JSON text of the input that this event ends; empty when it ends none. So that a large one can be parsed
  /// before, in slices.
  std::string_view ending_input(event_json& event) noexcept;
  /// Ends it with what it was parsed to.
  void end_input(boost::json::object const& event, claudio::result<boost::json::value> parsed, std::size_t values);

  bool started() const noexcept { return started_; }
  /// Whether `message_stop` has come.
  bool complete() const noexcept { return complete_; }

  /// What has arrived, tool inputs included as far as they are whole.
  message const& result() const noexcept { return message_; }
  void info(call_info info) { message_.info(std::move(info)); }
  /// A block by the `index` of its events; null when there is none.
  boost::json::object const* block(std::size_t index) const noexcept;

private:
  void apply(boost::json::object const& event);
  void apply(block_delta const& delta);
  boost::json::object& json() noexcept;
  boost::json::object* find_block(std::size_t index) noexcept;
  boost::json::object* find_block(boost::json::object const& event) noexcept;
  std::string* find_input(boost::json::object const& event) noexcept;
  void start_message(boost::json::object const& event);
  void start_block(boost::json::object const& event);
  void apply_delta(boost::json::object const& event);
  void stop_block(boost::json::object const& event);
  void apply_message_delta(boost::json::object const& event);

  bool fits(event_json const& event) noexcept;

  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::size_t values_ = 0;
  message message_;
  std::vector<std::string> inputs_; // the JSON text of tool inputs, by block
  bool started_ = false;
  bool complete_ = false;
};

} // namespace claudio
