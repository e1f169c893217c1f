#pragma once

#include <claudio/testing/fake_server.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace claudio::testing {

/// The API's rate limits: token buckets for each API key and model, full at the start, which hold the limit of one
/// minute and are refilled continuously. Pure: the time is a parameter. Exact to the microsecond.
class enforced_limits {
public:
  /// How one limited kind stands after a request.
  class state {
  public:
    state() = default;

    std::string_view name;       ///< "requests", "input-tokens" or "output-tokens", as in the headers' names
    std::uint64_t limit = 0;     ///< a minute
    std::uint64_t remaining = 0; ///< whole ones; tokens of limits from 10'000 on to the nearest thousand, like the API
    std::chrono::microseconds until_full{0};
  };

  /// What becomes of a request.
  class verdict {
  public:
    verdict() = default;

    bool admitted() const noexcept { return refused_by.empty(); }
    /// The `wait` as the header says it: in whole seconds, rounded up, at least 1.
    std::chrono::seconds retry_after() const noexcept;

    std::string_view refused_by;       ///< the name of the limit that keeps it waiting longest; empty: admitted
    std::chrono::microseconds wait{0}; ///< until the request would pass, if no other came first
    std::vector<state> states;         ///< of the kinds that are limited
  };

  /// @param pairs how many keys with a model are remembered. Beyond that the ones that are full are forgotten, which
  ///        changes nothing; where there are none, the one that would be full first.
  explicit enforced_limits(rate_limits const& options, std::size_t pairs = 1000);

  /// Admits a request where its buckets hold a request, the input tokens, and any output token at all; then takes them.
  /// Output tokens are known late and may take their bucket below zero, and so may an input that is larger than its
  /// bucket, which passes when that is full. A refusal takes nothing.
  /// @param now may not go back
  verdict admit(std::string_view key, std::string_view model, std::uint64_t input_tokens, std::uint64_t output_tokens,
                std::chrono::steady_clock::time_point now);

  /// Whether anything is limited.
  bool any() const noexcept;

  /// How many keys with a model are remembered.
  std::size_t pairs() const noexcept { return buckets_.size(); }

private:
  using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

  // Counted in shares: a limit of N a minute refills N shares a microsecond, so that nothing is ever rounded.
  class pair_buckets {
  public:
    pair_buckets() = default;

    std::array<std::int64_t, 3> missing{}; ///< shares; 0: full
    time_point refilled;
  };

  void refill(pair_buckets& pair, time_point now) const;
  std::chrono::microseconds until_full(pair_buckets const& pair) const;
  pair_buckets& find(std::string_view key, std::string_view model, time_point now);
  void forget(time_point now);

  std::array<std::optional<std::int64_t>, 3> limits_; // a minute
  std::size_t pairs_;
  std::unordered_map<std::string, pair_buckets> buckets_;
};

} // namespace claudio::testing
