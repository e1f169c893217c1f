#include "simulation/provider.hpp"

#include "testing/dates.hpp"

#include <algorithm>

namespace claudio::simulation {

provider::response provider::refuse(int status, errc code) const {
  error_details details;
  details.message = "refused by the simulation";
  response made;
  made.failure = error(code, status, std::move(details));
  made.takes = std::chrono::milliseconds(5);
  return made;
}

namespace {

using header_list = std::vector<std::pair<std::string, std::string>>;

header_list headers_of(testing::enforced_limits::verdict const& verdict,
                       std::chrono::system_clock::time_point its_clock) {
  auto const seconds = [](auto time) { return std::chrono::ceil<std::chrono::seconds>(time); };
  header_list headers{{"date", testing::http_date(seconds(its_clock))}};
  for (auto const& state : verdict.states) {
    auto const prefix = "anthropic-ratelimit-" + std::string(state.name);
    headers.emplace_back(prefix + "-limit", std::to_string(state.limit));
    headers.emplace_back(prefix + "-remaining", std::to_string(state.remaining));
    headers.emplace_back(prefix + "-reset", testing::internet_timestamp(seconds(its_clock + state.until_full)));
  }
  return headers;
}

} // namespace

provider::response provider::receive(request const& arrived) {
  double const second = world_.passed().count();
  ++received;
  by_key.resize(std::max(by_key.size(), arrived.key + 1));
  ++by_key[arrived.key];
  by_second.resize(std::max(by_second.size(), static_cast<std::size_t>(second) + 1));
  ++by_second[static_cast<std::size_t>(second)];
  world_.note("received", arrived.key);

  if (down(second))
    return refuse(0, errc::connect);
  if (bad_keys.contains(arrived.key))
    return refuse(401, errc::authentication);
  auto const a_second = capacity(second);
  spare_ = std::min(a_second, spare_ + a_second * (second - spare_at_));
  spare_at_ = second;
  if (spare_ < 1)
    return refuse(529, errc::overloaded);
  spare_ -= 1;

  auto const admitted = limits_.admit(std::to_string(arrived.key), "m", arrived.usage.input_tokens,
                                      arrived.usage.output_tokens, world_.now());
  std::chrono::system_clock::time_point const its_clock(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(world_.now().time_since_epoch()) + clock_ahead +
      std::chrono::hours(24 * 365 * 50));
  response made;
  if (!admitted.admitted()) {
    ++rate_limited;
    if (second >= 60)
      ++rate_limited_late;
    error_details details;
    details.message = "refused for " + std::string(admitted.refused_by);
    details.retry_after = admitted.retry_after();
    made = refuse(429, errc::rate_limited);
    made.failure = error(errc::rate_limited, 429, std::move(details));
  } else {
    ++answered;
    made.usage = arrived.usage;
    made.takes = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(answer_seconds * (0.5 + world_.uniform())));
  }
  made.headers = headers_of(admitted, its_clock);
  return made;
}

} // namespace claudio::simulation
