#include "core/response_error.hpp"

#include "support/test.hpp"

#include <claudio/secret.hpp>

using namespace claudio;

namespace {

constexpr std::string_view key = "sk-ant-api03-verysecret_KEY-0123456789";
constexpr std::string_view keys[] = {key};
auto const now = std::chrono::system_clock::from_time_t(1'800'000'000);

error make(int status, std::string_view body) {
  response_facts facts;
  facts.status = status;
  facts.body = body;
  return make_response_error(facts, keys, now);
}

std::string api_body(std::string_view type) {
  return R"({"type":"error","error":{"type":")" + std::string(type) +
         R"(","message":"what happened"},"request_id":"req_1"})";
}

} // namespace

BOOST_AUTO_TEST_SUITE(response_errors)

// The guide's error table, and what the API documents beyond it.
BOOST_AUTO_TEST_CASE(the_nested_type_decides_then_the_status) {
  struct row {
    int status;
    char const* type;
    errc code;
  };
  row const rows[] = {{400, "invalid_request_error", errc::invalid_request},
                      {401, "authentication_error", errc::authentication},
                      {402, "billing_error", errc::billing},
                      {403, "permission_error", errc::permission},
                      {404, "not_found_error", errc::model_not_found},
                      {408, "request_timeout", errc::timeout},
                      {409, "conflict_error", errc::conflict},
                      {413, "request_too_large", errc::request_too_large},
                      {422, "unknown_new_error", errc::invalid_request},
                      {429, "rate_limit_error", errc::rate_limited},
                      {500, "api_error", errc::server_error},
                      {501, "api_error", errc::server_error},
                      {502, "api_error", errc::server_error},
                      {503, "api_error", errc::server_error},
                      {504, "timeout_error", errc::server_error},
                      {529, "overloaded_error", errc::overloaded},
                      {500, "overloaded_error", errc::overloaded},
                      {200, "overloaded_error", errc::overloaded},
                      {200, "some_new_error", errc::server_error}};
  for (auto const& row : rows) {
    auto const e = make(row.status, api_body(row.type));
    BOOST_TEST_CONTEXT(row.status << " " << row.type) {
      BOOST_TEST(e.code() == row.code);
      BOOST_TEST(e.http_status() == row.status);
      BOOST_TEST(e.type() == row.type);
      BOOST_TEST(e.message() == "what happened");
      BOOST_TEST(e.request_id() == "req_1");
    }
  }
}

// A 400 of the type of a wrong request, by what its message begins with; also in a stream.
BOOST_AUTO_TEST_CASE(an_account_without_credit_is_about_billing) {
  auto const code_of = [](std::string_view message) {
    return make(400, R"({"type":"error","error":{"type":"invalid_request_error","message":")" + std::string(message) +
                         "\"}}")
        .code();
  };
  BOOST_TEST(code_of("Your credit balance is too low to access the Anthropic API.") == errc::billing);
  BOOST_TEST(code_of("You have reached your specified API usage limits.") == errc::billing);
  BOOST_TEST(code_of("Tool 'your credit balance is too low' not found") == errc::invalid_request);
  response_facts facts;
  facts.status = 200;
  facts.body =
      R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low."}})";
  BOOST_TEST(make_stream_error(facts, {}, {}).code() == errc::billing);
}

BOOST_AUTO_TEST_CASE(value_throws_the_class_that_fits) {
  auto const thrown = [](int status, std::string_view type) { result<int>(make(status, api_body(type))).value(); };
  BOOST_CHECK_THROW(thrown(401, "authentication_error"), authentication_error);
  BOOST_CHECK_THROW(thrown(403, "permission_error"), authentication_error);
  BOOST_CHECK_THROW(thrown(429, "rate_limit_error"), rate_limit_error);
  BOOST_CHECK_THROW(thrown(404, "not_found_error"), model_not_found_error);
  BOOST_CHECK_THROW(thrown(400, "invalid_request_error"), invalid_request_error);
  BOOST_CHECK_THROW(thrown(500, "api_error"), server_error);
  BOOST_CHECK_THROW(thrown(504, "timeout_error"), server_error);
  BOOST_CHECK_THROW(thrown(529, "overloaded_error"), server_error);
  BOOST_CHECK_THROW(thrown(402, "billing_error"), api_error);
  BOOST_CHECK_THROW(result<int>(error(errc::connect, "x")).value(), connection_error);
  BOOST_CHECK_THROW(result<int>(error(errc::timeout, "x")).value(), timeout_error);
  BOOST_CHECK_THROW(result<int>(error(errc::cancelled, "x")).value(), cancelled_error);
  BOOST_CHECK_THROW(result<int>(error(errc::configuration, "x")).value(), configuration_error);
}

