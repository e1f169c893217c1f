#include "core/proxy.hpp"

#include "support/test.hpp"

#include <claudio/retry.hpp>

#include <map>

using namespace claudio;

namespace {

using variables = std::map<std::string, std::string>;

result<std::optional<proxy_address>> choose(std::optional<std::string> const& configured, char const* endpoint,
                                            variables const& set) {
  std::optional<secret> given;
  if (configured)
    given = secret(*configured);
  return choose_proxy(given, api_base::parse(endpoint).value(), [&](char const* name) -> char const* {
    auto const found = set.find(name);
    return found == set.end() ? nullptr : found->second.c_str();
  });
}

// "host:port (source)", or "direct".
std::string chosen(std::optional<std::string> const& configured, char const* endpoint, variables const& set) {
  auto const proxy = choose(configured, endpoint, set);
  if (!proxy)
    return proxy.error().message();
  return *proxy ? (*proxy)->description() : "direct";
}

api_base endpoint(std::string const& authority) { return api_base::parse("https://" + authority + "/v1").value(); }

} // namespace

BOOST_AUTO_TEST_SUITE(proxies)

BOOST_AUTO_TEST_CASE(addresses_are_taken_apart) {
  struct row {
    char const *text, *host, *port, *password, *authorization;
  };
  row const rows[] = {
      {"http://proxy.example:3128", "proxy.example", "3128", "", ""},
      {"http://proxy.example", "proxy.example", "80", "", ""},
      {"HTTP://proxy.example:3128/", "proxy.example", "3128", "", ""},
      {"proxy.example:3128", "proxy.example", "3128", "", ""},
      {"10.0.0.1", "10.0.0.1", "80", "", ""},
      {"http://[fd00::1]:8080", "fd00::1", "8080", "", ""},
      {"[::1]", "::1", "80", "", ""},
      // RFC 7617 2 has this one.
      {"http://Aladdin:open%20sesame@h:1", "h", "1", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
      {"user:pass@h:1", "h", "1", "pass", "Basic dXNlcjpwYXNz"},
      {"user@h:1", "h", "1", "", "Basic dXNlcjo="},
      {":secret@h", "h", "80", "secret", "Basic OnNlY3JldA=="},
      {"http://a:b@c@h", "h", "80", "b@c", "Basic YTpiQGM="},
      {"http://a:%40%3A%2f%25:@h", "h", "80", "@:/%:", "Basic YTpAOi8lOg=="},
      {"http://a:%C3%BC@h", "h", "80", "\xc3\xbc", "Basic YTrDvA=="},
      {"http://ab:\xff\xfe@h", "h", "80", "\xff\xfe", "Basic YWI6//4="}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.text) {
      auto const proxy = proxy_address::parse(row.text, "proxy");
      BOOST_REQUIRE(proxy.has_value());
      BOOST_TEST(proxy->host == row.host);
      BOOST_TEST(proxy->port == row.port);
      BOOST_TEST(proxy->password.reveal() == row.password);
      BOOST_TEST(proxy->authorization.reveal() == row.authorization);
    }
  BOOST_TEST(proxy_address::parse("http://u:p@[fd00::1]", "HTTPS_PROXY")->description() ==
             "the proxy [fd00::1]:80 (HTTPS_PROXY)");
}

BOOST_AUTO_TEST_CASE(what_is_no_proxy_is_refused_without_showing_it) {
  for (std::string const text : {"",
                                 "http://",
                                 "http://user:hunter22@",
                                 "http://user:hunter22@host:x",
                                 "http://user:hunter22@host:0",
                                 "http://user:hunter22@host:1/path",
                                 "http://user:hunter22@host?x",
                                 "http://user:hunter/22@host:1",
                                 "http://user:hunter22%zz@host",
                                 "http://user:hunter22%4@host",
                                 "http://user:hunter22%@host",
                                 "http://user:hunter22%0d%0ax@host",
                                 "http://user:hunter22\n@host",
                                 "http://user:hunter22%00@host",
                                 "http://us%3Aer:hunter22@host",
                                 "http://user:hunter22@[::1",
                                 "http://user:hunter22@ho st",
                                 "https://user:hunter22@host",
                                 "socks5://user:hunter22@host",
                                 "SOCKS5h://user:hunter22@host:1080",
                                 "ftp://user:hunter22@host",
                                 "hunter22://host",
                                 "user:hunter22://host",
                                 "http://user:hunter22@host\r\nx: y"})
    BOOST_TEST_CONTEXT(text) {
      auto const proxy = proxy_address::parse(text, "HTTPS_PROXY");
      BOOST_REQUIRE(proxy.has_error());
      BOOST_TEST(proxy.error().code() == errc::configuration);
      BOOST_TEST(proxy.error().param() == "HTTPS_PROXY");
      BOOST_TEST(proxy.error().message().starts_with("HTTPS_PROXY: "));
      BOOST_TEST(proxy.error().message().find("http://") != std::string::npos);
      BOOST_TEST(proxy.error().message().find("hunter") == std::string::npos);
    }
  BOOST_TEST(proxy_address::parse("socks5://u:p@h", "proxy")
                 .error()
                 .message()
                 .starts_with("proxy: socks5:// proxies are not supported; give the address of one"));
}

BOOST_AUTO_TEST_CASE(the_configuration_decides_then_the_environment) {
  auto const anthropic = "https://api.anthropic.com/v1";
  variables const both{{"https_proxy", "secure:1"}, {"http_proxy", "plain:2"}};
  BOOST_TEST(chosen({}, anthropic, {}) == "direct");
  BOOST_TEST(chosen({}, anthropic, both) == "the proxy secure:1 (https_proxy)");
  BOOST_TEST(chosen({}, "http://gateway.example/v1", both) == "the proxy plain:2 (http_proxy)");
  BOOST_TEST(chosen("http://mine:3", anthropic, both) == "the proxy mine:3 (provider_config.proxy)");
  BOOST_TEST(chosen("", anthropic, both) == "direct");
  BOOST_TEST(chosen("http://mine:3", anthropic, {{"no_proxy", "*"}}) == "the proxy mine:3 (provider_config.proxy)");
  BOOST_TEST(chosen("http://mine:3", "https://127.0.0.1:8443/v1", {}) == "the proxy mine:3 (provider_config.proxy)");
  for (char const* loopback : {"https://localhost/v1", "https://127.0.0.1:8443/v1", "https://[::1]/v1"})
    BOOST_TEST(chosen({}, loopback, both) == "direct");

  BOOST_TEST(chosen({}, anthropic, {{"HTTPS_PROXY", "upper:1"}}) == "the proxy upper:1 (HTTPS_PROXY)");
  BOOST_TEST(chosen({}, anthropic, {{"HTTPS_PROXY", "upper:1"}, {"https_proxy", "lower:1"}}) ==
             "the proxy lower:1 (https_proxy)");
  BOOST_TEST(chosen({}, anthropic, {{"HTTPS_PROXY", "upper:1"}, {"https_proxy", ""}}) ==
             "the proxy upper:1 (HTTPS_PROXY)");
  BOOST_TEST(chosen({}, anthropic, {{"http_proxy", "plain:2"}, {"all_proxy", "all:3"}}) == "direct");
  // A line break at the end, as of a file that was read into the variable.
  for (std::string const end : {"\n", "\r\n", " \t\n"}) {
    BOOST_TEST(chosen({}, anthropic, {{"https_proxy", "HTTP://secure:1" + end}}) == "the proxy secure:1 (https_proxy)");
    BOOST_TEST(chosen({}, anthropic, {{"https_proxy", "secure:1"}, {"NO_PROXY", "x,anthropic.com" + end}}) == "direct");
    BOOST_TEST(chosen({}, anthropic, {{"https_proxy", end}, {"HTTPS_PROXY", "upper:1"}}) ==
               "the proxy upper:1 (HTTPS_PROXY)");
  }
  BOOST_TEST(chosen({}, "https://localhost./v1", both) == "direct");
  BOOST_TEST(chosen({}, anthropic, {{"HTTPS_PROXY", "socks5://u:pw@h"}}).starts_with("HTTPS_PROXY: socks5:// proxies"));
}

BOOST_AUTO_TEST_CASE(a_request_of_a_cgi_program_names_no_proxy) {
  auto const gateway = "http://gateway.example/v1";
  BOOST_TEST(chosen({}, gateway, {{"HTTP_PROXY", "upper:1"}}) == "the proxy upper:1 (HTTP_PROXY)");
  BOOST_TEST(chosen({}, gateway, {{"HTTP_PROXY", "upper:1"}, {"REQUEST_METHOD", "GET"}}) == "direct");
  BOOST_TEST(chosen({}, gateway, {{"http_proxy", "lower:1"}, {"REQUEST_METHOD", "GET"}}) ==
             "the proxy lower:1 (http_proxy)");
  BOOST_TEST(chosen({}, "https://api.anthropic.com", {{"HTTPS_PROXY", "upper:1"}, {"REQUEST_METHOD", "GET"}}) ==
             "the proxy upper:1 (HTTPS_PROXY)");
}

BOOST_AUTO_TEST_CASE(no_proxy_takes_endpoints_out) {
  struct row {
    char const *list, *endpoint;
    bool in;
  };
  row const rows[] = {{"*", "api.anthropic.com", true},
                      {"other.example, *", "api.anthropic.com", true},
                      {"", "api.anthropic.com", false},
                      {",, ,", "api.anthropic.com", false},
                      {"anthropic.com", "api.anthropic.com", true},
                      {".anthropic.com", "api.anthropic.com", true},
                      {"*.anthropic.com", "api.anthropic.com", true},
                      {".anthropic.com", "anthropic.com", true},
                      {"api.anthropic.com", "api.anthropic.com", true},
                      {"API.Anthropic.COM.", "api.anthropic.com", true},
                      {"api.anthropic.com", "API.Anthropic.com.", true},
                      {"a.example,\tanthropic.com ,b.example", "api.anthropic.com", true},
                      {"a.example anthropic.com", "api.anthropic.com", true},
                      {"thropic.com", "api.anthropic.com", false},
                      {"x.api.anthropic.com", "api.anthropic.com", false},
                      {"com", "api.anthropic.com", true},
                      {".", "api.anthropic.com", false},
                      {"anthropic.com:443", "api.anthropic.com", true},
                      {"anthropic.com:8443", "api.anthropic.com:8443", true},
                      {"anthropic.com:8443", "api.anthropic.com", false},
                      {"anthropic.com:", "api.anthropic.com", false},
                      {"10.1.2.3", "10.1.2.3", true},
                      {"10.1.2.3", "10.1.2.4", false},
                      {"10.1.2.3:443", "10.1.2.3", true},
                      {"10.1.2.3:80", "10.1.2.3", false},
                      {"2.3", "10.1.2.3", false},
                      {"10.0.0.0/8", "10.1.2.3", true},
                      {"10.1.2.0/23", "10.1.3.255", true},
                      {"10.1.2.0/23", "10.1.4.0", false},
                      {"0.0.0.0/0", "10.1.2.3", true},
                      {"10.1.2.3/32", "10.1.2.3", true},
                      {"10.1.2.3/33", "10.1.2.3", false},
                      {"10.1.2.3/", "10.1.2.3", false},
                      {"10.1.2.3/x", "10.1.2.3", false},
                      {"/8", "10.1.2.3", false},
                      {"10.0.0.0/8", "ten.example", false},
                      {"fd00::1", "[fd00::1]", true},
                      {"[fd00:0::1]", "[fd00::1]", true},
                      {"[fd00::1]:443", "[fd00::1]", true},
                      {"[fd00::1]:80", "[fd00::1]", false},
                      {"[fd00::1", "[fd00::1]", false},
                      {"fd00::/8", "[fdab::1]", true},
                      {"fd00::/8", "[fe00::1]", false},
                      {"::/0", "10.1.2.3", false},
                      {"10.0.0.0/8", "[::ffff:10.1.2.3]", true}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.list << " for " << row.endpoint)
  BOOST_TEST(is_in_no_proxy(row.list, endpoint(row.endpoint)) == row.in);

  variables set{{"https_proxy", "secure:1"}, {"NO_PROXY", "anthropic.com"}};
  BOOST_TEST(chosen({}, "https://api.anthropic.com/v1", set) == "direct");
  BOOST_TEST(chosen({}, "https://gateway.example/v1", set) == "the proxy secure:1 (https_proxy)");
  set["no_proxy"] = "gateway.example";
  BOOST_TEST(chosen({}, "https://api.anthropic.com/v1", set) == "the proxy secure:1 (https_proxy)");
  set["https_proxy"] = "socks5://h";
  BOOST_TEST(chosen({}, "https://gateway.example/v1", set) == "direct");
}

BOOST_AUTO_TEST_CASE(a_refusal_says_what_to_do) {
  auto const open = proxy_address::parse("http://h:3128", "HTTPS_PROXY").value();
  auto const signed_in = proxy_address::parse("http://user:hunter22@h:3128", "provider_config.proxy").value();
  auto const api = endpoint("api.anthropic.com");
  struct row {
    proxy_address const& proxy;
    int status;
    char const* challenges;
    errc code;
    bool retried;
    char const* message;
  };
  row const rows[] = {
      {open, 407, "Basic realm=\"x\"", errc::authentication, false,
       "the proxy h:3128 (HTTPS_PROXY) wants a user name and a password; set HTTPS_PROXY to "
       "http://user:password@h:3128"},
      {open, 407, "", errc::authentication, false,
       "the proxy h:3128 (HTTPS_PROXY) wants a user name and a password; set HTTPS_PROXY to "
       "http://user:password@h:3128"},
      {signed_in, 407, "Negotiate, basic realm=\"a, b\"", errc::authentication, false,
       "the proxy h:3128 (provider_config.proxy) refuses the user name and the password; correct them in "
       "provider_config.proxy"},
      {signed_in, 407, "Digest realm=\"basic\", nonce=\"x\"", errc::authentication, false,
       "the proxy h:3128 (provider_config.proxy) does not offer Basic authentication, the only kind that claudio "
       "speaks"},
      {signed_in, 401, "", errc::authentication, false,
       "the proxy h:3128 (provider_config.proxy) refuses the user name and the password; correct them in "
       "provider_config.proxy"},
      {open, 403, "", errc::permission, false,
       "the proxy h:3128 (HTTPS_PROXY) does not let connections to api.anthropic.com:443 pass: it answered with HTTP "
       "status 403"},
      {open, 429, "", errc::permission, false,
       "the proxy h:3128 (HTTPS_PROXY) does not let connections to api.anthropic.com:443 pass: it answered with HTTP "
       "status 429"},
      {open, 502, "", errc::connect, true,
       "the proxy h:3128 (HTTPS_PROXY) could not reach api.anthropic.com:443: it answered with HTTP status 502"},
      {open, 599, "", errc::connect, true,
       "the proxy h:3128 (HTTPS_PROXY) could not reach api.anthropic.com:443: it answered with HTTP status 599"},
      {open, 302, "", errc::protocol, false,
       "the proxy h:3128 (HTTPS_PROXY) answered CONNECT with HTTP status 302; is it an HTTP proxy?"}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.status << " " << row.challenges) {
      auto const refusal = proxy_refusal(row.proxy, api, row.status, row.challenges);
      BOOST_TEST(refusal.code() == row.code);
      BOOST_TEST(refusal.http_status() == row.status);
      BOOST_TEST(refusal.param() == row.proxy.source);
      BOOST_TEST(refusal.message() == row.message);
      BOOST_TEST(decide(retry_policy(), 1, refusal, std::nullopt, 0).retry == row.retried);
    }
}

BOOST_AUTO_TEST_SUITE_END()
