#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace claudio {

/// How long an answer of so many tokens takes at the pace that Anthropic's SDKs reckon with: 128,000 tokens an hour.
/// They refuse to wait for whole answers of more than ten minutes.
constexpr std::chrono::milliseconds answer_time(std::int64_t tokens) noexcept {
  constexpr std::int64_t most = 1'000'000'000; // far above any model's, and no overflow
  return std::chrono::milliseconds((tokens < most ? tokens : most) * 3'600'000 / 128'000);
}

/// How long a call may wait for a whole answer, and what says so.
class answer_limit {
public:
  std::chrono::milliseconds time = std::chrono::milliseconds::max();
  std::string_view name; ///< static text

  /// Takes a limit into account; 0 is none.
  constexpr void add(std::chrono::milliseconds limit, std::string_view limit_name) noexcept {
    if (limit.count() <= 0 || limit >= time)
      return;
    time = limit;
    name = limit_name;
  }
};

} // namespace claudio
