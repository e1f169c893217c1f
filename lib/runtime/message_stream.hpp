#pragma once

#include "async/gate.hpp"
#include "core/answer_reader.hpp"
#include "net/call_progress.hpp"
#include "net/pool.hpp"
#include "runtime/traffic.hpp"

#include <claudio/stream.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace claudio::detail {

class client_state;

/// What a running stream consists of. All of it belongs to the home executor, but for reading `so_far()` between two
/// operations.
class message_stream_state {
public:
  using event_result = result<std::optional<message_event>>;

  /// One of a client's calls.
  message_stream_state(std::shared_ptr<client_state> of, call_options const& call);
  message_stream_state(message_stream_state const&) = delete;
  message_stream_state& operator=(message_stream_state const&) = delete;
  ~message_stream_state();

  /// Begins.
  void enter(gate::place place) { place_ = std::move(place); }
  /// Takes over a response whose head has arrived. The `secrets` are kept out of its errors, and wiped with it.
  void start(session_lease lease, http_response head, std::vector<std::string> secrets);
  /// Waits for the first event, which stays to be taken. Its failure is one of the attempt: nothing was handed out yet.
  boost::asio::awaitable<result<void>> await_first();
  /// Keeps the permit of the attempt that succeeded until the stream's end.
  void hold(traffic::permit permit) { permit_ = std::move(permit); }

  static boost::asio::awaitable<event_result> next(std::shared_ptr<message_stream_state> self);
  /// The outcome of `next()` as far as it is known without waiting.
  std::optional<event_result> poll();

  /// The event that was handed out last.
  event_json& event() noexcept { return reader_.event(); }
  message_accumulator const& so_far() const noexcept { return reader_.answer(); }
  message const& response() const noexcept { return so_far().result(); }
  /// Whether it holds no session and has told its end.
  bool over() const noexcept { return !lease_ && !progress.observed.active(); }

  std::shared_ptr<client_state> const client; // with its pool, which outlives the lease
  std::shared_ptr<observer> const observer_of_call;
  boost::asio::any_io_executor const home;
  call_progress progress;

private:
  // What `poll()` waits for: more bytes, or the parsing of a large event.
  boost::asio::awaitable<result<void>> read_more();
  boost::asio::awaitable<void> parse_large();
  event_result fail(error failure);
  event_result take_event();
  error truncation() const;
  error reported_failure() const;
  void note_chunk();
  void end_body();
  void release();
  void end_opened();
  void tell_end(error const* failure);
  void end_permit();
  void wipe_secrets() noexcept;

  gate::place place_;
  traffic::permit permit_;
  session_lease lease_;
  std::vector<std::string> secrets_;
  http_response head_;
  answer_reader reader_;
  std::optional<event_result> ahead_; // of an event that was read ahead
  std::optional<error> failure_;
  stream_event told_;                        // so far
  call_progress::clock::time_point arrived_; // of the bytes that were read last
  call_progress::clock::time_point last_chunk_;
  bool opened_ = false;
};

} // namespace claudio::detail
