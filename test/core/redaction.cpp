#include "core/redaction.hpp"

#include "core/credential_header.hpp"
#include "core/printable.hpp"
#include "support/test.hpp"

#include <boost/json/serialize.hpp>

using namespace claudio;

namespace {

constexpr std::string_view secrets[] = {"sk-ant-api03-verysecret_KEY-0123456789", "a plain \"password\"", "short"};

std::string text_of(boost::json::value const& value) { return boost::json::serialize(value); }

} // namespace

BOOST_AUTO_TEST_SUITE(redaction)

BOOST_AUTO_TEST_CASE(an_answer_says_no_secret_of_itself) {
  for (std::string const secret :
       {"sk-ant-api03-verysecret_KEY-0123456789", "sk-ant-another", "a plain \"password\""}) {
    auto answer = test::json(R"({"id":"","model":"","stop_reason":"","new":[{"deep":""}],"usage":{"service_tier":"",
        "output_tokens":3},"content":[{"type":"","text":""}]})")
                      .as_object();
    auto const put = [&](boost::json::value& place) { place = "x " + secret; };
    put(answer["id"]);
    put(answer["model"]);
    put(answer["stop_reason"]);
    put(answer["new"].at(0).as_object()["deep"]);
    put(answer["usage"].as_object()["service_tier"]);
    auto& block = answer["content"].as_array()[0].as_object();
    put(block["type"]);
    auto const content = "what was asked for: " + secret;
    block["text"] = content;
    redact_answer(answer, secrets);
    BOOST_TEST(block["text"] == boost::json::string_view(content)); // the caller's
    block.erase("text");
    BOOST_TEST(answer["model"] == "x [key removed]");
    auto const rest = text_of(answer);
    BOOST_TEST(rest.find("sk-ant-") == std::string::npos);
    BOOST_TEST(rest.find("plain") == std::string::npos);
    BOOST_TEST(answer["usage"].at("output_tokens") == 3);
  }
}

BOOST_AUTO_TEST_CASE(what_has_no_secret_stays_as_it_is) {
  auto const text =
      R"({"model":"a  b\nshort","content":[{"type":"text","text":"sk-ant-api03-verysecret_KEY-0123456789"}]})";
  auto answer = test::json(text).as_object();
  redact_answer(answer, secrets);
  BOOST_TEST(text_of(answer) == text_of(test::json(text)));
}

BOOST_AUTO_TEST_CASE(events_say_none_either) {
  constexpr std::string_view key = secrets[0];
  auto event = test::json(R"({"type":"message_start","message":{"model":"","content":[]}})").as_object();
  event["message"].as_object()["model"] = boost::json::string_view(key.data(), key.size());
  redact_event(event, secrets);
  BOOST_TEST(event["message"].at("model") == "[key removed]");

  event = test::json(R"({"type":"message_delta","delta":{"stop_reason":"sk-ant-x"},"usage":{"output_tokens":1}})")
              .as_object();
  redact_event(event, secrets);
  BOOST_TEST(event["delta"].at("stop_reason") == "[key removed]");

  auto const content = R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":"sk-ant-x"}})";
  event = test::json(content).as_object();
  redact_event(event, secrets);
  BOOST_TEST(text_of(event) == text_of(test::json(content)));
  event["content_block"].as_object()["type"] = "sk-ant-x";
  redact_event(event, secrets);
  BOOST_TEST(event["content_block"].at("type") == "[key removed]");
}

BOOST_AUTO_TEST_CASE(printable_lines) {
  for (auto const* text : {"", "plain ~", "ä € 😀", "\xc2\xa0", "\xe2\x80\xaa"})
    BOOST_TEST(is_printable_line(text), text);
  struct row {
    std::string_view text;
    std::string_view shown;
  };
  row const rows[] = {{std::string_view("a\0b", 3), "a b"},
                      {"a\tb\r\nc\x7f", "a b  c "},
                      {"\x1b[2J", " [2J"},
                      {"a\xc2\x85"
                       "b\xc2\x9f",
                       "a b "},
                      {"\xe2\x80\xa8\xe2\x80\xa9", "  "},
                      {"\x80\xff", "\uFFFD\uFFFD"},
                      {"\xe2\x82", "\uFFFD\uFFFD"},
                      {"\xc0\xaf", "\uFFFD\uFFFD"},
                      {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
                      {"ä\xe4 €", "ä\uFFFD €"}};
  for (auto const& row : rows) {
    BOOST_TEST(!is_printable_line(row.text));
    BOOST_TEST(printable_line(row.text) == row.shown);
    BOOST_TEST(is_printable_line(printable_line(row.text)));
  }
  BOOST_TEST(printable_line("a\nb", '?') == "a?b");
  // Whatever the bytes are.
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      std::string const text{static_cast<char>(first), static_cast<char>(second), 'x'};
      BOOST_TEST(is_printable_line(printable_line(text)));
    }
}

BOOST_AUTO_TEST_CASE(which_headers_carry_credentials) {
  for (auto const& [name, value] :
       {std::pair("X-API-Key", "k"), std::pair("Authorization", "x"), std::pair("proxy-authorization", "x"),
        std::pair("cookie", "a=b"), std::pair("x-amz-security-token", "x"), std::pair("x-gateway", "Bearer abc"),
        std::pair("x-gateway", "basic YTpi"), std::pair("x-gateway", "my sk-ant-x"),
        std::pair("x-jwt-assertion", "eyJhbGciOiJIUzI1NiJ9.e30.x")})
    BOOST_TEST(carries_credential(name, value), name << ": " << value);
  for (auto const& [name, value] :
       {std::pair("anthropic-beta", "files-api-2025-04-14"), std::pair("traceparent", "00-0af7"),
        std::pair("x-tenant", "bearer"), std::pair("user-agent", "mine/1")})
    BOOST_TEST(!carries_credential(name, value), name << ": " << value);
}

BOOST_AUTO_TEST_SUITE_END()
