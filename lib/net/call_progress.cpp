#include "net/call_progress.hpp"

#include <algorithm>
#include <atomic>
#include <string>

namespace claudio {
namespace {

std::string_view describe(call_phase phase) {
  switch (phase) {
  case call_phase::session_wait:
    return "all sessions of the pool were in use (pool.max_sessions)";
  case call_phase::connect:
    return "no TCP connection";
  case call_phase::tls:
    return "no TLS session";
  case call_phase::first_byte:
    return "no answer to the request";
  case call_phase::body:
    return "the answer's body was not complete";
  }
  return "not finished";
}

std::string_view limit_name(call_phase phase) {
  switch (phase) {
  case call_phase::connect:
    return "timeout_ms.connect";
  case call_phase::tls:
    return "timeout_ms.tls";
  case call_phase::first_byte:
    return "timeout_ms.first_byte";
  case call_phase::session_wait:
  case call_phase::body:
    break;
  }
  return "timeout_ms.total";
}

std::atomic<std::uint64_t> calls_so_far{0};

std::string milliseconds_text(std::chrono::nanoseconds duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
}

} // namespace

std::chrono::steady_clock::time_point saturating_add(std::chrono::steady_clock::time_point now,
                                                     std::chrono::milliseconds limit) noexcept {
  using clock = std::chrono::steady_clock;
  auto const room = std::chrono::floor<std::chrono::milliseconds>(clock::time_point::max() - now);
  return limit >= room ? clock::time_point::max() : now + limit;
}

call_progress::call_progress(time_limits limits, std::optional<clock::time_point> deadline)
    : number(++calls_so_far), limits_(limits), started_(clock::now()) {
  if (limits_.total.count() > 0)
    deadline_ = saturating_add(started_, limits_.total);
  if (deadline)
    deadline_ = std::min(deadline_, *deadline);
}

std::optional<call_progress::clock::time_point> call_progress::optional_deadline() const noexcept {
  return deadline_ == clock::time_point::max() ? std::nullopt : std::optional(deadline_);
}

std::chrono::milliseconds call_progress::limit_of(call_phase phase) const noexcept {
  switch (phase) {
  case call_phase::connect:
    return limits_.connect;
  case call_phase::tls:
    return limits_.tls;
  case call_phase::first_byte:
    return limits_.first_byte;
  case call_phase::session_wait:
  case call_phase::body:
    break;
  }
  return std::chrono::milliseconds(0);
}

call_progress::clock::time_point call_progress::until(call_phase phase) const noexcept {
  auto const limit = limit_of(phase);
  return limit.count() > 0 ? std::min(deadline_, saturating_add(clock::now(), limit)) : deadline_;
}

error call_progress::timeout(call_phase phase) const {
  auto const now = clock::now();
  std::string message(describe(phase));
  if (now >= deadline_)
    message += " when the call's time was up, after " + milliseconds_text(now - started_) +
               " (timeout_ms.total or the call's deadline)";
  else
    message += " within " + milliseconds_text(limit_of(phase)) + " (" + std::string(limit_name(phase)) + ")";
  return error(errc::timeout, std::move(message));
}

call_info const& call_progress::finish() {
  info.total = clock::now() - started_;
  return info;
}

} // namespace claudio
