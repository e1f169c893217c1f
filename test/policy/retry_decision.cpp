#include "support/test.hpp"

#include <claudio/retry_policy.hpp>

using namespace claudio;
using namespace std::chrono_literals;

namespace {

error failed(errc code, int status, std::optional<std::chrono::milliseconds> retry_after = std::nullopt,
             std::optional<bool> should_retry = std::nullopt, std::string error_code = std::string()) {
  error_details details;
  details.message = "m";
  details.retry_after = retry_after;
  details.should_retry = should_retry;
  details.error_code = std::move(error_code);
  return error(code, status, std::move(details));
}

retry_policy without_jitter() {
  retry_policy policy;
  policy.jitter = false;
  return policy;
}

} // namespace

BOOST_AUTO_TEST_SUITE(retry_decisions)

// The guide: at most 3 retries, base 1 s, cap 60 s, jitter.
BOOST_AUTO_TEST_CASE(the_defaults_are_the_guides) {
  retry_policy const policy;
  BOOST_TEST(policy.max_retries == 3u);
  BOOST_TEST((policy.base_delay == 1s));
  BOOST_TEST((policy.max_delay == 60s));
  BOOST_TEST(policy.jitter);
}

// None overflows, or turns into a short one.
BOOST_AUTO_TEST_CASE(delays_of_any_length) {
  constexpr auto longest = std::chrono::milliseconds::max();
  constexpr auto year = std::chrono::hours(24 * 365);
  for (auto const asked : {longest, longest - 1ms, longest / 2, longest / 1'000'000})
    for (double const u01 : {0.0, 0.5, 1.0}) {
      retry_policy policy;
      policy.base_delay = asked;
      policy.max_delay = longest;
      auto const soon = decide(policy, 1, failed(errc::rate_limited, 429, asked), std::chrono::nanoseconds(1h), u01);
      BOOST_TEST(!soon.retry);
      for (unsigned number = 1; number <= policy.max_retries; ++number) {
        auto const some_day = decide(policy, number, failed(errc::overloaded, 529), std::nullopt, u01);
        BOOST_TEST(some_day.retry);
        BOOST_TEST((some_day.delay >= year / 2 && some_day.delay <= year));
      }
      auto const told = decide(policy, 1, failed(errc::overloaded, 529, asked), std::chrono::nanoseconds::max(), u01);
      BOOST_TEST(told.retry);
      BOOST_TEST((told.delay >= year && told.delay <= 2 * year));
    }
  auto policy = without_jitter();
  policy.base_delay = std::chrono::milliseconds::min();
  BOOST_TEST((decide(policy, 2, failed(errc::overloaded, 529), std::nullopt, 0).delay == 0ms));
  auto const past = failed(errc::overloaded, 529, std::chrono::milliseconds::min());
  BOOST_TEST((decide(policy, 1, past, std::chrono::nanoseconds(1h), 0).delay == 0ms));
  BOOST_TEST(!decide(policy, 1, past, std::chrono::nanoseconds::min(), 0).retry);
}

