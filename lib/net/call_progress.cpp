#include "net/call_progress.hpp"

#include "core/process_id.hpp"

#include <algorithm>
#include <atomic>
#include <string>

namespace claudio {
namespace {

std::string_view describe(call_phase phase) {
  switch (phase) {
  case call_phase::attempt:
    return "no time was left for an attempt";
  case call_phase::pacing:
    return "the rate limits left no room for the call (limits, or what the server told)";
  case call_phase::session_wait:
    return "all sessions of the pool were in use (pool.max_sessions)";
  case call_phase::handshake_wait:
    return "too many sessions were shaking hands (pool.max_handshakes)";
  case call_phase::resolve:
    return "the host's name was not looked up";
  case call_phase::connect:
    return "no TCP connection";
  case call_phase::tls:
    return "no TLS session";
  case call_phase::first_byte:
    return "no answer to the request";
  case call_phase::body:
    return "the answer's body was not complete";
  case call_phase::stream_bytes:
    return "the stream fell silent: no byte came";
  case call_phase::stream_content:
    return "the stream sent nothing but pings";
  }
  return "not finished";
}

std::string_view limit_name(call_phase phase) {
  switch (phase) {
  case call_phase::resolve:
  case call_phase::connect:
    return "timeout_ms.connect";
  case call_phase::tls:
    return "timeout_ms.tls";
  case call_phase::first_byte:
    return "timeout_ms.first_byte";
  case call_phase::stream_bytes:
    return "timeout_ms.between_bytes";
  case call_phase::stream_content:
    return "timeout_ms.between_content";
  case call_phase::attempt:
  case call_phase::pacing:
  case call_phase::session_wait:
  case call_phase::handshake_wait:
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

call_progress::call_progress(time_limits limits, std::optional<clock::time_point> deadline)
    : number(++calls_so_far), limits_(limits), started_(clock::now()), process_(process_id()) {
  if (limits_.total.count() > 0)
    deadline_ = saturating_add(started_, limits_.total);
  call_deadline_ = deadline.value_or(clock::time_point::max());
  deadline_ = std::min(deadline_, call_deadline_);
}

call_progress::~call_progress() {
  if (!observed.active())
    return;
  error const failure(errc::cancelled, "the call was dropped before its end");
  observed.end(finish(), &failure, nullptr);
}

bool call_progress::begun_in_parent() const noexcept { return process_ != process_id(); }

error call_progress::cancelled(std::string_view doing) const {
  if (begun_in_parent())
    return error(errc::cancelled,
                 "this process was forked while the call was in flight; the call goes on in the parent");
  return error(errc::cancelled, "the caller cancelled while " + std::string(doing));
}

void call_progress::begin_stream() noexcept {
  deadline_ = call_deadline_;
  note_content();
}

call_progress::clock::time_point call_progress::begin_wait() noexcept {
  wait_begun_ = clock::now();
  auto const limit = until(call_phase::stream_bytes);
  if (limits_.between_content.count() == 0)
    return limit;
  return std::min(limit, saturating_add(wait_begun_, to_nanoseconds(limits_.between_content) - without_content_));
}

error call_progress::stream_timeout() const {
  bool const without_content =
      limits_.between_content.count() > 0 && without_content_ >= to_nanoseconds(limits_.between_content);
  return timeout(without_content ? call_phase::stream_content : call_phase::stream_bytes);
}

std::optional<call_progress::clock::time_point> call_progress::optional_deadline() const noexcept {
  return deadline_ == clock::time_point::max() ? std::nullopt : std::optional(deadline_);
}

std::chrono::milliseconds call_progress::limit_of(call_phase phase) const noexcept {
  switch (phase) {
  case call_phase::resolve:
  case call_phase::connect:
    return limits_.connect;
  case call_phase::tls:
    return limits_.tls;
  case call_phase::first_byte:
    return limits_.first_byte;
  case call_phase::stream_bytes:
    return limits_.between_bytes;
  case call_phase::stream_content:
    return limits_.between_content;
  case call_phase::attempt:
  case call_phase::pacing:
  case call_phase::session_wait:
  case call_phase::handshake_wait:
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
  error_details details;
  details.param = now >= deadline_ ? "timeout_ms.total" : limit_name(phase);
  if (now >= deadline_)
    message += " when the call's time was up, after " + milliseconds_text(now - started_) +
               " (timeout_ms.total or the call's deadline)";
  else
    message += " within " + milliseconds_text(limit_of(phase)) + " (" + std::string(limit_name(phase)) + ")";
  details.message = std::move(message);
  return error(errc::timeout, 0, std::move(details));
}

call_info const& call_progress::finish() {
  info.total = clock::now() - started_;
  return info;
}

error call_progress::finish(error const& failure) {
  finish();
  // A server's own 408 is an answer like others.
  if (failure.code() != errc::timeout || failure.http_status() != 0)
    return failure.with_info(info);
  error_details details;
  details.message = failure.message();
  details.param = failure.param();
  if (auto const account = describe(info); !account.empty())
    details.message += "; the time went: " + account;
  if (last_failure_.code() != errc::none)
    details.message += "; the attempt before failed with " + last_failure_.summary();
  details.info = info;
  return error(errc::timeout, 0, std::move(details));
}

} // namespace claudio
