#pragma once

#include <claudio/error.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace claudio {

/// A place in a distributed trace (W3C Trace Context, version 00).
///
///     if (auto const caller = trace_context::parse(request["traceparent"]))
///       options.trace = *caller;
///
class trace_context {
public:
  trace_context() = default;

  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::uint8_t flags = 0; ///< bit 0: sampled, so that spans are worth keeping

  /// Whether it names a trace and a span; ids of zeros only do not.
  bool valid() const noexcept;
  bool sampled() const noexcept { return (flags & 1) != 0; }

  /// Reads the value of a `traceparent` header; of a later version the part that is known.
  /// Errors: `errc::invalid_request` for what is none.
  static result<trace_context> parse(std::string_view traceparent);
  /// The value of a `traceparent` header: "00-<trace id>-<span id>-<flags>".
  std::string to_string() const;

  /// A new span in the same trace, sampled if this one is; of an invalid context, the first span of a new, sampled
  /// trace. The ids are random numbers, not secrets.
  trace_context child() const;

  bool operator==(trace_context const&) const = default;
};

/// The span of one call.
class trace_span {
public:
  trace_span() = default;

  trace_context context; ///< what the call's requests carry as `traceparent`, unless its headers have one of their own
  trace_context parent;  ///< what the caller named; invalid: nothing
};

} // namespace claudio