BOOST_AUTO_TEST_CASE(which_statuses_are_tried_again) {
  struct row {
    errc code;
    int status;
    bool retry;
  };
  row const rows[] = {{errc::invalid_request, 400, false},
                      {errc::authentication, 401, false},
                      {errc::billing, 402, false},
                      {errc::permission, 403, false},
                      {errc::model_not_found, 404, false},
                      {errc::timeout, 408, true},
                      {errc::conflict, 409, true},
                      {errc::request_too_large, 413, false},
                      {errc::invalid_request, 422, false},
                      {errc::rate_limited, 429, true},
                      {errc::server_error, 500, true},
                      {errc::server_error, 501, false},
                      {errc::server_error, 502, true},
                      {errc::server_error, 503, true},
                      {errc::server_error, 504, true},
                      {errc::server_error, 505, false},
                      {errc::overloaded, 529, true},
                      {errc::overloaded, 200, true},
                      {errc::connect, 0, true},
                      {errc::timeout, 0, true},
                      {errc::tls, 0, false},
                      {errc::protocol, 0, false},
                      {errc::cancelled, 0, false},
                      {errc::configuration, 0, false},
                      {errc::transformation, 0, false},
                      {errc::unsupported, 0, false}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(to_string(row.code) << " " << row.status)
  BOOST_TEST(decide(retry_policy(), 1, failed(row.code, row.status), std::nullopt, 0.5).retry == row.retry);
  // Cloudflare's 520 to 527 and 530 among them.
  for (int status = 500; status <= 999; ++status) {
    bool const lasts = status == 501 || status == 505 || status == 525 || status == 526;
    auto const code = status == 529 ? errc::overloaded : errc::server_error;
    BOOST_TEST(decide(retry_policy(), 1, failed(code, status), std::nullopt, 0.5).retry == !lasts, status);
  }
}

// A stream before its first event, and an answer that ended early, say so; a stream that had begun does not.
BOOST_AUTO_TEST_CASE(what_ended_early_is_tried_again) {
  auto const decided = [](errc code, int status, std::optional<bool> should_retry) {
    return decide(retry_policy(), 1, failed(code, status, std::nullopt, should_retry), std::nullopt, 0.5).retry;
  };
  BOOST_TEST(decided(errc::stream_truncated, 0, true));
  BOOST_TEST(!decided(errc::stream_truncated, 0, std::nullopt));
  BOOST_TEST(decided(errc::protocol, 200, true));
  BOOST_TEST(!decided(errc::protocol, 200, std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_delay_doubles_up_to_the_cap) {
  auto policy = without_jitter();
  policy.max_retries = 100;
  auto const delay = [&](unsigned number) {
    return decide(policy, number, failed(errc::server_error, 500), std::nullopt, 0.9).delay;
  };
  BOOST_TEST((delay(1) == 1s));
  BOOST_TEST((delay(2) == 2s));
  BOOST_TEST((delay(3) == 4s));
  BOOST_TEST((delay(6) == 32s));
  BOOST_TEST((delay(7) == 60s));
  BOOST_TEST((delay(100) == 60s));
}

BOOST_AUTO_TEST_CASE(jitter_takes_up_to_a_half) {
  retry_policy const policy;
  auto const delay = [&](double u01) {
    return decide(policy, 2, failed(errc::server_error, 500), std::nullopt, u01).delay;
  };
  BOOST_TEST((delay(0) == 2s));
  BOOST_TEST((delay(0.5) == 1500ms));
  BOOST_TEST((delay(0.999) >= 1s));
}

BOOST_AUTO_TEST_CASE(the_retries_end) {
  auto const e = failed(errc::server_error, 500);
  BOOST_TEST(decide(retry_policy(), 3, e, std::nullopt, 0).retry);
  auto const last = decide(retry_policy(), 4, e, std::nullopt, 0);
  BOOST_TEST(!last.retry);
  BOOST_TEST(last.reason == "the retries are used up");
  retry_policy never;
  never.max_retries = 0;
  BOOST_TEST(!decide(never, 1, e, std::nullopt, 0).retry);
}

BOOST_AUTO_TEST_CASE(the_server_decides_first) {
  BOOST_TEST(!decide(retry_policy(), 1, failed(errc::overloaded, 529, std::nullopt, false), std::nullopt, 0).retry);
  BOOST_TEST(decide(retry_policy(), 1, failed(errc::invalid_request, 400, std::nullopt, true), std::nullopt, 0).retry);
  BOOST_TEST(!decide(retry_policy(), 4, failed(errc::overloaded, 529, std::nullopt, true), std::nullopt, 0).retry);
}

BOOST_AUTO_TEST_CASE(retry_after_is_obeyed_with_jitter_on_top) {
  auto const asked = failed(errc::rate_limited, 429, 120'000ms);
  BOOST_TEST((decide(without_jitter(), 1, asked, std::nullopt, 0.5).delay == 120s));
  BOOST_TEST((decide(retry_policy(), 1, asked, std::nullopt, 0).delay == 120s));
  BOOST_TEST((decide(retry_policy(), 1, asked, std::nullopt, 0.5).delay == 120'500ms));
}

BOOST_AUTO_TEST_CASE(a_spend_limit_is_not_waited_for) {
  for (char const* code : {"enforced_spend_limit_reached", "contract_spend_limit_reached"})
    BOOST_TEST(
        !decide(retry_policy(), 1, failed(errc::rate_limited, 429, 1s, std::nullopt, code), std::nullopt, 0).retry);
}

BOOST_AUTO_TEST_CASE(no_retry_that_could_not_begin_before_the_deadline) {
  auto const e = failed(errc::rate_limited, 429, 10'000ms);
  BOOST_TEST(!decide(without_jitter(), 1, e, 10s, 0).retry);
  BOOST_TEST(!decide(without_jitter(), 1, e, -1s, 0).retry);
  BOOST_TEST(decide(without_jitter(), 1, e, 10'001ms, 0).retry);
}

BOOST_AUTO_TEST_SUITE_END()
