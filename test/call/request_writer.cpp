#include "call/request_writer.hpp"

#include "support/test.hpp"

using namespace claudio;

namespace {

provider_options options_with(header_list headers) {
  provider_options options;
  options.api_key = secret("the-key");
  options.headers = std::move(headers);
  return options;
}

std::string write(header_list configured, header_list const& more) {
  auto const base = api_base::parse("https://api.example:8443/base/v1").value();
  auto const request = request_writer(base, "/messages", options_with(std::move(configured)))
                           .write(detail::call_request("{}"), more)
                           .value();
  auto pieces = request.pieces();
  return std::string(pieces.views()[0]) + std::string(pieces.views()[1]);
}

} // namespace

BOOST_AUTO_TEST_SUITE(request_writers)

BOOST_AUTO_TEST_CASE(the_wire) {
  BOOST_TEST(write({}, {}) == "POST /base/v1/messages HTTP/1.1\r\n"
                              "host: api.example:8443\r\n"
                              "user-agent: claudio/0.1.0\r\n"
                              "accept: application/json\r\n"
                              "accept-encoding: identity\r\n"
                              "content-type: application/json\r\n"
                              "anthropic-version: 2023-06-01\r\n"
                              "x-api-key: the-key\r\n"
                              "content-length: 2\r\n"
                              "\r\n"
                              "{}");
}

BOOST_AUTO_TEST_CASE(headers_of_a_call_replace_those_of_the_provider) {
  auto const request =
      write({{"X-Team", "a"}, {"x-other", "o"}}, {{"x-team", "b"}, {"Anthropic-Version", "2026-10-21"}});
  BOOST_TEST(request.find("x-team: b\r\n") != std::string::npos);
  BOOST_TEST(request.find("x-team: a\r\n") == std::string::npos);
  BOOST_TEST(request.find("x-other: o\r\n") != std::string::npos);
  BOOST_TEST(request.find("anthropic-version: 2026-10-21\r\n") != std::string::npos);
  BOOST_TEST(request.find("2023-06-01") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(betas_are_merged) {
  auto const request =
      write({{"anthropic-beta", "one, two"}}, {{"anthropic-beta", "two,three"}, {"Anthropic-Beta", "four"}});
  BOOST_TEST(request.find("anthropic-beta: one, two,three,four\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(headers_cannot_break_out) {
  for (auto const& [name, value] : header_list{{"x", "a\r\nx-injected: 1"},
                                               {"x", "a\nb"},
                                               {"x", std::string("a\0b", 3)},
                                               {"x y", "a"},
                                               {"x:", "a"},
                                               {"", "a"},
                                               {"x\r\n", "a"},
                                               {"Content-Length", "5"},
                                               {"transfer-encoding", "chunked"},
                                               {"HOST", "h"}}) {
    BOOST_TEST_CONTEXT(name) {
      auto const checked = check_header(name, value);
      BOOST_REQUIRE(checked.has_error());
      BOOST_TEST(checked.error().code() == errc::configuration);
    }
  }
  BOOST_TEST(check_header("X-Trace_1", "tab\tand ümlaut").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
