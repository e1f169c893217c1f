#pragma once

#include <claudio/cost.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace claudio {

class trace_span;

/// What became of one call: how often it was tried and where its time went.
///
/// It stands beside every answer (`chat_response::info()`, `message::info()`) and every error (`error::info()`).
/// The durations add up over all attempts of the call, and over all models that it went to.
class call_info {
public:
  call_info() = default;
  /// That of no call.
  static call_info const& none() noexcept;

  /// Adds what the same call did before, at another model: numbers and times. The request id stays, if there is one.
  void add(call_info const& earlier);

  /// Attempts begun, the first one included. Zero when the call failed before anything was sent.
  unsigned attempts = 0;
  /// How often a request was sent again on a fresh session because a kept-alive one had died under it (RFC 9112 9.3.1).
  unsigned replays = 0;
  /// How often another API key was taken because the server refused one, within an attempt.
  unsigned key_changes = 0;
  /// Retries that took a token of the client's retry budget.
  unsigned budget_used = 0;
  /// How many models were given up for the next of their fallbacks.
  unsigned fallbacks = 0;
  /// The `request-id` header of the last answer; give it to Anthropic's support.
  std::string request_id;
  /// The model that served the call, as the server names it.
  std::string served_model;
  /// What the answer cost by the provider's price table; nothing: there is none, or its price is unknown.
  std::optional<claudio::cost> cost;
  /// The call's span; null when nobody traced it.
  std::shared_ptr<trace_span const> trace;

  /// From the call's first step to its end.
  std::chrono::nanoseconds total{0};
  /// Waiting for a turn under the rate limits.
  std::chrono::nanoseconds pacing{0};
  /// Waiting until the pool had a session, or a place and a turn to open one.
  std::chrono::nanoseconds session_wait{0};
  /// Name resolution and TCP connect of new sessions.
  std::chrono::nanoseconds connect{0};
  /// TLS handshakes of new sessions.
  std::chrono::nanoseconds tls{0};
  /// From sending a request to the end of its response's head.
  std::chrono::nanoseconds first_byte{0};
  /// Reading response bodies.
  std::chrono::nanoseconds body{0};
  /// Waiting between attempts.
  std::chrono::nanoseconds backoff{0};
};

/// Where a call's time went, in words: "0.3 s for a session, 1.2 s waiting for the answer, 2 tries, 1.1 s of backoff".
/// Parts that took no millisecond are left out; empty when none is left.
std::string describe(call_info const& info);

} // namespace claudio
