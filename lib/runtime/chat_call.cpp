#include "runtime/chat_call.hpp"

#include "async/as_result.hpp"
#include "call/endpoint.hpp"
#include "core/credential_header.hpp"
#include "core/json_access.hpp"
#include "core/saturating_time.hpp"
#include "observe/loggers.hpp"
#include "runtime/chat_stream.hpp"
#include "runtime/chat_translation.hpp"

#include <algorithm>
#include <chrono>

namespace claudio {

using clock = std::chrono::steady_clock;

namespace {

error streams_only() {
  error_details details;
  details.message = "stream: invoke() gives one whole answer; remove the field, or call stream()";
  details.param = "stream";
  details.type = "invalid_request_error";
  return error(errc::transformation, 0, std::move(details));
}

} // namespace

result<void> chat_call::begin(chat_request request, bool streams) {
  // A default is room, not a wish.
  warns_of_length_ =
      !streams && (find_value(request.json(), "max_tokens") || find_value(request.json(), "max_completion_tokens"));
  auto const* stream = request.json().if_contains("stream");
  bool const is_misplaced = !streams && stream && *stream == true;
  if (streams)
    request.set("stream", true);
  if (routes_.size() > 1)
    plan_fallbacks(request);
  auto const prepared = is_misplaced ? result<void>(streams_only()) : prepare(std::move(request));
  // A call that is refused here never comes to its client, which tells of all others.
  if (auto const& state = detail::endpoint::of(route_->endpoint); state && !prepared)
    detail::endpoint::tell_refusal(state, route_->target.model, prepared.error(), streams, options_.observer);
  return prepared;
}

void chat_call::plan_fallbacks(chat_request const& request) {
  std::vector<fallback_plan::candidate> candidates;
  for (auto const& route : routes_) {
    auto& candidate = candidates.emplace_back();
    candidate.model = route.target.model;
    candidate.on = route.on;
  }
  auto deadline = options_.deadline.value_or(clock::time_point::max());
  if (auto const total = limits_of(route_->endpoint, options_).total; total.count() > 0)
    deadline = std::min(deadline, saturating_add(clock::now(), total));
  reserve_ = std::make_unique<reserve>(request, options_, fallback_plan(std::move(candidates), deadline));
}

bool chat_call::fall_back(error const& failure) {
  failure_ = failure;
  if (!reserve_)
    return false;
  // One whose caller named no trace stays in one all the same.
  if (auto const& span = failure.info().trace; span && !span->parent.valid())
    reserve_->options.trace = span->context;
  auto const* const given_up = route_;
  auto& plan = reserve_->plan;
  for (auto next = plan.next(failure, clock::now()); next; next = plan.skip(clock::now())) {
    route_ = &routes_[*next];
    if (auto const prepared = prepare_again(plan.time_left(clock::now())); !prepared) {
      call_log().debug("fallback_refused model={} field={}", route_->target.model, prepared.error().param());
      continue;
    }
    plan.take(*next);
    if (auto const& state = detail::endpoint::of(given_up->endpoint))
      detail::endpoint::tell_fallback(state, given_up->target.model, route_->target.model, failure, options_.observer);
    return true;
  }
  return false;
}

error chat_call::failure() const { return reserve_ ? reserve_->plan.failure() : failure_; }

error chat_call::cancelled() const {
  return reserve_ ? reserve_->plan.failure(cancelled_by_caller()) : cancelled_by_caller();
}

chat_response chat_call::finish(message answer) {
  if (reserve_)
    answer.info(reserve_->plan.account(answer.info()));
  return to_openai(std::move(answer), translated_.answer, std::chrono::system_clock::now(), warnings());
}

chat_stream chat_call::finish(std::shared_ptr<detail::answer_source> source) {
  if (reserve_)
    source->add(reserve_->plan.account(call_info()));
  return make_chat_stream(std::move(source), std::move(translated_.answer), warnings());
}

result<void> chat_call::prepare(chat_request request) {
  auto translated = translate(std::move(request), route_->target, options_);
  if (!translated)
    return translated.error();
  if (warns_of_length_)
    warn_of_length(route_->endpoint, options_, *translated);
  translated_ = std::move(*translated);
  if (!route_->warning.empty())
    translated_.warnings.push_back(route_->warning);
  return {};
}

// For another model, in the time that is left: by the total, since a deadline would bind all of a stream.
result<void> chat_call::prepare_again(std::chrono::milliseconds left) {
  options_ = reserve_->options;
  keep_back_credentials();
  if (left != std::chrono::milliseconds::max()) {
    auto limits = limits_of(route_->endpoint, options_);
    limits.total = limits.total.count() > 0 ? std::min(limits.total, left) : left;
    options_.limits = limits;
  }
  chat_request request = reserve_->request;
  if (!request.model().empty())
    request.model(route_->target.model);
  return prepare(std::move(request));
}

// The caller gave them for the model's own provider: to another one they would be disclosed.
void chat_call::keep_back_credentials() {
  if (detail::endpoint::of(route_->endpoint) == detail::endpoint::of(routes_.front().endpoint))
    return;
  auto const kept = std::erase_if(options_.headers,
                                  [](auto const& header) { return carries_credential(header.first, header.second); });
  if (kept > 0)
    call_log().debug("credentials_kept_back model={} headers={}", route_->target.model, kept);
}

std::vector<std::string> chat_call::warnings() {
  if (reserve_)
    for (auto& sentence : reserve_->plan.warnings())
      translated_.warnings.push_back(std::move(sentence));
  return std::move(translated_.warnings);
}

} // namespace claudio
