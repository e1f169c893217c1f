#pragma once

#include "core/block_delta.hpp"
#include "core/event_json.hpp"

#include <claudio/error.hpp>
#include <claudio/message.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace claudio {

/// Puts a message together out of the events of its stream. What it does not know is kept: unknown blocks as they came,
/// the members of unknown deltas in the block they belong to.
///
/// Events find their block by `index`, so that blocks may interleave, start in any order, leave gaps, and stop late or
/// never. An index that starts again is another block, to which the events from then on belong; both are kept, since
/// Anthropic's API has numbered two blocks of an answer alike. All else that does not fit is an error, lest a part of
/// an answer gets lost without a word.
class message_accumulator {
public:
  /// How many blocks an answer may have, and what their indexes have to be below: more than any answer has, and a peer
  /// must not decide how much memory it takes.
  static constexpr std::size_t most_blocks = 10'000;

  static constexpr std::string_view repair_warning =
      "the answer has text that is not valid Unicode; U+FFFD stands in its place";

  /// A block that has started.
  class block {
  public:
    enum class kind : std::uint8_t {
      text,
      thinking,
      tool,
      whole, ///< comes without deltas
      other  ///< an unknown one, which any delta fits
    };

    std::size_t index = 0;  ///< of its events
    std::size_t number = 0; ///< among all blocks, in the order in which they started
    kind of = kind::other;
    bool open = true;
    std::string input;       ///< the JSON text of a tool's input, while it is open
    std::size_t text_at = 0; ///< where the member that deltas go on may be in the block's JSON
  };

  /// @param limit for the bytes of what all events together leave here
  explicit message_accumulator(std::size_t limit = 32 * 1024 * 1024) : limit_(limit) {}

  /// Takes in one event. Errors: `errc::protocol` when the event does not fit what came before; the message names it
  /// and its index. Or there would be more than the limit, or more values than `sliced_json::most_values`.
  claudio::result<void> apply(event_json& event);

  /// The JSON text of the input that this event ends; empty when it ends none. So that a large one can be parsed
  /// before, in slices.
  std::string_view ending_input(event_json& event) noexcept;
  /// Ends it with what it was parsed to.
  void end_input(event_json& event, claudio::result<boost::json::value> parsed, std::size_t values, bool repaired);

  /// Lifts the limit of bytes: the events were made of a body that was bounded already, and are longer than it.
  void lift_limit() noexcept { limit_ = std::numeric_limits<std::size_t>::max(); }

  bool started() const noexcept { return started_; }
  /// Whether `message_stop` has come.
  bool complete() const noexcept { return complete_; }
  /// Whether U+FFFD stands in the answer for what is not valid Unicode.
  bool repaired() const noexcept { return repaired_; }
  void note_repair() noexcept { repaired_ = true; }

  /// What has arrived, tool inputs included as far as they are whole.
  message const& result() const noexcept { return message_; }
  void info(call_info info) { message_.info(std::move(info)); }

  /// The blocks, in the order of the message's content: by index, then by start.
  std::vector<block> const& blocks() const noexcept { return blocks_; }
  /// The place among them of the block that the last event belonged to, if it belonged to one.
  std::size_t place() const noexcept { return place_; }

private:
  claudio::result<void> apply(boost::json::object const& event);
  claudio::result<void> apply(block_delta const& delta);
  boost::json::object& json() noexcept;
  boost::json::array& content() noexcept;
  // The block that events of this index belong to; null: none has started.
  block* find_block(std::size_t index) noexcept;
  claudio::result<void> start_message(boost::json::object const& event);
  claudio::result<void> start_block(boost::json::object const& event);
  claudio::result<void> apply_delta(boost::json::object const& event);
  claudio::result<void> stop_block(boost::json::object const& event);
  void close_block(std::size_t place);
  block* find_ending(event_json& event) noexcept;
  void set_input(std::size_t place, claudio::result<boost::json::value> parsed, std::size_t values);
  void apply_message_delta(boost::json::object const& event);
  void stop_message();

  claudio::result<void> admit(event_json const& event);

  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::size_t values_ = 0;
  message message_;
  std::vector<block> blocks_;
  std::size_t place_ = 0;
  std::size_t content_at_ = 0; // the place of "content" in the message's JSON, of which nothing is ever taken out
  bool started_ = false;
  bool complete_ = false;
  bool repaired_ = false;
};

} // namespace claudio
