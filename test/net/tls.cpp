#include "support/call.hpp"
#include "support/test.hpp"

#include <cstdlib>

using namespace claudio;
using claudio::test::call;
using claudio::testing::fake_server;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(tls)

BOOST_AUTO_TEST_CASE(a_name_and_an_address_are_verified) {
  fake_server const server;
  BOOST_TEST(call(test::quick(server)).has_value());
  auto by_name = test::quick(server);
  by_name.api_base = "https://localhost:" + std::to_string(server.port()) + "/v1";
  BOOST_TEST(call(by_name).has_value());
}

BOOST_AUTO_TEST_CASE(a_certificate_for_another_host_is_refused) {
  fake_server const server;
  auto options = test::quick(server);
  options.api_base = "https://127.0.0.2:" + std::to_string(server.port()) + "/v1"; // not in the certificate
  testing::fake_server_options there;
  there.address = "127.0.0.2";
  fake_server const other(there);
  options.api_base = other.api_base();
  options.ca_file = other.provider().ca_file;
  auto const answer = call(options);
  BOOST_REQUIRE(answer.has_error());
  BOOST_TEST(answer.error().code() == errc::tls);
  BOOST_TEST(answer.error().message().find("another host") != std::string::npos);
  BOOST_TEST(answer.error().info().attempts == 1u);
}

BOOST_AUTO_TEST_CASE(expired_foreign_and_self_signed_certificates_are_refused) {
  std::pair<testing::certificate_kind, char const*> const rows[] = {
      {testing::certificate_kind::expired,
       "certificate has expired; check the server's certificate and this machine's clock"},
      {testing::certificate_kind::other_host, "it was issued for another host, check api_base"},
      {testing::certificate_kind::self_signed, "self-signed certificate"}};
  for (auto const& [kind, expected] : rows) {
    testing::fake_server_options there;
    there.certificate = kind;
    fake_server const server(there);
    auto const answer = call(test::quick(server));
    BOOST_REQUIRE(answer.has_error());
    BOOST_TEST(answer.error().code() == errc::tls);
    BOOST_TEST(answer.error().message().find(expected) != std::string::npos, answer.error().message());
    BOOST_TEST(answer.error().info().attempts == 1u);
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_authority_is_refused) {
  fake_server const server;
  auto options = test::quick(server);
  options.ca_file.clear();
  auto const answer = call(options);
  BOOST_REQUIRE(answer.has_error());
  BOOST_TEST(answer.error().code() == errc::tls);
  BOOST_TEST(answer.error().message().find("ca_file") != std::string::npos);
  BOOST_TEST(server.requests().empty());
}

// OpenSSL passes over what it can't read, and then trusts nobody.
BOOST_AUTO_TEST_CASE(authorities_of_the_environment_that_cannot_be_read_are_named) {
  fake_server const server;
  auto options = test::quick(server);
  auto const authority = options.ca_file;
  options.ca_file.clear();
  auto const said = [&] { return call(options).error().message(); };
  for (char const* variable : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) {
    ::setenv(variable, "/no/such/place", 1);
    BOOST_TEST(said().find("; the environment variable " + std::string(variable) +
                           " names \"/no/such/place\", from which no authorities can be read: No such file") !=
                   std::string::npos,
               said());
    ::unsetenv(variable);
  }
  ::setenv("SSL_CERT_FILE", "/dev/null", 1);
  BOOST_TEST(said().find("SSL_CERT_FILE names \"/dev/null\"") != std::string::npos, said());
  ::setenv("SSL_CERT_FILE", authority.c_str(), 1);
  BOOST_TEST(call(options).has_value());
  // What is named in ca_file is what counts.
  ::setenv("SSL_CERT_FILE", "/no/such/place", 1);
  options.ca_file = authority;
  BOOST_TEST(call(options).has_value());
  ::unsetenv("SSL_CERT_FILE");
  options.ca_file.clear();
  BOOST_TEST(said().find("SSL_CERT") == std::string::npos, said());
}

BOOST_AUTO_TEST_CASE(a_host_with_a_final_dot) {
  for (bool const with_tls : {true, false}) {
    testing::fake_server_options there;
    there.tls = with_tls;
    fake_server const server(there);
    auto options = test::quick(server);
    auto const host = "localhost.:" + std::to_string(server.port());
    options.api_base = (with_tls ? "HTTPS://" : "HTTP://") + host + "/v1";
    BOOST_TEST(call(options).has_value());
    BOOST_REQUIRE(server.requests().size() == 1u);
    BOOST_TEST(server.requests()[0].header("host") == host);
    BOOST_TEST(server.requests()[0].header("accept-encoding") == "identity");
  }
}

BOOST_AUTO_TEST_CASE(verification_can_be_off_on_loopback_only) {
  fake_server const server;
  auto options = test::quick(server);
  options.ca_file.clear();
  options.verify_tls = false;
  BOOST_TEST(call(options).has_value());
  options.api_base = "https://api.example/v1";
  auto const answer = call(options);
  BOOST_REQUIRE(answer.has_error());
  BOOST_TEST(answer.error().param() == "verify_tls");
}

BOOST_AUTO_TEST_CASE(plain_http_is_for_loopback_only) {
  testing::fake_server_options plain;
  plain.tls = false;
  fake_server const server(plain);
  BOOST_TEST(call(test::quick(server)).has_value());
  auto options = test::quick(server);
  options.api_base = "http://api.example/v1";
  BOOST_TEST(call(options).error().param() == "api_base");
}

BOOST_AUTO_TEST_CASE(a_server_that_speaks_no_tls) {
  testing::fake_server_options plain;
  plain.tls = false;
  fake_server const server(plain);
  auto options = test::quick(server);
  options.api_base = "https://127.0.0.1:" + std::to_string(server.port()) + "/v1";
  auto const answer = call(options);
  BOOST_REQUIRE(answer.has_error());
  BOOST_TEST((answer.error().code() == errc::tls || answer.error().code() == errc::connect));
}

BOOST_AUTO_TEST_CASE(a_missing_ca_file_is_a_configuration_error) {
  fake_server const server;
  auto options = test::quick(server);
  options.ca_file = "/no/such/file.pem";
  auto const answer = call(options);
  BOOST_REQUIRE(answer.has_error());
  BOOST_TEST(answer.error().code() == errc::configuration);
  BOOST_TEST(answer.error().message().find("/no/such/file.pem") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
