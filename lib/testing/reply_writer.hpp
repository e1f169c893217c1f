#pragma once

#include "testing/messages_api.hpp"

#include <claudio/testing/fake_server.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace claudio::testing {

/// Turns a reply into bytes, piece by piece, and into what happens after them. Pure.
class reply_writer {
public:
  enum class ending : std::uint8_t { keep, close, reset, stall };

  /// What leaves in one write, after a pause.
  class piece {
  public:
    piece() = default;

    std::string bytes;
    std::chrono::milliseconds pause{0};
  };

  /// @param number of the request, which makes the ids
  /// @param date when the response is made
  reply_writer(reply const& made, received_request const& request, std::uint64_t number, std::chrono::sys_seconds date);

  /// The next bytes to send; nothing: that was all.
  std::optional<piece> next();
  ending then() const noexcept { return ending_; }
  bool streams() const noexcept { return !events_.empty(); }

  /// The answer that a reply makes to a request; nothing: the reply is no answer.
  static std::optional<answer> answer_of(reply const& made, received_request const& request, std::uint64_t number);
  /// See `reply_text`.
  static std::string text(reply const& made, received_request const& request);

private:
  static bool answers(reply const& made) noexcept { return made.status_ == 200 && !made.body_; }
  static answer make_answer(reply const& made, received_request const& request, boost::json::object const& asked,
                            std::uint64_t number);
  void set_body(reply const& made, std::string const& body);
  void set_stream(reply const& made, answer const& said);
  void apply_fault(reply const& made, std::uint64_t head_size, std::uint64_t body_size);
  void append_events(piece& made);

  std::uint64_t number_;
  std::chrono::sys_seconds date_;
  std::string first_; // all, or a stream's head
  std::vector<stream_event> events_;
  std::size_t event_ = 0;        // the index of the next one
  std::uint64_t repetition_ = 0; // how often that one was sent
  bool over_ = false;            // the chunk that ends a stream was made
  bool piece_per_event_ = false;
  std::chrono::milliseconds delay_{0};
  std::chrono::milliseconds pace_{0};
  ending ending_ = ending::keep;
  std::uint64_t left_ = std::numeric_limits<std::uint64_t>::max(); // bytes until the fault
};

} // namespace claudio::testing
