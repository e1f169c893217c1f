#pragma once

#include <claudio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace claudio {

/// What the library knows of a kind of error, and does about it: one row for each `errc`. Nothing else lists them.
class error_kind {
public:
  /// Judgements that hold for a kind.
  enum flag : std::uint8_t {
    transient = 1,         ///< without an HTTP status of its own: the same request may succeed a little later
    endpoint_at_fault = 2, ///< the endpoint is down or overloaded: the circuit breaker counts it
    may_fall_back = 4,     ///< another model may not meet it: it may stand in `fallbacks[].on`
    correctable = 8        ///< where nothing was sent, the caller's request or configuration is to be corrected
  };

  std::string_view name; ///< of the enumerator
  /// Anthropic's `error.type`; empty: the API has none. A type that is not in any row is a new one.
  std::string_view api_type;
  /// The response of OpenAI's API for it (translation.md, section E). An empty code is null.
  int openai_status;
  std::string_view openai_type;
  std::string_view openai_code;
  unsigned flags;              ///< of `flag`, joined by or
  void (*raise)(error const&); ///< throws the exception that `.value()` throws
  std::string_view advice;     ///< what a user may do about it: a sentence, or nothing

  constexpr bool has(flag wanted) const noexcept { return (flags & wanted) != 0; }
};

constexpr std::size_t error_kind_count = static_cast<std::size_t>(errc::storage) + 1;

/// The row of a kind; one named "unknown" for a number that is none.
error_kind const& kind_of(errc code) noexcept;

/// The kind that Anthropic calls so, or `errc::none`. The same error has the status 504 and the type `timeout_error`
/// where the API's own time was up: that is one of the server's, not of ours.
errc find_api_type(std::string_view type) noexcept;

/// A 429 that lasts until the limit is raised or the month ends (Anthropic API, rate limits).
bool is_spend_limit(error const& failure) noexcept;

} // namespace claudio
