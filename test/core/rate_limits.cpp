#include "core/json_access.hpp"
#include "core/rate_limit_headers.hpp"
#include "core/request_size.hpp"
#include "core/wire_time.hpp"
#include "support/test.hpp"

#include <string>

using namespace claudio;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::sys_seconds today = std::chrono::sys_days(std::chrono::year(2026) / 11 / 28);

std::chrono::seconds::rep unix_time(std::optional<std::chrono::sys_seconds> time) {
  BOOST_REQUIRE(time.has_value());
  return time->time_since_epoch().count();
}

} // namespace

BOOST_AUTO_TEST_SUITE(rate_limit_parsing)

BOOST_AUTO_TEST_CASE(times_of_headers) {
  for (auto const* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    BOOST_TEST(unix_time(parse_http_date(text, today)) == 784111777);
  BOOST_TEST(unix_time(parse_http_date("Wed Nov 16 08:49:37 1994", today)) == 784975777);
  BOOST_TEST(unix_time(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", today)) == 1483228800);
  BOOST_TEST(unix_time(parse_rfc3339("1994-11-06T08:49:37Z")) == 784111777);
  BOOST_TEST(unix_time(parse_rfc3339("1994-11-06t08:49:37.123456z")) == 784111777);
  BOOST_TEST(unix_time(parse_rfc3339("1994-11-06T10:49:37+02:00")) == 784111777);
  BOOST_TEST(unix_time(parse_rfc3339("1994-11-05T22:19:37.5-10:30")) == 784111777);
  BOOST_TEST(unix_time(parse_rfc3339("2024-02-29T00:00:00Z")) == 1709164800);
  BOOST_TEST(unix_time(parse_rfc3339("9999-12-31T23:59:59Z")) == 253402300799);
}

BOOST_AUTO_TEST_CASE(texts_that_are_no_times) {
  for (auto const* text :
       {"", "1994", "1994-11-06", "1994-11-06T08:49:37", "1994-11-06T08:49Z", "1994-13-06T08:49:37Z",
        "1994-02-30T08:49:37Z", "1994-11-06T08:49:37.Z", "1994-11-06T08:49:37.5", "1994-11-06T99:49:37Z",
        "1994-11-06T08:49:37+2", "-994-11-06T08:49:37Z", "1994-11-06X08:49:37Z", "1994-11-06T08:49:37ZZ"})
    BOOST_TEST(!parse_rfc3339(text).has_value(), text);
  for (auto const* text : {"",
                           "Sun",
                           "Sun, 06 Foo 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 CET",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMT+1",
                           "Sun, -6 Nov 1994 08:49:37 GMT",
                           "Sun, -0 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Foo, 06 Nov 1994 08:49:37 GMT",
                           "sun, 06 Nov 1994 08:49:37 GMT",
                           "Sunday, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Sunday, 06-Nov-1994 08:49:37 GMT",
                           "Sunday, 31-Feb-94 08:49:37 GMT",
                           "Tueday, 06-Nov-94 08:49:37 GMT",
                           "Sunday, 06-Nov-9x 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov  6 08:49:37 94",
                           "Sun Nov  6 08:49:37 1994 GMT",
                           "Sun Nov   6 08:49:37 1994",
                           "Sun Nov  0 08:49:37 1994",
                           "Sun Nov 31 08:49:37 1994"})
    BOOST_TEST(!parse_http_date(text, today).has_value(), text);
  // At every cut, and with each byte spoilt.
  for (std::string const whole :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    for (std::size_t i = 0; i < whole.size(); ++i) {
      BOOST_TEST(!parse_http_date(whole.substr(0, i), today).has_value());
      for (char const spoilt : {'\0', '\xff', '+'}) {
        auto text = whole;
        text[i] = spoilt;
        BOOST_TEST(!parse_http_date(text, today).has_value(), text);
      }
    }
}

// RFC 9110 5.6.7: more than 50 years in the future is the most recent year in the past with these digits.
BOOST_AUTO_TEST_CASE(years_of_two_digits) {
  auto const year_of = [](std::string const& digits, std::chrono::sys_seconds now, std::string const& day = "01-Jan-") {
    auto const time = parse_http_date("Monday, " + day + digits + " 00:00:00 GMT", now).value();
    return static_cast<int>(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(time)).year());
  };
  BOOST_TEST(year_of("26", today) == 2026);
  BOOST_TEST(year_of("76", today) == 2076);
  BOOST_TEST(year_of("77", today) == 1977);
  BOOST_TEST(year_of("00", today) == 2000);
  BOOST_TEST(year_of("99", today) == 1999);
  std::chrono::sys_seconds const in_1999 = std::chrono::sys_days(std::chrono::year(1999) / 12 / 31);
  BOOST_TEST(year_of("99", in_1999) == 1999);
  BOOST_TEST(year_of("00", in_1999) == 2000);
  BOOST_TEST(year_of("49", in_1999) == 2049);
  BOOST_TEST(year_of("50", in_1999) == 1950);
  // To the second: 50 years from today are not more than 50.
  BOOST_TEST(year_of("76", today, "28-Nov-") == 2076);
  BOOST_TEST(year_of("76", today, "29-Nov-") == 1976);
}

BOOST_AUTO_TEST_CASE(what_an_answer_says_of_its_limits) {
  rate_limit_headers told;
  told.date("Sun, 06 Nov 1994 08:49:37 GMT");
  told.read("anthropic-ratelimit-requests-limit", "4000");
  told.read("anthropic-ratelimit-requests-remaining", "3999");
  told.read("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:57Z");
  told.read("anthropic-ratelimit-tokens-limit", "7");
  told.read("anthropic-ratelimit-tokens-remaining", "7");
  told.read("anthropic-ratelimit-output-tokens-limit", "80000");
  told.read("anthropic-ratelimit-output-tokens-remaining", "nonsense");
  auto const requests = told.find(rate_limit_kind::requests);
  BOOST_REQUIRE(requests.has_value());
  BOOST_TEST(requests->limit == 4000);
  BOOST_TEST(requests->remaining == 3999);
  BOOST_TEST((told.time_to_reset(rate_limit_kind::requests) == 20s));
  BOOST_TEST(!told.find(rate_limit_kind::input_tokens).has_value());
  BOOST_TEST(!told.find(rate_limit_kind::output_tokens).has_value());
  BOOST_TEST(!told.time_to_reset(rate_limit_kind::output_tokens).has_value());
}

// Our own clock is not asked, so that one that is wrong does no harm.
BOOST_AUTO_TEST_CASE(a_reset_without_the_servers_date_says_nothing) {
  rate_limit_headers told;
  told.read("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:57Z");
  BOOST_TEST(!told.time_to_reset(rate_limit_kind::requests).has_value());
}

BOOST_AUTO_TEST_CASE(limits_of_nothing_are_none) {
  rate_limit_headers told;
  told.read("anthropic-ratelimit-requests-limit", "0");
  told.read("anthropic-ratelimit-requests-remaining", "0");
  told.read("anthropic-ratelimit-input-tokens-limit", "-5");
  told.read("anthropic-ratelimit-input-tokens-remaining", "5");
  BOOST_TEST(!told.find(rate_limit_kind::requests).has_value());
  BOOST_TEST(!told.find(rate_limit_kind::input_tokens).has_value());
}

BOOST_AUTO_TEST_CASE(what_a_request_is_going_to_cost) {
  std::string const request =
      R"({"metadata": {"model": "inner", "max_tokens": 1}, "system": "say \"model\": {", "model" : "claude-sonnet-4-6",)"
      R"("messages":[{"role":"user","content":"a \\"}],"max_tokens":  1024})";
  auto const size = measure_request(request);
  BOOST_TEST(size.model == "claude-sonnet-4-6");
  BOOST_TEST(size.max_tokens.value() == 1024u);
  BOOST_TEST(size.bytes == request.size());
}

BOOST_AUTO_TEST_CASE(an_image_counts_as_one_not_as_its_bytes) {
  auto const request = [](std::string const& data) {
    return R"({"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"data":")" + data +
           R"("}}]}]})";
  };
  auto const empty = measure_request(request("")).bytes;
  BOOST_TEST(measure_request(request(std::string(100'000, 'A'))).bytes == empty + 6400);
  std::string other_script;
  while (other_script.size() < 100'000)
    other_script += "\xe8\xa9\xb1";
  BOOST_TEST(measure_request(request(other_script)).bytes == empty + other_script.size());
  std::string prose;
  while (prose.size() < 100'000)
    prose += "word by word ";
  BOOST_TEST(measure_request(request(prose)).bytes == empty + prose.size());
}

// Who serializes a request knows its text without reading it once more.
BOOST_AUTO_TEST_CASE(the_text_of_a_request_is_measured_alike_before_and_after_it_is_serialized) {
  std::string const image(100'000, 'A');
  std::string const block = R"({"type":"image","source":{"type":"base64","data":")" + image + R"("}})";
  for (auto const& content :
       {std::string("\"Hello!\""), "[" + block + "]", "[" + block + "," + block + "]",
        R"([{"type":"tool_result","content":[)" + block + R"(]},{"type":"text","text":"x"}])",
        "[{\"type\":\"text\",\"text\":\"" + std::string(9000, ' ') + "\"},7,null]", std::string("7")}) {
    auto const text = R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":)" + content + "}]}";
    auto const request = parse_json(text).value();
    auto const bytes = measure_text(request.as_object(), text.size());
    BOOST_TEST(bytes == measure_request(text).bytes);
    auto const known = measure_request(text, bytes);
    BOOST_TEST(known.bytes == bytes);
    BOOST_TEST(known.model == "m");
    BOOST_TEST(known.max_tokens.value() == 5u);
  }
}

BOOST_AUTO_TEST_CASE(texts_that_are_no_requests_are_read_to_their_end) {
  for (std::string const text :
       {"", "{", "\"", "{\"model", "{\"model\"", "{\"model\":", "{\"model\":\"", "{\"model\":\"x\\", "}}}}\"\\\"",
        "{\"max_tokens\":-5}", "{\"max_tokens\":99999999999999999999999}", "{\"model\":{\"max_tokens\":3}}"}) {
    auto const size = measure_request(text);
    BOOST_TEST(!size.max_tokens.has_value(), text);
    BOOST_TEST(size.bytes == text.size());
  }
}

BOOST_AUTO_TEST_SUITE_END()
