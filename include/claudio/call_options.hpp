#pragma once

#include <claudio/headers.hpp>
#include <claudio/limiter.hpp>
#include <claudio/observer.hpp>
#include <claudio/retry_policy.hpp>
#include <claudio/trace.hpp>
#include <claudio/translate.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace claudio {

/// Limits on the phases of a call, each from the phase's begin. Zero switches a limit off.
class time_limits {
public:
  time_limits() = default;

  std::chrono::milliseconds connect{10'000};       ///< name resolution and TCP connect of a new session
  std::chrono::milliseconds tls{10'000};           ///< its handshake
  std::chrono::milliseconds first_byte{600'000};   ///< from sending a request to the end of the response's head
  std::chrono::milliseconds total{600'000};        ///< the whole call: waiting, all attempts and all backoffs; a stream
                                                   ///< is bound by it until its first event
  std::chrono::milliseconds between_bytes{60'000}; ///< of a stream, without any byte, not even a ping
  std::chrono::milliseconds between_content{300'000}; ///< of a stream, with nothing but pings

  bool operator==(time_limits const&) const = default;
};

/// What one call does otherwise than its client or model is configured to.
class call_options {
public:
  call_options() = default;

  /// The call fails with `errc::timeout` at this time, or earlier by `time_limits::total`.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  /// Instead of the configured limits.
  std::optional<time_limits> limits;
  /// Instead of the configured policy.
  std::optional<retry_policy> retry;
  /// For calls in OpenAI's format: what becomes of that which the model does not take. Instead of the configured mode.
  std::optional<translation_mode> translation;
  /// For calls in OpenAI's format: what becomes of instructions inside the conversation. Instead of what is configured.
  std::optional<system_placement> system_messages;
  /// Which calls wait before this one while rate limits leave no room for all.
  call_lane lane = call_lane::interactive;
  /// Added to the configured headers, replacing those of the same name. `anthropic-beta` is merged instead.
  /// Credentials among them stay with the provider of the model that is called: its fallbacks at other providers do not
  /// get them (docs/configuration.md, "Fallbacks").
  header_list headers;
  /// Is told of this call, beside the observers of its client: of its begin and end, its attempts and its waits.
  std::shared_ptr<claudio::observer> observer;
  /// The span that the call is part of; invalid: none. The call becomes a span below it, whose `traceparent` its
  /// requests carry (W3C Trace Context) and which `call_info::trace` names. Where it is invalid and `headers` have a
  /// `traceparent`, that one is sent as it is, and the call becomes a span below it if it is to be traced.
  trace_context trace;
  /// Goes with `trace`, as the `tracestate` header. One that is longer than 512 characters or has other than printable
  /// ASCII is left out: it comes from afar, and no call is to fail for it.
  std::string tracestate;

  /// Sets `deadline` to `limit` from now.
  call_options& timeout(std::chrono::nanoseconds limit) {
    auto const now = std::chrono::steady_clock::now();
    auto const latest = std::chrono::steady_clock::time_point::max();
    deadline = limit < latest - now ? now + limit : latest;
    return *this;
  }
};

} // namespace claudio
