#include "policy/limiter.hpp"

#include "support/test.hpp"

#include <deque>
#include <string>

using namespace claudio;
using namespace std::chrono_literals;

namespace {

using time_point = limiter::time_point;

constexpr time_point start{1h};

limiter_options one_key(std::optional<std::uint64_t> rpm = std::nullopt) {
  limiter_options options;
  options.weights = {1};
  options.limits.resize(1);
  options.limits[0].rpm = rpm;
  return options;
}

limiter_options keys(std::vector<unsigned> weights, std::optional<std::uint64_t> rpm = std::nullopt) {
  limiter_options options;
  options.limits.resize(weights.size());
  for (auto& limits : options.limits)
    limits.rpm = rpm;
  options.weights = std::move(weights);
  return options;
}

std::string const request = R"({"model":"m","max_tokens":100})";

error refusal(int status, std::string error_code = std::string(),
              std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  error_details details;
  details.message = "refused";
  details.error_code = std::move(error_code);
  details.retry_after = retry_after;
  errc const code = status == 401   ? errc::authentication
                    : status == 429 ? errc::rate_limited
                    : status == 529 ? errc::overloaded
                                    : errc::billing;
  return error(code, status, std::move(details));
}

// What an answer says, kept alive beside the views into it.
class told {
public:
  told& requests(unsigned limit, unsigned remaining) { return add("requests", limit, remaining); }
  told& input(unsigned limit, unsigned remaining) { return add("input-tokens", limit, remaining); }
  told& output(unsigned limit, unsigned remaining) { return add("output-tokens", limit, remaining); }
  told& reset_in(std::chrono::seconds time) {
    headers_.date("Sun, 06 Nov 1994 08:00:00 GMT");
    auto const text = std::to_string(time.count() % 60);
    texts_.push_back("1994-11-06T08:0" + std::to_string(time.count() / 60) + ":" + (text.size() < 2 ? "0" : "") + text +
                     "Z");
    headers_.read("anthropic-ratelimit-requests-reset", texts_.back());
    return *this;
  }
  rate_limit_headers const& headers() const { return headers_; }

private:
  told& add(std::string const& kind, unsigned limit, unsigned remaining) {
    texts_.push_back(std::to_string(limit));
    headers_.read("anthropic-ratelimit-" + kind + "-limit", texts_.back());
    texts_.push_back(std::to_string(remaining));
    headers_.read("anthropic-ratelimit-" + kind + "-remaining", texts_.back());
    return *this;
  }

  std::deque<std::string> texts_;
  rate_limit_headers headers_;
};

message_usage used(std::uint64_t input, std::uint64_t output, std::uint64_t cache_read = 0) {
  message_usage usage;
  usage.input_tokens = input;
  usage.output_tokens = output;
  usage.cache_read_input_tokens = cache_read;
  return usage;
}

std::optional<limiter::ticket> admit(limiter& limits, time_point now, call_lane lane = call_lane::interactive) {
  auto const admitted = limits.try_admit(limits.measure(request, lane), 1h, now);
  BOOST_REQUIRE_MESSAGE(admitted.has_value(), admitted.error());
  auto ticket = *admitted;
  if (ticket)
    limits.note_sent(*ticket, now);
  return ticket;
}

// How many calls pass at once.
int burst(limiter& limits, time_point now, int wanted = 10'000) {
  int passed = 0;
  while (passed < wanted && admit(limits, now))
    ++passed;
  return passed;
}

void answer(limiter& limits, limiter::ticket ticket, told const& says, time_point now,
            message_usage const& usage = used(10, 10)) {
  limits.note_answer(ticket, says.headers(), nullptr, now);
  limits.end(ticket, usage, now);
}

// Whether the call may go on with another key.
bool refuse(limiter& limits, limiter::ticket ticket, told const& says, error const& why, time_point now) {
  limits.note_answer(ticket, says.headers(), &why, now);
  bool const goes_on = limits.has_other_key(ticket, why, now);
  limits.end_uncounted(ticket, now);
  return goes_on;
}

class recording_waiter final : public limiter::waiter {
public:
  using limiter::waiter::waiter;
  void granted(limiter::ticket const& given) noexcept override { ticket = given; }
  void refused(error const& why) noexcept override { reason = why; }

