#include "core/api_base.hpp"

#include "support/test.hpp"

using namespace claudio;

BOOST_AUTO_TEST_SUITE(api_bases)

BOOST_AUTO_TEST_CASE(addresses_are_taken_apart) {
  struct row {
    char const* url;
    bool tls;
    char const *host, *port, *authority, *path;
    bool loopback;
  };
  row const rows[] = {
      {"https://api.anthropic.com/v1", true, "api.anthropic.com", "443", "api.anthropic.com", "/v1", false},
      {"https://api.anthropic.com", true, "api.anthropic.com", "443", "api.anthropic.com", "", false},
      {"https://host:8443/a/b/", true, "host", "8443", "host:8443", "/a/b", false},
      {"HTTPS://host/v1", true, "host", "443", "host", "/v1", false},
      {"HtTp://LOCALHOST/v1", false, "LOCALHOST", "80", "LOCALHOST", "/v1", true},
      {"https://api.anthropic.com./v1", true, "api.anthropic.com.", "443", "api.anthropic.com.", "/v1", false},
      {"http://localhost.:80/v1", false, "localhost.", "80", "localhost.:80", "/v1", true},
      {"http://localhost:80/v1", false, "localhost", "80", "localhost:80", "/v1", true},
      {"http://127.0.0.2/v1", false, "127.0.0.2", "80", "127.0.0.2", "/v1", true},
      {"https://[::1]:9/v1", true, "::1", "9", "[::1]:9", "/v1", true},
      {"https://127.evil.example/", true, "127.evil.example", "443", "127.evil.example", "", false},
      {"https://127.1.2.3.4.5/", true, "127.1.2.3.4.5", "443", "127.1.2.3.4.5", "", false},
      {"https://localhost.example/", true, "localhost.example", "443", "localhost.example", "", false}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.url) {
      auto const base = api_base::parse(row.url);
      BOOST_REQUIRE(base.has_value());
      BOOST_TEST(base->tls == row.tls);
      BOOST_TEST(base->host == row.host);
      BOOST_TEST(base->port == row.port);
      BOOST_TEST(base->authority == row.authority);
      BOOST_TEST(base->path == row.path);
      BOOST_TEST(base->is_loopback() == row.loopback);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_refused) {
  for (char const* url : {"",
                          "api.anthropic.com",
                          "ftp://x",
                          "https://",
                          "https:///v1",
                          "https://u:p@host/v1",
                          "https://host:0",
                          "https://host:99999",
                          "https://host:x",
                          "https://host:",
                          "https://[::1",
                          "https://[::1]x",
                          "https://ho st/",
                          "https://host/v1?x=1",
                          "https://host/v1#f",
                          "https://host/v 1",
                          "https://host/\r\nx: y",
                          "HTTPS://host\r\n",
                          "https://.",
                          "https://./v1",
                          "https://..",
                          "https://host../v1",
                          "httpss://host",
                          "https:/host",
                          "https//host"})
    BOOST_TEST_CONTEXT(url) BOOST_TEST(api_base::parse(url).has_error());
}

BOOST_AUTO_TEST_SUITE_END()
