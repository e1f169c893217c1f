#pragma once

#include "core/event_json.hpp"
#include "core/message_accumulator.hpp"
#include "core/response_error.hpp"
#include "core/sliced_json.hpp"

#include <claudio/sse.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace claudio {

/// Reads an answer for which a stream was asked from the bytes of its body, split anywhere. No I/O.
///
/// An answer that came whole, as JSON, becomes the events that it could have come as. An event is an error by its name,
/// its type or a member `error`; one without data is skipped. With `message_stop` the answer is over, whatever follows.
/// Without it the answer is cut off, also if its `stop_reason` has come: nobody knows what is missing.
class message_reader {
public:
  enum class step {
    event,  ///< see `event()`, which `answer()` has taken in
    more,   ///< bytes are needed
    large,  ///< a large document is to be parsed before anything else: see `large()`
    end,    ///< the answer is complete
    cut,    ///< the body ended before the answer did
    failed, ///< see `failure()`
  };

  /// @param limit for the bytes of one event, and of a whole answer
  explicit message_reader(std::size_t limit = sse_parser::default_limit)
      : limit_(limit), parser_(limit), answer_(limit) {}

  /// Begins another body.
  void restart();
  /// What a server may echo, and no event may show beside the content. The views stay valid as long as events are read.
  void hide(std::vector<std::string_view> secrets) { secrets_ = std::move(secrets); }
  /// As `sse_parser` has them.
  std::span<char> prepare(std::size_t n);
  void commit(std::size_t n);
  void feed(std::string_view bytes);
  /// Says that the body has ended.
  void finish();

  step next();

  bool has_large() const noexcept { return large_part_ != part::none; }
  /// The JSON text to be parsed, with pauses between its slices where others wait.
  std::string_view large() const noexcept { return large_; }
  /// What came of that.
  void take_large(sliced_json& parsed);
  /// Parses it at once.
  void parse_large();

  event_json& event() noexcept { return event_; }
  message_accumulator& answer() noexcept { return answer_; }
  message_accumulator const& answer() const noexcept { return answer_; }

  /// What `failed` is about; to be asked for before the next step.
  /// @param head of the response; its body is not looked at
  error failure(response_facts head, std::span<std::string_view const> secrets,
                std::chrono::system_clock::time_point now) const;

private:
  // What the body is, as its first byte tells: no field of an event begins with a brace.
  enum class form : std::uint8_t { unknown, events, json };

  // What a large text is.
  enum class part : std::uint8_t { none, event, input, body };

  step read_event(sse_event const& event);
  step take(bool is_json);
  void set_large(part what, std::string_view text);
  void read_json();
  void take_json(bool is_json);

  std::size_t limit_;
  sse_parser parser_;
  event_json event_;
  message_accumulator answer_;
  std::vector<std::string_view> secrets_;
  std::string json_; // the body, when it is that
  std::span<char> prepared_;
  std::string_view name_; // of the event being read
  std::string_view large_;
  std::optional<std::string> repaired_; // of the large text
  std::optional<step> ready_;           // of a large event that has been parsed
  part large_part_ = part::none;
  std::optional<error> fault_;
  form form_ = form::unknown;
  bool ended_ = false;
  bool failed_ = false;
};

} // namespace claudio
