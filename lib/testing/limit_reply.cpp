#include "testing/limit_reply.hpp"

#include "testing/dates.hpp"
#include "testing/messages_api.hpp"
#include "testing/reply_writer.hpp"

#include <algorithm>
#include <string>

namespace claudio::testing {

namespace {

// "40,000"
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t left = digits.size(); left > 3; left -= 3)
    digits.insert(left - 3, ",");
  return digits;
}

std::string refusal_message(enforced_limits::verdict const& refused, std::string_view model) {
  auto const by = std::find_if(refused.states.begin(), refused.states.end(),
                               [&](auto const& state) { return state.name == refused.refused_by; });
  std::string unit(by->name);
  std::replace(unit.begin(), unit.end(), '-', ' ');
  return "This request would exceed your organization's rate limit of " + grouped(by->limit) + " " + unit +
         " per minute (org: " + std::string(organization_id) + ", model: " + std::string(model) +
         "). You can see the response headers for current usage.";
}

} // namespace

reply limit_reply(enforced_limits& limits, reply judged, received_request const& request, std::uint64_t number,
                  std::chrono::steady_clock::time_point now, std::chrono::system_clock::time_point date) {
  auto const said = reply_writer::answer_of(judged, request, number);
  if (!said)
    return judged;
  auto const stand = limits.admit(given_key(request), said->model, input_tokens(*said), output_tokens(*said), now);
  reply limited = std::move(judged);
  if (!stand.admitted()) {
    limited = reply::status(429, error_body(429, refusal_message(stand, said->model), number));
    limited.header("retry-after", std::to_string(stand.retry_after().count()));
  }
  for (auto const& state : stand.states) {
    std::string const prefix = "anthropic-ratelimit-" + std::string(state.name);
    limited.header(prefix + "-limit", std::to_string(state.limit));
    limited.header(prefix + "-remaining", std::to_string(state.remaining));
    limited.header(prefix + "-reset",
                   internet_timestamp(std::chrono::ceil<std::chrono::seconds>(date + state.until_full)));
  }
  return limited;
}

} // namespace claudio::testing
