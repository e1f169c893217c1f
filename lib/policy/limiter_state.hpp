#pragma once

#include "core/saturating_time.hpp"
#include "policy/limiter.hpp"
#include "policy/usual_ratio.hpp"

#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

// Assumed before anything is known.
constexpr double usual_tokens_per_byte = 0.25;
constexpr double usual_answer = 512; // tokens

/// One key's limits for one model.
class key_limits {
public:
  key_limits(rate_limits const& configured, pacing_options const& pacing)
      : kinds{paced_limit(false, configured.rpm), paced_limit(false, configured.itpm),
              paced_limit(true, configured.otpm)},
        share(to_nanoseconds(pacing.ramp)) {}

  std::array<paced_limit, rate_limit_kinds> kinds;
  ramp share;
  unsigned answers = 0; // while no limit was kept
  limiter::time_point blocked_since;
  limiter::time_point blocked_until;
};

/// What a limiter keeps of one model: its limits, what its calls usually use, and who waits.
class limiter::paced_model {
public:
  using lane = boost::intrusive::list<waiter, boost::intrusive::constant_time_size<false>>;

  paced_model(std::string_view given, limiter_options const& options) : name(given) {
    for (auto const& configured : options.limits)
      keys.emplace_back(configured, options.pacing);
  }

  std::array<double, rate_limit_kinds> estimate(demand const& wanted) const noexcept {
    return {1, wanted.bytes * tokens_per_byte.value(), std::min(answer.value(), wanted.max_tokens)};
  }

  std::string const name;
  std::vector<key_limits> keys;
  usual_ratio tokens_per_byte{usual_tokens_per_byte};
  usual_ratio answer{usual_answer};
  std::array<lane, 2> lanes;                                         // by call_lane
  std::array<std::array<double, rate_limit_kinds>, 2> waiting_for{}; // what they need, in all
  unsigned turns = 0; // of the interactive lane, while the other one waited
};

/// What a limiter keeps of an attempt, from its ticket to its end.
struct limiter::ticket::attempt {
  paced_model* model = nullptr;
  std::size_t key = 0;
  double bytes = 0;
  amounts reserved{};
  std::array<paced_limit::mark, rate_limit_kinds> marks;
  circuit_breaker::pass pass;
  std::optional<time_point> sent_at;
  bool on_trial = false; // tries a key again
  bool own_key = false;
  bool settled = false;
};

} // namespace claudio
