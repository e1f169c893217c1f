#include "core/rate_limit_headers.hpp"

#include "core/wire_time.hpp"

#include <cstdint>

namespace claudio {
namespace {

constexpr std::array<std::string_view, rate_limit_kinds> names{"requests-", "input-tokens-", "output-tokens-"};

std::optional<double> parse_count(std::string_view text) noexcept {
  constexpr std::size_t most_digits = 18;
  if (text.empty() || text.size() > most_digits)
    return std::nullopt;
  std::uint64_t count = 0;
  for (char const digit : text) {
    if (digit < '0' || digit > '9')
      return std::nullopt;
    count = count * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return static_cast<double>(count);
}

} // namespace

void rate_limit_headers::read(std::string_view name, std::string_view value) noexcept {
  constexpr std::string_view prefix = "anthropic-ratelimit-";
  if (!name.starts_with(prefix))
    return;
  name.remove_prefix(prefix.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!name.starts_with(names[i]))
      continue;
    auto const what = name.substr(names[i].size());
    if (what == "limit")
      kinds_[i].limit = value;
    else if (what == "remaining")
      kinds_[i].remaining = value;
    else if (what == "reset")
      kinds_[i].reset = value;
  }
}

std::optional<server_limit> rate_limit_headers::find(rate_limit_kind kind) const noexcept {
  auto const& told = kinds_[static_cast<std::size_t>(kind)];
  auto const limit = parse_count(told.limit);
  auto const remaining = parse_count(told.remaining);
  if (!limit || !remaining || *limit < 1)
    return std::nullopt;
  server_limit found;
  found.limit = *limit;
  found.remaining = *remaining;
  return found;
}

std::optional<std::chrono::seconds> rate_limit_headers::time_to_reset(rate_limit_kind kind) const noexcept {
  auto const reset = parse_rfc3339(kinds_[static_cast<std::size_t>(kind)].reset);
  if (!reset)
    return std::nullopt;
  // The two are seconds apart, which tells the century of a date that leaves it out.
  auto const now = parse_http_date(date_, *reset);
  if (!now)
    return std::nullopt;
  return *reset - *now;
}

} // namespace claudio
