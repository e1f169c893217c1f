#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace claudio {

/// What the API limits for each minute. Their limits are told by headers of these names (Anthropic API, rate limits).
enum class rate_limit_kind : unsigned char { requests, input_tokens, output_tokens };
inline constexpr std::size_t rate_limit_kinds = 3;

/// What an answer says of one limit.
class server_limit {
public:
  server_limit() = default;

  double limit = 0;     ///< a minute
  double remaining = 0; ///< tokens are rounded to the next thousand
};

/// The `anthropic-ratelimit-*` headers of an answer. Views into the answer.
class rate_limit_headers {
public:
  /// Takes note of a header if it is one of them. `name` in lower case.
  void read(std::string_view name, std::string_view value) noexcept;
  /// The answer's own time (RFC 9110 6.6.1).
  void date(std::string_view text) noexcept { date_ = text; }

  /// Nothing when it was not told, or makes no sense.
  std::optional<server_limit> find(rate_limit_kind kind) const noexcept;

  /// How long until the limit is whole again, from `…-reset` and the answer's own `date`, so that a clock of ours which
  /// is wrong does no harm; nothing when either is missing.
  std::optional<std::chrono::seconds> time_to_reset(rate_limit_kind kind) const noexcept;

private:
  struct texts {
    std::string_view limit;
    std::string_view remaining;
    std::string_view reset;
  };

  std::array<texts, rate_limit_kinds> kinds_;
  std::string_view date_;
};

} // namespace claudio
