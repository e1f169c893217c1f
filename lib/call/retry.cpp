#include "core/saturating_time.hpp"

#include <claudio/retry.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <random>

namespace claudio::detail {
namespace asio = boost::asio;

namespace {

double default_random() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

std::chrono::steady_clock::time_point current_time(retry_context const& context) {
  return context.now ? context.now() : std::chrono::steady_clock::now();
}

// The caller's predicate takes the place of what the server and the error's kind say.
retry_decision judge(retry_context const& context, unsigned number, error const& failure,
                     std::optional<std::chrono::nanoseconds> remaining, double u01) {
  if (!context.retry_if || failure.code() == errc::cancelled)
    return decide(context.policy, number, failure, remaining, u01);
  bool const worthwhile = context.retry_if(failure);
  error_details judged;
  judged.should_retry = worthwhile;
  judged.retry_after = failure.retry_after();
  auto decision =
      decide(context.policy, number, error(failure.code(), failure.http_status(), std::move(judged)), remaining, u01);
  if (!worthwhile)
    decision.reason = "the predicate says not to retry";
  return decision;
}

asio::awaitable<void> sleep_for(std::chrono::nanoseconds delay) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::ceil<asio::steady_timer::duration>(delay));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

} // namespace

asio::awaitable<std::optional<error>> pause_before_retry(retry_context& context, unsigned number,
                                                         error const& failure) {
  std::optional<std::chrono::nanoseconds> remaining;
  if (context.deadline)
    remaining = *context.deadline == std::chrono::steady_clock::time_point::max()
                    ? std::chrono::nanoseconds::max()
                    : saturating_difference(*context.deadline, current_time(context));
  double u01 = 0;
  if (context.policy.jitter && context.random)
    u01 = context.random();
  else if (context.policy.jitter)
    u01 = default_random();
  retry_decision decision = judge(context, number, failure, remaining, u01);
  bool const unaffordable = decision.retry && context.budget && !context.budget->take(failure);
  if (unaffordable) {
    decision.retry = false;
    decision.reason = "the retry budget is used up";
  }

  attempt_info attempt;
  attempt.number = number;
  attempt.failure = failure;
  attempt.reason = decision.reason;
  attempt.suppressed = unaffordable;
  if (decision.retry)
    attempt.retry_in = decision.delay;
  if (context.on_attempt)
    context.on_attempt(attempt);
  if (unaffordable)
    co_return failure.with_note("not tried again: the retry budget is used up (retry.budget)");
  if (!decision.retry)
    co_return failure;

  if (context.sleep) {
    auto pause = context.sleep(decision.delay);
    co_await std::move(pause);
  } else {
    auto pause = sleep_for(decision.delay);
    co_await std::move(pause);
  }
  // Looked up, since the next co_await would throw what has to be a value here.
  auto const state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none)
    co_return error(errc::cancelled, "the caller cancelled while waiting to try again after: " + failure.to_string());
  co_return std::nullopt;
}

void report_success(retry_context const& context, unsigned number) {
  if (context.budget)
    context.budget->give();
  if (!context.on_attempt)
    return;
  attempt_info attempt;
  attempt.number = number;
  context.on_attempt(attempt);
}

} // namespace claudio::detail