BOOST_AUTO_TEST_CASE(foreign_bodies_are_quoted_briefly) {
  for (std::string_view const body : {"<html><body>502 Bad Gateway</body></html>", "", "{\"type\":\"error\",\"err",
                                      "[1,2]", "{}", "{\"error\":\"a string\"}", "\xff\xfe\x00binary"}) {
    auto const e = make(502, body);
    BOOST_TEST(e.code() == errc::server_error);
    BOOST_TEST(e.message().find("HTTP status 502") != std::string::npos);
    BOOST_TEST(e.type().empty());
  }
  BOOST_TEST(make(200, "{}").code() == errc::protocol);
  BOOST_TEST(make(404, "nginx").code() == errc::model_not_found);
  auto const long_one = make(500, std::string(100'000, 'x'));
  BOOST_TEST(long_one.message().find(std::string(512, 'x')) != std::string::npos);
  BOOST_TEST(long_one.message().find(std::string(513, 'x')) == std::string::npos);
  // Cut between characters, not inside one.
  auto const umlauts = make(
      500, "x" + [] {
        std::string text;
        for (int i = 0; i < 400; ++i)
          text += "ä";
        return text;
      }());
  BOOST_TEST(umlauts.message().ends_with("ä"));
}

// Whatever the framing says: the JSON tells that it is not all there.
BOOST_AUTO_TEST_CASE(json_that_ends_early_is_worth_a_retry) {
  std::string const whole = R"( {"type":"message","content":[{"text":"\u00e4ä"}],"usage":{"output_tokens":12}} )";
  auto const last = whole.rfind('}');
  auto const worth = [](std::string_view body, std::string_view type, int status = 200,
                        std::string_view should_retry = std::string_view()) {
    response_facts facts;
    facts.status = status;
    facts.body = body;
    facts.content_type = type;
    facts.should_retry = should_retry;
    return make_response_error(facts, keys, now).should_retry();
  };
  for (std::size_t size = 0; size <= last; ++size)
    for (auto const* type : {"application/json", "Application/JSON ;charset=utf-8"})
      BOOST_TEST((worth(std::string_view(whole).substr(0, size), type) == true), size);
  BOOST_TEST(!worth(whole, "application/json").has_value());
  BOOST_TEST(!worth("{}", "application/json").has_value());
  BOOST_TEST(!worth("[1,}", "application/json").has_value());
  BOOST_TEST(!worth("", "").has_value());
  BOOST_TEST(!worth("{\"", "text/html").has_value());
  BOOST_TEST(!worth("{\"", "application/jsonp").has_value());
  BOOST_TEST((worth("", "application/json", 200, "false") == false));
  BOOST_TEST(!worth("", "application/json", 400).has_value());
  response_facts facts;
  facts.status = 200;
  facts.content_type = "application/json";
  BOOST_TEST(make_response_error(facts, keys, now).message() ==
             "HTTP status 200 with a JSON answer that ends early, after 0 bytes");
}

BOOST_AUTO_TEST_CASE(coded_bodies_are_not_shown) {
  for (auto const* coding : {"gzip", "GZIP", "br", "identity, zstd", "x-\xff", "deflate ;q=1"})
    for (int const status : {200, 401, 503}) {
      response_facts facts;
      facts.status = status;
      facts.body = "\x1f\x8b\x08garbage";
      facts.content_type = "application/json";
      facts.content_encoding = coding;
      auto const e = make_response_error(facts, keys, now);
      BOOST_TEST(
          e.message().starts_with("HTTP status " + std::to_string(status) + " with a body in the content-coding \""));
      BOOST_TEST(e.message().find("garbage") == std::string::npos);
      BOOST_TEST(!e.should_retry().has_value());
      BOOST_TEST(e.code() == make(status, "").code());
    }
  for (auto const* none : {"", "identity", "Identity", "identity, identity", " ,"})
    BOOST_TEST(!has_content_coding(none), none);
  // Empty, and still not for a retry.
  response_facts facts;
  facts.status = 200;
  facts.content_type = "application/json";
  facts.content_encoding = "gzip";
  BOOST_TEST(!make_response_error(facts, keys, now).should_retry().has_value());
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_show_as_such) {
  response_facts facts;
  facts.status = 502;
  facts.body = "caf\xe9 \xf0\x9f\x98 \xed\xa0\x80 \xc2\x9b[31m a\xc2\x85"
               "b\xe2\x80\xa8"
               "c\xe2\x80\xa9"
               "d ä";
  facts.content_type = "text/\xff";
  facts.request_id = "req_\xfe\xc2\x85x";
  auto const e = make_response_error(facts, keys, now);
  BOOST_TEST(e.message() == "HTTP status 502 with a body that is not a Messages API answer (text/\uFFFD): caf\uFFFD "
                            "\uFFFD\uFFFD\uFFFD \uFFFD\uFFFD\uFFFD [31m a b c d ä");
  BOOST_TEST(e.request_id() == "req_\uFFFD x");
  BOOST_TEST(error(errc::configuration, "models[0].name: \"\xff\xc2\x85\"").to_string() ==
             "configuration: models[0].name: \"\uFFFD \"");
}

BOOST_AUTO_TEST_CASE(redirects_say_where_to) {
  response_facts facts;
  facts.status = 301;
  facts.location = "https://elsewhere.example/v1";
  auto const e = make_response_error(facts, keys, now);
  BOOST_TEST(e.code() == errc::protocol);
  BOOST_TEST(e.message().find("https://elsewhere.example/v1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(keys_never_show) {
  std::string const echo = "your x-api-key: " + std::string(key) + " and sk-ant-other-KEY_1, sk-ant-";
  for (std::string const& body :
       {echo, std::string(490, ' ') + std::string(490, 'y') + echo,
        R"({"type":"error","error":{"type":"authentication_error","message":")" + echo + R"("}})"}) {
    auto const e = make(401, body);
    BOOST_TEST(e.to_string().find("verysecret") == std::string::npos);
    BOOST_TEST(e.to_string().find("other-KEY") == std::string::npos);
    BOOST_TEST(std::string(api_error(e).what()).find("verysecret") == std::string::npos);
  }
  std::string_view const plain[] = {"plain-key-without-prefix", "short"};
  response_facts facts;
  facts.status = 400;
  facts.body = "a plain-key-without-prefix b short";
  BOOST_TEST(make_response_error(facts, plain, now).message().ends_with(": a [key removed] b short"));
}

BOOST_AUTO_TEST_CASE(texts_are_one_line_and_bounded) {
  std::string const huge(3'000'000, 'm');
  auto const e = make(400, R"({"type":"error","error":{"type":"a\nb\u001b[31m","message":")" + huge +
                               R"("},"request_id":"req\r\nforged: line"})");
  BOOST_TEST(e.type() == "a b [31m");
  BOOST_TEST(e.request_id() == "req forged: line");
  BOOST_TEST(e.message().size() == 4096u);
  std::string keys_galore;
  for (int i = 0; i < 1'000'000; ++i)
    keys_galore += "sk-ant- ";
  BOOST_TEST(make(500, keys_galore).message().size() < 700u);
}

BOOST_AUTO_TEST_CASE(what_the_server_asks_of_the_caller) {
  response_facts facts;
  facts.status = 429;
  facts.body = R"({"type":"error","error":{"type":"rate_limit_error","message":"m",)"
               R"("details":{"error_code":"enforced_spend_limit_reached"}}})";
  facts.request_id = "req_header";
  facts.retry_after = "7";
  facts.should_retry = "false";
  auto const e = make_response_error(facts, keys, now);
  BOOST_TEST(e.retry_after()->count() == 7000);
  BOOST_TEST(e.should_retry().value() == false);
  BOOST_TEST(e.error_code() == "enforced_spend_limit_reached");
  BOOST_TEST(e.request_id() == "req_header");
  facts.retry_after = "Sun, 06 Nov 1994 08:49:47 GMT";
  facts.date = "Sunday, 06-Nov-94 08:49:37 GMT";
  BOOST_TEST(make_response_error(facts, keys, now).retry_after()->count() == 10'000);
}

BOOST_AUTO_TEST_CASE(an_error_fits_frames) {
  BOOST_TEST(sizeof(error) <= 32u);
  error const none;
  BOOST_TEST(none.code() == errc::none);
  BOOST_TEST(none.message().empty());
}

BOOST_AUTO_TEST_CASE(secrets_show_a_hint_only) {
  BOOST_TEST(secret(std::string(key)).hint() == "…6789");
  BOOST_TEST(secret("short").hint() == "…");
  secret first(std::string(key).substr());
  secret const second(std::move(first));
  BOOST_TEST(first.empty()); // NOLINT: wiped, not just moved from
  BOOST_TEST(second.reveal() == key);
}

BOOST_AUTO_TEST_SUITE_END()
