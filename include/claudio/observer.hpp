#pragma once

#include <claudio/call_info.hpp>
#include <claudio/error.hpp>
#include <claudio/message.hpp>
#include <claudio/retry_policy.hpp>
#include <claudio/trace.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// The endpoint that an event is about; lives as long as its client.
class endpoint_info {
public:
  endpoint_info() = default;

  std::string provider;       ///< its name in the configuration; of a client of its own "host:port"
  std::string server_address; ///< the host, also behind a proxy
  std::uint16_t server_port = 0;
};

/// What all events of one call have in common.
class observed_call {
public:
  observed_call() = default;

  endpoint_info const* endpoint = nullptr; ///< never null
  std::uint64_t number = 0;                ///< tells the calls of this process apart
  std::string_view model;                  ///< as it was asked for; "" when the request names none
  bool streams = false;
  std::chrono::steady_clock::time_point begun;
  trace_span const* trace = nullptr; ///< null: nobody traces it
};

/// A call has ended: one by its answer or error, a stream by its last event, its failure, or its being dropped.
class call_event {
public:
  call_event() = default;

  observed_call const* call = nullptr; ///< never null
  call_info const* info = nullptr;     ///< never null: attempts, times, cost, request id, served model
  error const* failure = nullptr;      ///< null: the answer is there
  message const* answer = nullptr;     ///< null without one. It holds contents: look at `usage()` and `stop_reason()`
};

/// An attempt of a call has ended; a stream's with its first event.
class attempt_event {
public:
  attempt_event() = default;

  observed_call const* call = nullptr;   ///< never null
  attempt_info const* attempt = nullptr; ///< never null: number, failure, whether and when it is tried again
  /// When it had its turn; nothing: it came to none, and nothing was sent.
  std::optional<std::chrono::steady_clock::time_point> begun;
};

/// Durations, counted by the boundaries that OpenTelemetry prescribes for GenAI clients.
class duration_counts {
public:
  duration_counts() = default;

  /// In nanoseconds. A duration is counted at the first boundary that it does not exceed.
  static constexpr std::array<std::int64_t, 14> bounds{
      10'000'000,    20'000'000,    40'000'000,    80'000'000,     160'000'000,    320'000'000,    640'000'000,
      1'280'000'000, 2'560'000'000, 5'120'000'000, 10'240'000'000, 20'480'000'000, 40'960'000'000, 81'920'000'000};

  std::array<std::uint32_t, bounds.size() + 1> counts{}; ///< the last one: longer than all boundaries
  std::chrono::nanoseconds sum{0};

  void add(std::chrono::nanoseconds duration, std::uint32_t times = 1) noexcept {
    std::size_t i = 0;
    while (i < bounds.size() && duration.count() > bounds[i])
      ++i;
    counts[i] += times;
    sum += duration * times;
  }
};

/// A stream is over, told before its call is.
class stream_event {
public:
  stream_event() = default;

  observed_call const* call = nullptr; ///< never null
  std::string_view served_by;          ///< the model, as the server names it
  /// From the call's begin to the first piece of an answer (`content_block_delta`); nothing: there was none.
  std::optional<std::chrono::nanoseconds> first_chunk;
  std::uint64_t chunks = 0;  ///< pieces of the answer
  duration_counts intervals; ///< between two pieces; those that arrived together have none between them
};

/// Why a call waited before it was sent.
enum class wait_reason : std::uint8_t {
  pacing,   ///< for its turn under the rate limits
  session,  ///< for a session of the pool (`pool.max_sessions`)
  handshake ///< to shake hands (`pool.max_handshakes`)
};

/// A wait has ended.
class wait_event {
public:
  wait_event() = default;

  endpoint_info const* endpoint = nullptr; ///< never null
  std::uint64_t call = 0;                  ///< the call's number
  wait_reason reason = wait_reason::pacing;
  std::chrono::nanoseconds duration{0};
  bool granted = false; ///< else the call gave up, or was refused
};

/// How a session's TLS began.
enum class handshake : std::uint8_t { none, full, resumed };
std::string_view to_string(handshake kind) noexcept;

/// Why a session ended.
enum class session_end : std::uint8_t {
  idle_timeout, ///< nobody needed it (`pool.idle_timeout_ms`)
  surplus,      ///< enough are idle (`pool.max_idle`)
  spent,        ///< `pool.max_age_ms` or `pool.max_requests`
  peer_closed,  ///< the peer closed it while it was idle
  not_kept,     ///< the peer's answer said that it closes it
  broken,       ///< it failed, or its call was cancelled or gave up
  shut_down     ///< its client was drained, or went
};
std::string_view to_string(session_end reason) noexcept;

/// A session was opened or closed.
class session_event {
public:
  session_event() = default;

