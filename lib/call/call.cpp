#include "call/call.hpp"

#include "core/lower_case.hpp"
#include "net/response_parser.hpp"
#include "observe/loggers.hpp"

#include <claudio/models.hpp>

#include <algorithm>
#include <string_view>

namespace claudio::detail {
namespace asio = boost::asio;

namespace {

bool is_key_header(std::pair<std::string, std::string> const& header) {
  auto const name = lower_case(header.first);
  return name == "x-api-key" || name == "authorization";
}

// A call's own header by its name in lower case; null: it has none. Of several the last one is sent.
std::string const* find_header(header_list const& headers, std::string_view name) {
  auto const found = std::find_if(headers.rbegin(), headers.rend(),
                                  [&](auto const& header) { return lower_case(header.first) == name; });
  return found == headers.rend() ? nullptr : &found->second;
}

// W3C Trace Context 3.3: 512 characters have to be handed on; one that is malformed may be dropped, but is no error.
bool is_sendable_state(std::string_view tracestate) {
  return !tracestate.empty() && tracestate.size() <= 512 &&
         std::all_of(tracestate.begin(), tracestate.end(), [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
}

// The API says of a model that it does not serve only its name.
error with_model_advice(error const& failure, std::string_view model) {
  if (failure.code() != errc::model_not_found || failure.http_status() != 404 || model.empty())
    return failure;
  auto const advice = model_advice(model);
  return advice.empty() ? failure : failure.with_note(advice);
}

// Of the server's errors, those by which it says that it has not begun.
bool is_turned_away(int status) noexcept { return status < 500 || status == 503 || status == 529; }

} // namespace

call::call(std::shared_ptr<endpoint> of, call_options const& options)
    : where(std::move(of)), progress(options.limits.value_or(where->options.limits), options.deadline),
      secrets_(where->secrets, options.headers) {}

result<void> call::begin(call_request& request, call_options const& options) {
  wanted_ = where->turns->measure(request.body, options.lane, request.text_bytes);
  // The limits are those of messages.
  wanted_.own_key =
      !request.target.empty() || std::any_of(options.headers.begin(), options.headers.end(), is_key_header);
  effect_ = request.has;
  auto const added = tell_begin(options, traffic::model_of(wanted_));
  if (where->calls->closed())
    return endpoint::drained();
  place_ = where->calls->enter();
  auto written = where->writer.write(request, options.headers, added);
  std::string().swap(request.body);
  if (!written)
    return written.error();
  request_ = std::move(*written);
  return {};
}

// The call begins, as far as others are to know. Gives the headers that continue its trace.
header_list call::tell_begin(call_options const& options, std::string_view model) {
  header_list added;
  observed_call begun;
  begun.number = progress.number;
  begun.model = model;
  begun.streams = !reads_whole();
  begun.begun = progress.begun();
  if (options.trace.valid() || where->observed->wants_traces(options.observer.get())) {
    auto const span = std::make_shared<trace_span>();
    auto const* const own = options.trace.valid() ? nullptr : find_header(options.headers, "traceparent");
    auto const named = own ? trace_context::parse(*own) : options.trace;
    if (named)
      span->parent = *named;
    span->context = span->parent.child();
    if (!own)
      added.emplace_back("traceparent", span->context.to_string());
    if (options.trace.valid() && is_sendable_state(options.tracestate))
      added.emplace_back("tracestate", options.tracestate);
    begun.trace = span.get();
    progress.info.trace = span;
  }
  progress.observed.begin(*where->observed, options.observer.get(), begun);
  return added;
}

retry_context call::attempts(call_options const& options) {
  retry_context context(options.retry.value_or(where->options.retry));
  context.deadline = progress.optional_deadline();
  context.budget = where->budget;
  context.on_attempt = [this](attempt_info const& made) {
    if (made.retry_in) {
      progress.info.backoff += *made.retry_in;
      progress.info.budget_used += where->budget->counts(*made.failure) ? 1 : 0;
      progress.note_failed_attempt(*made.failure);
    }
    progress.observed.attempted(made);
  };
  context.sleep = [pauses = where->calls.get()](std::chrono::nanoseconds delay) { return pauses->sleep(delay); };
  return context;
}

asio::awaitable<result<void>> call::attempt(unsigned number) {
  bool const whole = reads_whole();
  speak_function const speak = whole ? &session::exchange : &session::begin;
  while (true) {
    if (progress.expired())
      co_return not_sent(progress.timeout(call_phase::attempt));
    auto permit = where->turns->try_admit(wanted_, progress);
    if (permit && !*permit) {
      auto waiting = where->turns->wait(wanted_, progress);
      permit = co_await std::move(waiting);
    }
    if (!permit)
      co_return not_sent(permit.error());
    progress.info.attempts = number;
    progress.observed.begin_attempt();
    auto lease = where->pool->try_acquire();
    if (!lease) {
      auto acquiring = where->pool->acquire(progress);
      auto acquired = co_await std::move(acquiring);
      if (!acquired) {
        permit->failed(acquired.error());
        co_return not_sent(acquired.error());
      }
      lease = std::move(*acquired);
    }
    permit->sent();
    auto const pieces = request_.pieces(permit->key());
    auto speaking = (lease.operator->()->*speak)(pieces, progress);
    auto response = co_await std::move(speaking);
    if (has_died_idle(lease, response)) {
      auto again = send_again(lease, pieces, speak);
      response = co_await std::move(again);
    }
    if (!response) {
      permit->failed(response.error());
      co_return unanswered(response.error(), lease);
    }
    progress.note_content();
    progress.info.request_id = request_id(*response, secrets());
    if (whole)
      lease.conclude();
    result<void> outcome;
    if (!takes(*response) && whole) {
      outcome = where->refusal(*response, secrets());
    } else if (!takes(*response)) {
      auto reading = read_refusal(lease, *response);
      outcome = co_await std::move(reading);
    } else if (auto const read_already = read_now(*response)) {
      outcome = *read_already;
    } else {
      auto reading = read(lease, *response);
      outcome = co_await std::move(reading);
    }
    if (outcome) {
      settle(std::move(*permit), response->headers);
      co_return outcome;
    }
    if (!permit->failed(outcome.error(), response->headers))
      co_return answered(outcome.error());
    ++progress.info.key_changes;
  }
}

// Whether a kept-alive session turned out to be dead: the request may then be sent once more.
bool call::has_died_idle(session_lease const& lease, result<http_response> const& response) {
  if (response || !lease.reused() || response.error().code() != errc::connect || !lease->may_replay())
    return false;
  if (effect_ == call_request::effect::creates && lease->sent_whole())
    return false;
  net_log().debug("replayed call={}", progress.number);
  ++progress.info.replays;
  return true;
}

// The same request on a new session, in the place of one that has died.
asio::awaitable<result<http_response>> call::send_again(session_lease& lease, request_pieces pieces,
                                                        speak_function speak) {
  auto opening = lease.replace(progress);
  auto opened = co_await std::move(opening);
  if (!opened)
    co_return opened.error();
  auto speaking = (lease.operator->()->*speak)(pieces, progress);
  auto response = co_await std::move(speaking);
  co_return response;
}

asio::awaitable<result<void>> call::read_refusal(session_lease& lease, http_response& response) {
  char piece[4096];
  std::size_t got = where->is_proxys(response) ? 0 : 1;
  while (got > 0 && response.body.size() < response_parser::error_body_limit) {
    auto reading = lease->read_some(piece, progress);
    auto read = co_await std::move(reading);
    if (!read)
      co_return read.error();
    got = *read;
    response.body.append(piece, got);
  }
  lease.conclude();
  co_return where->refusal(response, secrets());
}

error call::not_sent(error const& failure) const {
  return effect_ == call_request::effect::none ? failure : failure.with_note("not sent");
}

error call::unanswered(error const& failure, session_lease const& lease) const {
  if (effect_ == call_request::effect::none)
    return failure;
  return lease && lease->sent_whole() ? ambiguous(failure) : not_sent(failure);
}

error call::answered(error const& failure) const {
  if (effect_ == call_request::effect::none || is_turned_away(failure.http_status()))
    return failure;
  return ambiguous(failure);
}

// Sending it again might make a second one of what the first has made.
error call::ambiguous(error const& failure) {
  error_details details;
  details.message = failure.message() + "; ambiguous: the server may have done what was asked for";
  details.type = failure.type();
  details.error_code = failure.error_code();
  details.request_id = failure.request_id();
  details.param = failure.param();
  details.should_retry = false;
  return error(failure.code(), failure.http_status(), std::move(details));
}

error call::last_word(error const& failure) {
  auto const explained = with_model_advice(where->pool->explain(failure), traffic::model_of(wanted_));
  auto const said = progress.finish(explained);
  progress.observed.end(progress.info, &said, nullptr);
  return said;
}

} // namespace claudio::detail
