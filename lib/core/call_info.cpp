#include <claudio/call_info.hpp>

#include <cstdint>

namespace claudio {

namespace {

using std::chrono::milliseconds;

// To a tenth of a second, below that to the millisecond.
std::string text_of(milliseconds time) {
  if (time.count() < 100)
    return std::to_string(time.count()) + " ms";
  auto const tenths = (time.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

void add(std::string& to, std::string_view part) {
  if (!to.empty())
    to += ", ";
  to += part;
}

void add_time(std::string& to, std::chrono::nanoseconds time, std::string_view spent_on) {
  auto const rounded = std::chrono::duration_cast<milliseconds>(time);
  if (rounded.count() > 0)
    add(to, text_of(rounded) + " " + std::string(spent_on));
}

} // namespace

call_info const& call_info::none() noexcept {
  static auto const* const nothing = new call_info;
  return *nothing;
}

void call_info::add(call_info const& earlier) {
  attempts += earlier.attempts;
  replays += earlier.replays;
  fallbacks += earlier.fallbacks;
  key_changes += earlier.key_changes;
  budget_used += earlier.budget_used;
  if (request_id.empty())
    request_id = earlier.request_id;
  if (!cost)
    cost = earlier.cost;
  if (!trace)
    trace = earlier.trace;
  total += earlier.total;
  pacing += earlier.pacing;
  session_wait += earlier.session_wait;
  connect += earlier.connect;
  tls += earlier.tls;
  first_byte += earlier.first_byte;
  body += earlier.body;
  backoff += earlier.backoff;
}

std::string describe(call_info const& info) {
  std::string text;
  add_time(text, info.pacing, "for a turn under the rate limits");
  add_time(text, info.session_wait, "for a session");
  add_time(text, info.connect, "to connect");
  add_time(text, info.tls, "for TLS");
  add_time(text, info.first_byte, "waiting for the answer");
  add_time(text, info.body, "reading it");
  if (info.attempts > 1)
    add(text, std::to_string(info.attempts) + " tries");
  add_time(text, info.backoff, "of backoff");
  if (info.fallbacks > 0)
    add(text, std::to_string(info.fallbacks) + (info.fallbacks == 1 ? " fallback" : " fallbacks"));
  return text;
}

} // namespace claudio