  endpoint_info const* endpoint = nullptr; ///< never null
  claudio::handshake handshake = claudio::handshake::none;
  session_end end = session_end::idle_timeout; ///< of one that was closed
  std::size_t requests = 0;                    ///< that it has carried to their end
  std::chrono::nanoseconds age{0};             ///< of one that was closed
};

/// Sessions and callers of a pool.
class pool_level {
public:
  pool_level() = default;

  std::size_t open = 0;    ///< in use, idle or being opened
  std::size_t idle = 0;    ///< of these, free for the next call
  std::size_t waiting = 0; ///< callers that wait for one

  bool operator==(pool_level const&) const = default;
};

/// Sessions of a pool were taken, given back, opened or closed.
class pool_event {
public:
  pool_event() = default;

  endpoint_info const* endpoint = nullptr; ///< never null
  pool_level before;
  pool_level now;
};

/// Where one rate limit stands.
class limit_level {
public:
  limit_level() = default;

  double per_minute = 0; ///< 0: no limit is kept
  double left = 0;       ///< what may be used now, by all that is known
};

/// An attempt's answer has corrected what is left of the rate limits. Only where limits are kept.
class pacing_event {
public:
  pacing_event() = default;

  endpoint_info const* endpoint = nullptr; ///< never null
  std::string_view model;
  std::size_t key = 0;               ///< which of the provider's keys, from 0
  std::array<limit_level, 3> limits; ///< requests, input tokens, output tokens
  std::array<double, 3> reserved{};  ///< what the attempt was thought to use
  std::optional<message_usage> used; ///< what it did use, where that is known
};

enum class breaker_state : std::uint8_t { closed, open, half_open };

/// A circuit breaker opened or closed.
class breaker_event {
public:
  breaker_event() = default;

  endpoint_info const* endpoint = nullptr; ///< never null
  breaker_state state = breaker_state::closed;
  std::chrono::nanoseconds open_for{0}; ///< how long nothing is sent; then probes are
  error const* failure = nullptr;       ///< the last one, when it opened
  bool gone = false;                    ///< it was open, and its client has gone
};

/// An API key was set aside, or works again.
class key_event {
public:
  key_event() = default;

  endpoint_info const* endpoint = nullptr; ///< never null
  std::size_t key = 0;                     ///< which of the provider's keys, from 0
  error const* failure = nullptr;          ///< why it was set aside; null: it works again, or its client has gone
  bool gone = false;                       ///< its client has gone
};

/// A model was given up for the next of its fallbacks.
class fallback_event {
public:
  fallback_event() = default;

  endpoint_info const* endpoint = nullptr; ///< of the model that failed; never null
  std::string_view failed;                 ///< the model that failed
  std::string_view next;                   ///< the model that is asked instead
  error const* failure = nullptr;          ///< never null
};

/// Is told what calls and their endpoint do. Metrics, logs and traces are observers; so may be whatever else wants to
/// know.
///
///     class slow_calls : public observer {
///       void call_ended(call_event const& event) noexcept override {
///         if (event.info->total > 10s) …
///       }
///     };
///     model_manager manager(executor, config, serial, std::make_shared<slow_calls>());
///
/// Events refer to what exists only while they are told; copy what is to be kept. None holds a key; a message's
/// `answer` and an error's `message()` may hold what was said.
/// Executor: called on the home executor of the client, in the middle of its work: do not block, and start calls from
/// elsewhere. Thread safety: an observer of several clients is called from as many threads as their homes run on.
class observer {
public:
  virtual ~observer() = default;

  /// Whether calls are to be given a span even where the caller did not name a trace.
  virtual bool wants_traces() const noexcept { return false; }

  virtual void call_begun(observed_call const&) noexcept {}
  virtual void call_ended(call_event const&) noexcept {}
  virtual void attempt_ended(attempt_event const&) noexcept {}
  virtual void stream_ended(stream_event const&) noexcept {}
  virtual void waited(wait_event const&) noexcept {}
  virtual void session_opened(session_event const&) noexcept {}
  virtual void session_closed(session_event const&) noexcept {}
  virtual void pool_changed(pool_event const&) noexcept {}
  virtual void pacing_changed(pacing_event const&) noexcept {}
  virtual void breaker_changed(breaker_event const&) noexcept {}
  virtual void key_changed(key_event const&) noexcept {}
  virtual void fell_back(fallback_event const&) noexcept {}
};

/// One that tells all of these, in this order.
std::shared_ptr<observer> observe_with(std::vector<std::shared_ptr<observer>> observers);

} // namespace claudio
