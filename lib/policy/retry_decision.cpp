#include "core/error_kinds.hpp"

#include <claudio/retry_policy.hpp>

#include <algorithm>

namespace claudio {
namespace {

using std::chrono::milliseconds;

// Of the server errors, those that the same request would only meet again: what is not implemented (501), the HTTP
// version (505), and between Cloudflare and the origin a TLS handshake (525) or a certificate (526) that is at fault.
bool is_lasting_server_error(int status) { return status == 501 || status == 505 || status == 525 || status == 526; }

bool is_transient_status(int status) {
  return status == 408 || status == 409 || status == 429 || (status >= 500 && !is_lasting_server_error(status));
}

// Beyond it a delay is nonsense, and sums with it could overflow.
constexpr std::chrono::hours longest_delay(24 * 365);

milliseconds bounded(milliseconds delay) { return std::clamp<milliseconds>(delay, milliseconds(0), longest_delay); }

milliseconds scale(milliseconds delay, double factor) {
  return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(delay.count()) * factor));
}

milliseconds exponential_delay(retry_policy const& policy, unsigned number) {
  auto const most = bounded(policy.max_delay);
  milliseconds delay = std::min(bounded(policy.base_delay), most);
  for (unsigned n = 1; n < number && delay < most; ++n)
    delay = std::min(delay * 2, most);
  return delay;
}

milliseconds delay_for(retry_policy const& policy, unsigned number, error const& failure, double u01) {
  if (auto const asked = failure.retry_after())
    return policy.jitter ? bounded(*asked) + scale(bounded(policy.base_delay), u01) : bounded(*asked);
  auto const delay = exponential_delay(policy, number);
  return policy.jitter ? scale(delay, 1 - u01 / 2) : delay;
}

} // namespace

retry_decision decide(retry_policy const& policy, unsigned number, error const& failure,
                      std::optional<std::chrono::nanoseconds> remaining, double u01) noexcept {
  retry_decision decision;
  auto const no = [&](std::string_view reason) {
    decision.reason = reason;
    return decision;
  };
  if (failure.code() == errc::cancelled)
    return no("the caller cancelled");
  if (failure.should_retry() == false)
    return no(failure.http_status() != 0 ? "the server says not to retry" : "it would not help");
  if (failure.should_retry() != true) {
    if (is_spend_limit(failure))
      return no("a spend limit does not pass by waiting");
    // Without a status of its own there was no response, or an error inside a 200.
    bool const is_transient = failure.http_status() >= 400 ? is_transient_status(failure.http_status())
                                                           : kind_of(failure.code()).has(error_kind::transient);
    if (!is_transient)
      return no("not a transient error");
  }
  if (number > policy.max_retries)
    return no("the retries are used up");
  decision.delay = delay_for(policy, number, failure, u01);
  if (remaining && decision.delay >= *remaining)
    return no("a retry would not finish before the deadline");
  decision.retry = true;
  decision.reason = failure.retry_after() ? "the server said when to retry" : "transient error";
  return decision;
}

} // namespace claudio