  limiter::ticket ticket;
  std::optional<error> reason;
};

std::unique_ptr<recording_waiter> queue(limiter& limits, call_lane lane = call_lane::interactive) {
  auto waiting = std::make_unique<recording_waiter>(limits.measure(request, lane));
  limits.enqueue(*waiting);
  return waiting;
}

} // namespace

BOOST_AUTO_TEST_SUITE(limiters)

BOOST_AUTO_TEST_CASE(without_limits_nobody_waits) {
  limiter limits(one_key());
  BOOST_TEST(burst(limits, start) == 10'000);
}

// Less a second's refill, which the server can't take in while its bucket is full.
BOOST_AUTO_TEST_CASE(a_configured_limit_holds_from_the_first_call_on) {
  limiter limits(one_key(600));
  BOOST_TEST(burst(limits, start) == 590);
  BOOST_TEST(burst(limits, start + 1s) == 10);
  BOOST_TEST(burst(limits, start + 1h) == 590);
}

BOOST_AUTO_TEST_CASE(models_have_limits_of_their_own) {
  limiter limits(one_key(60));
  burst(limits, start);
  auto const other = limits.measure(R"({"model":"other","max_tokens":1})", call_lane::interactive);
  auto const admitted = limits.try_admit(other, 1h, start);
  BOOST_REQUIRE(admitted.has_value());
  BOOST_TEST(admitted->has_value());
}

BOOST_AUTO_TEST_CASE(the_server_is_heeded_once_half_is_used) {
  limiter limits(one_key());
  answer(limits, *admit(limits, start), told().requests(100, 60), start);
  BOOST_TEST(burst(limits, start, 500) == 500);
  limiter other(one_key());
  answer(other, *admit(other, start), told().requests(100, 40), start);
  BOOST_TEST(burst(other, start) == 40);
}

// 300 calls were sent behind the first one, which the server can't have counted when it answered.
BOOST_AUTO_TEST_CASE(what_is_on_its_way_counts) {
  limiter limits(one_key());
  auto const first = *admit(limits, start);
  burst(limits, start, 300);
  answer(limits, first, told().requests(1000, 400), start);
  BOOST_TEST(burst(limits, start) == 100);
}

BOOST_AUTO_TEST_CASE(the_lower_of_two_limits_counts) {
  limiter stricter(one_key(60));
  answer(stricter, *admit(stricter, start), told().requests(6000, 5999), start);
  BOOST_TEST(burst(stricter, start) == 58);
  limiter looser(one_key(6000));
  answer(looser, *admit(looser, start), told().requests(60, 59), start);
  BOOST_TEST(burst(looser, start) == 59);
}

BOOST_AUTO_TEST_CASE(others_who_use_the_limit_are_noticed) {
  limiter limits(one_key(600));
  answer(limits, *admit(limits, start), told().requests(600, 200), start);
  auto const left = burst(limits, start);
  BOOST_TEST(left >= 198);
  BOOST_TEST(left <= 201);
}

// When the server looked is not known: then, or when it answered.
BOOST_AUTO_TEST_CASE(what_it_said_in_the_meantime_is_nothing_new) {
  limiter limits(one_key(600));
  auto const first = *admit(limits, start);
  burst(limits, start, 100);
  answer(limits, first, told().requests(600, 599), start);
  BOOST_TEST(burst(limits, start) == 489);
}

BOOST_AUTO_TEST_CASE(too_low_a_guess_is_corrected) {
  limiter limits(one_key());
  refuse(limits, *admit(limits, start), told().requests(600, 0), refusal(429), start);
  BOOST_TEST(burst(limits, start + 1s) == 10);
  auto const later = start + 2s;
  answer(limits, *admit(limits, later), told().requests(600, 500), later);
  BOOST_TEST(burst(limits, later) > 450);
}

BOOST_AUTO_TEST_CASE(estimates_follow_what_calls_use) {
  auto options = one_key();
  options.limits[0].otpm = 60'000;
  limiter limits(options);
  for (int i = 0; i < 500; ++i)
    answer(limits, *admit(limits, start + i * 1s), told(), start + i * 1s, used(10, 20));
  auto const passed = burst(limits, start + 1h);
  BOOST_TEST(passed > 2700);
  BOOST_TEST(passed < 2960);
}

BOOST_AUTO_TEST_CASE(an_answer_is_never_longer_than_max_tokens) {
  auto options = one_key();
  options.limits[0].otpm = 6000;
  limiter limits(options);
  BOOST_TEST(burst(limits, start) == 59); // of 100 tokens each
}

BOOST_AUTO_TEST_CASE(cached_input_is_not_counted) {
  auto options = one_key();
  options.limits[0].itpm = 6000;
  limiter limits(options);
  auto ticket = *admit(limits, start);
  limits.end(ticket, used(0, 1, 1'000'000), start);
  BOOST_TEST(burst(limits, start) > 500);
}

BOOST_AUTO_TEST_CASE(more_than_was_reserved_has_to_be_refilled_first) {
  auto options = one_key();
  options.limits[0].otpm = 6000;
  limiter limits(options);
  auto ticket = *admit(limits, start);
  limits.end(ticket, used(10, 12'000), start);
  BOOST_TEST(!admit(limits, start + 61s).has_value());
  BOOST_TEST(admit(limits, start + 62s).has_value());
}

// Else a request could never be sent.
BOOST_AUTO_TEST_CASE(a_request_larger_than_the_bucket_waits_for_a_full_one) {
  auto options = one_key();
  options.limits[0].itpm = 600;
  limiter limits(options);
  auto const large = limits.measure(R"({"model":"m","max_tokens":1,"system":")" + std::string(6000, ' ') + "\"}",
                                    call_lane::interactive);
  BOOST_TEST(limits.try_admit(large, 1h, start)->has_value());
  BOOST_TEST(!limits.try_admit(large, 1h, start + 1s)->has_value());
}

// The server's bucket can't take in more meanwhile.
BOOST_AUTO_TEST_CASE(what_is_not_sent_yet_leaves_the_servers_bucket_full) {
  limiter limits(one_key(600));
  auto const wanted = limits.measure(request, call_lane::interactive);
  std::vector<limiter::ticket> granted;
  while (auto const ticket = *limits.try_admit(wanted, 1h, start))
    granted.push_back(*ticket);
  BOOST_TEST(granted.size() == 590u);
  BOOST_TEST(burst(limits, start + 30s) == 0);
  for (auto& one : granted)
    limits.note_sent(one, start + 30s);
  BOOST_TEST(burst(limits, start + 30s) == 0);
  BOOST_TEST(burst(limits, start + 31s) == 10);
}

BOOST_AUTO_TEST_CASE(what_was_not_sent_is_given_back) {
  limiter limits(one_key(60));
  auto const wanted = limits.measure(request, call_lane::interactive);
  auto ticket = **limits.try_admit(wanted, 1h, start);
  burst(limits, start);
  limits.end_uncounted(ticket, start);
  limits.end_uncounted(ticket, start); // which is over already
  BOOST_TEST(burst(limits, start) == 1);
}

BOOST_AUTO_TEST_CASE(a_refusal_that_the_limits_do_not_explain_slows_down) {
  limiter limits(one_key(600));
  auto const now = start + 1min;
  auto const first = *admit(limits, now);
  auto const second = *admit(limits, now);
  refuse(limits, first, told().requests(600, 550), refusal(429, "ramp_limit_exceeded", 2000ms), now);
  refuse(limits, second, told().requests(600, 550), refusal(429, "ramp_limit_exceeded", 2000ms), now);
  BOOST_TEST(burst(limits, now + 1s) == 0);
  auto const passed = burst(limits, now + 2s);
  BOOST_TEST(passed > 290);
  BOOST_TEST(passed < 310);
  BOOST_TEST(burst(limits, now + 3min) == 590);
}

BOOST_AUTO_TEST_CASE(a_cold_start_rises_to_the_limit) {
  auto options = one_key(600);
  options.pacing.ramp = 100s;
  limiter limits(options);
  BOOST_TEST(burst(limits, start) == 59);
  int sent = 0;
  for (int second = 1; second <= 10; ++second)
    sent += burst(limits, start + second * 1s);
  BOOST_TEST(sent > 10);
  BOOST_TEST(sent < 30); // 100 at the full rate
  for (int second = 11; second < 200; second += 10)
    burst(limits, start + second * 1s);
  BOOST_TEST(burst(limits, start + 241s) == 500);
  BOOST_TEST(burst(limits, start + 400s) == 59); // cold again
}

// By a token bucket the rest would be back in 30 s.
BOOST_AUTO_TEST_CASE(a_slower_refill_is_heard_from_the_reset) {
  limiter limits(one_key());
  answer(limits, *admit(limits, start), told().requests(600, 300), start);
  answer(limits, *admit(limits, start), told().requests(600, 299).reset_in(120s), start);
  burst(limits, start);
  auto const passed = burst(limits, start + 10s);
  BOOST_TEST(passed > 20);
  BOOST_TEST(passed < 30);
}

BOOST_AUTO_TEST_CASE(callers_wait_in_order) {
  limiter limits(one_key(60));
  burst(limits, start);
  auto const first = queue(limits);
  auto const second = queue(limits);
  BOOST_TEST(!admit(limits, start + 1s).has_value()); // nobody overtakes
  auto const again = limits.serve(start + 1s);
  BOOST_TEST(first->ticket.open());
  BOOST_TEST(!second->ticket.open());
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((*again > start + 1s && *again <= start + 2s));
  limits.remove(*second);
  BOOST_TEST(limits.waiting() == 0u);
  BOOST_TEST(!limits.serve(start + 1h).has_value());
}

BOOST_AUTO_TEST_CASE(interactive_calls_come_first_and_batch_calls_do_not_starve) {
  limiter limits(one_key(6000));
  burst(limits, start);
  std::vector<std::unique_ptr<recording_waiter>> interactive;
  std::vector<std::unique_ptr<recording_waiter>> batch;
  for (int i = 0; i < 200; ++i) {
    batch.push_back(queue(limits, call_lane::batch));
    interactive.push_back(queue(limits));
  }
  limits.serve(start + 800ms);
  auto const served = [](auto const& lane) {
    return std::count_if(lane.begin(), lane.end(), [](auto const& one) { return one->ticket.open(); });
  };
  BOOST_TEST(served(interactive) == 70);
  BOOST_TEST(served(batch) == 10);
  limits.serve(start + 1h);
  BOOST_TEST(served(batch) == 200);
}

BOOST_AUTO_TEST_CASE(the_queue_and_the_wait_are_bounded) {
  auto options = one_key(60);
  options.pacing.max_waiting = 1;
  limiter limits(options);
  burst(limits, start);
  auto const wanted = limits.measure(request, call_lane::interactive);
  auto const impatient = limits.try_admit(wanted, 500ms, start);
  BOOST_REQUIRE(impatient.has_error());
  BOOST_TEST(impatient.error().code() == errc::rate_limited);
  BOOST_TEST(impatient.error().message() ==
             "the call's turn under the rate limits would come in about 1 s, and it may wait for 1 s");
  auto const one = queue(limits);
  auto const full = limits.try_admit(wanted, 1h, start);
  BOOST_REQUIRE(full.has_error());
  BOOST_TEST(full.error().code() == errc::rate_limited);
  BOOST_TEST(full.error().param() == "pacing.max_waiting");
  limits.remove(*one);
}

BOOST_AUTO_TEST_CASE(disabled_it_keeps_no_limit) {
  auto options = one_key(60);
  options.pacing.enabled = false;
  limiter limits(options);
  answer(limits, *admit(limits, start), told().requests(60, 0), start);
  BOOST_TEST(burst(limits, start) == 10'000);
}

BOOST_AUTO_TEST_CASE(keys_share_by_weight) {
  limiter limits(keys({1, 3}));
  std::array<int, 2> calls{};
  for (int i = 0; i < 400; ++i)
    ++calls[admit(limits, start)->key()];
  BOOST_TEST(calls[0] == 100);
  BOOST_TEST(calls[1] == 300);
}

BOOST_AUTO_TEST_CASE(each_key_has_limits_of_its_own) {
  limiter limits(keys({1, 1}, 60));
  BOOST_TEST(burst(limits, start) == 118);
}

BOOST_AUTO_TEST_CASE(a_bad_key_is_set_aside_and_comes_back) {
  limiter limits(keys({1, 1}));
  auto const first = *admit(limits, start);
  BOOST_REQUIRE(first.key() == 0u);
  BOOST_TEST(refuse(limits, first, told(), refusal(401), start));
  for (int i = 0; i < 10; ++i)
    BOOST_TEST(admit(limits, start + 59s)->key() == 1u);
  auto const trial = *admit(limits, start + 60s);
  BOOST_TEST(trial.key() == 0u);
  BOOST_TEST(admit(limits, start + 60s)->key() == 1u); // one trial at a time
  refuse(limits, trial, told(), refusal(402), start + 60s);
  BOOST_TEST(admit(limits, start + 179s)->key() == 1u);
  auto const second = *admit(limits, start + 180s);
  BOOST_REQUIRE(second.key() == 0u);
  answer(limits, second, told(), start + 180s);
  std::array<int, 2> calls{};
  for (int i = 0; i < 10; ++i)
    ++calls[admit(limits, start + 180s)->key()];
  BOOST_TEST(calls[0] == 5);
}

BOOST_AUTO_TEST_CASE(a_spend_limit_is_the_keys_a_rate_limit_is_not) {
  limiter limits(keys({1, 1}));
  BOOST_TEST(!refuse(limits, *admit(limits, start), told(), refusal(429), start));
  auto const spent = refusal(429, "enforced_spend_limit_reached");
  auto const second = *admit(limits, start);
  auto const key = second.key();
  BOOST_TEST(refuse(limits, second, told(), spent, start));
  BOOST_TEST(admit(limits, start)->key() == 1 - key);
}

// The API says that with a 400.
BOOST_AUTO_TEST_CASE(a_key_without_credit_is_set_aside) {
  limiter limits(keys({1, 1}));
  auto const first = *admit(limits, start);
  BOOST_TEST(refuse(limits, first, told(), refusal(400), start));
  BOOST_TEST(admit(limits, start)->key() == 1 - first.key());
}

BOOST_AUTO_TEST_CASE(without_a_key_calls_fail_with_the_reason) {
  limiter limits(keys({1, 1}));
  BOOST_TEST(refuse(limits, *admit(limits, start), told(), refusal(401), start));
  BOOST_TEST(!refuse(limits, *admit(limits, start), told(), refusal(401), start));
  auto const none = limits.try_admit(limits.measure(request, call_lane::interactive), 1h, start + 20s);
  BOOST_REQUIRE(none.has_error());
  BOOST_TEST(none.error().code() == errc::authentication);
  BOOST_TEST(none.error().http_status() == 401);
  BOOST_TEST(none.error().message() ==
             "all 2 API keys are set aside (api_keys), since the server refused them; key 1 is tried again in 40 s");
}

BOOST_AUTO_TEST_CASE(an_only_key_is_never_set_aside) {
  limiter limits(one_key());
  BOOST_TEST(!refuse(limits, *admit(limits, start), told(), refusal(401), start));
  BOOST_TEST(admit(limits, start).has_value());
}

BOOST_AUTO_TEST_CASE(an_open_circuit_refuses_those_who_wait_too) {
  limiter limits(one_key(600));
  std::vector<limiter::ticket> sent;
  for (int i = 0; i < 20; ++i)
    sent.push_back(*admit(limits, start));
  burst(limits, start);
  auto const waiting = queue(limits);
  auto const overloaded = refusal(529);
  for (auto& one : sent) {
    limits.note_answer(one, rate_limit_headers(), &overloaded, start);
    limits.end(one, std::nullopt, start);
  }
  limits.serve(start);
  BOOST_REQUIRE(waiting->reason.has_value());
  BOOST_TEST(waiting->reason->code() == errc::circuit_open);
  BOOST_TEST(waiting->reason->message() ==
             "the endpoint failed too often just now; nothing is sent to it for another 5000 ms (circuit_breaker). The "
             "last failure: overloaded (HTTP 529)");
  auto const refused = limits.try_admit(limits.measure(request, call_lane::interactive), 1h, start + 1s);
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(refused.error().code() == errc::circuit_open);
}

// It says nothing of the provider's own keys.
BOOST_AUTO_TEST_CASE(a_call_with_a_key_of_its_own_is_its_callers_affair) {
  limiter limits(keys({1, 1}, 60));
  burst(limits, start);
  auto wanted = limits.measure(request, call_lane::interactive);
  wanted.own_key = true;
  auto const admitted = limits.try_admit(wanted, 0s, start);
  BOOST_REQUIRE(admitted.has_value());
  BOOST_REQUIRE(admitted->has_value());
  auto ticket = **admitted;
  limits.note_sent(ticket, start);
  BOOST_TEST(!refuse(limits, ticket, told().requests(60, 0), refusal(401), start));
  BOOST_TEST(burst(limits, start + 2s) == 4);
  // Nor does it need one of them.
  limiter none(keys({1, 1}));
  for (int i = 0; i < 2; ++i)
    refuse(none, *admit(none, start), told(), refusal(401), start);
  auto own = none.measure(request, call_lane::interactive);
  own.own_key = true;
  auto const given = none.try_admit(own, 0s, start);
  BOOST_REQUIRE(given.has_value());
  BOOST_TEST(given->has_value());
}

BOOST_AUTO_TEST_CASE(one_refusal_blocks_nobody_for_long) {
  limiter limits(one_key());
  auto const running = *admit(limits, start);
  refuse(limits, *admit(limits, start), told(), refusal(429, "", 24h), start);
  BOOST_TEST(!admit(limits, start + 59s).has_value());
  BOOST_TEST(admit(limits, start + 60s).has_value());
  answer(limits, running, told(), start + 1s); // was sent before
  BOOST_TEST(!admit(limits, start + 2s).has_value());
}

BOOST_AUTO_TEST_CASE(a_key_that_may_be_tried_again_is_not_waited_past) {
  auto options = keys({1, 1});
  options.limits[0].otpm = 6000;
  limiter limits(options);
  answer(limits, *admit(limits, start), told(), start, used(1, 60'000)); // ten minutes' worth
  refuse(limits, *admit(limits, start), told(), refusal(401), start);
  auto const wanted = limits.measure(request, call_lane::interactive);
  auto const admitted = limits.try_admit(wanted, 2min, start);
  BOOST_TEST(admitted.has_value(), admitted.error());
  recording_waiter waiting(wanted);
  limits.enqueue(waiting);
  auto const again = limits.serve(start + 1s);
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((*again == start + 60s));
  limits.serve(*again);
  BOOST_TEST(waiting.ticket.open());
  BOOST_TEST(waiting.ticket.key() == 1u);
}

BOOST_AUTO_TEST_CASE(a_trial_without_an_answer_is_not_repeated_at_once) {
  limiter limits(keys({1, 1}));
  refuse(limits, *admit(limits, start), told(), refusal(401), start);
  auto const trial = *admit(limits, start + 60s);
  BOOST_REQUIRE(trial.key() == 0u);
  refuse(limits, trial, told(), refusal(529), start + 60s);
  for (int i = 0; i < 10; ++i)
    BOOST_TEST(admit(limits, start + 119s)->key() == 1u);
  BOOST_TEST(admit(limits, start + 120s)->key() == 0u);
}

BOOST_AUTO_TEST_CASE(a_probe_without_an_answer_closes_nothing) {
  auto options = one_key();
  options.breaker.min_attempts = 1;
  limiter limits(options);
  refuse(limits, *admit(limits, start), told(), refusal(529), start);
  error_details late;
  late.param = "timeout_ms.total";
  for (int i = 0; i < 3; ++i)
    refuse(limits, *admit(limits, start + 5s), told(), error(errc::timeout, 0, late), start + 6s);
  BOOST_TEST((limits.breaker().now_in(start + 6s) == circuit_breaker::state::half_open));
}

BOOST_AUTO_TEST_CASE(an_absurd_usage_stops_nothing) {
  auto options = one_key();
  options.limits[0].otpm = 6000;
  limiter limits(options);
  answer(limits, *admit(limits, start), told(), start, used(1, 9'000'000'000'000'000'000u));
  BOOST_TEST(admit(limits, start).has_value());
}

BOOST_AUTO_TEST_CASE(names_without_number_share_what_is_left) {
  limiter limits(one_key(60));
  for (int i = 0; i < 2000; ++i)
    limits.measure("{\"model\":\"m" + std::to_string(i) + "\"}", call_lane::interactive);
  auto const a = limits.measure(R"({"model":"a"})", call_lane::interactive);
  auto const b = limits.measure(R"({"model":"b"})", call_lane::interactive);
  BOOST_TEST(a.model == b.model);
}

BOOST_AUTO_TEST_SUITE_END()
