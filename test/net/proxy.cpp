// Calls through a proxy that does as it should, refuses, breaks off at every point, or says what it should not.
#include "support/call.hpp"
#include "support/cancel.hpp"
#include "support/log_capture.hpp"
#include "support/scripted_proxy.hpp"
#include "support/test.hpp"

#include <cstdlib>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::reply;
using test::call;
using test::scripted_proxy;
using then = scripted_proxy::then;
namespace asio = boost::asio;

namespace {

constexpr char const* credentials = "user:hunter22%3Asecret";
constexpr std::string_view header = "proxy-authorization: Basic dXNlcjpodW50ZXIyMjpzZWNyZXQ=\r\n";

provider_options through(scripted_proxy const& proxy, fake_server const& server, std::string_view given = {}) {
  auto options = test::quick(server);
  options.proxy = secret(proxy.address(given));
  options.retry.max_retries = 0;
  options.limits.total = 5s;
  return options;
}

// Opens a stream and reads nothing of it.
error stream_failure(provider_options options) {
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), std::move(options), serial).value();
  auto const opened = test::run(context, endpoint.stream(test::native_hello()));
  return opened.error();
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool shows_credentials(std::string_view text) {
  return contains(text, "hunter22") || contains(text, "dXNlcjpodW50ZXIyMjpzZWNyZXQ=");
}

class variable {
public:
  variable(char const* name, std::string const& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  variable(variable const&) = delete;
  variable& operator=(variable const&) = delete;
  ~variable() { ::unsetenv(name_); }

private:
  char const* name_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(proxy)

BOOST_AUTO_TEST_CASE(a_tunnel_leads_to_the_endpoint) {
  fake_server server;
  scripted_proxy proxy;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), through(proxy, server), serial).value();
  for (int i = 0; i < 3; ++i) {
    auto const answer = test::run(context, endpoint.create(test::native_hello()));
    BOOST_REQUIRE(answer.has_value());
    BOOST_TEST((answer->info().tls > 0ns) == (i == 0));
  }
  auto const target = "127.0.0.1:" + std::to_string(server.port());
  BOOST_REQUIRE(proxy.heads().size() == 1u);
  BOOST_TEST(proxy.heads()[0] == "CONNECT " + target + " HTTP/1.1\r\nhost: " + target +
                                     "\r\nuser-agent: claudio/" CLAUDIO_VERSION "\r\n\r\n");
  BOOST_TEST(endpoint.pool().reused == 2u);
  BOOST_TEST(server.connections() == 1u);
  BOOST_TEST(server.requests().at(0).target == "/v1/messages");
}

BOOST_AUTO_TEST_CASE(the_certificate_is_the_endpoints) {
  fake_server const server;
  fake_server const stranger;
  scripted_proxy proxy;
  auto options = through(proxy, server);
  options.ca_file = stranger.provider().ca_file;
  auto const refused = call(options);
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(refused.error().code() == errc::tls);
  BOOST_TEST(contains(refused.error().message(), "the certificate of 127.0.0.1 was refused"));
}

BOOST_AUTO_TEST_CASE(credentials_go_to_the_proxy_alone) {
  fake_server server;
  scripted_proxy proxy;
  auto const answer = call(through(proxy, server, credentials));
  BOOST_REQUIRE(answer.has_value());
  auto const head = proxy.heads().at(0);
  BOOST_TEST(contains(head, header));
  BOOST_TEST(!contains(head, "sk-ant-"));
  BOOST_TEST(server.requests().at(0).header("proxy-authorization") == "");
}

BOOST_AUTO_TEST_CASE(refusals_say_what_to_do_and_are_retried_when_that_may_help) {
  struct row {
    char const* text;
    errc code;
    int status;
    unsigned attempts;
    char const* message;
  };
  row const rows[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Negotiate\r\nproxy-authenticate: Basic "
       "realm=\"x\"\r\ncontent-length: 9\r\n\r\nsign in.\n",
       errc::authentication, 407, 1, "refuses the user name and the password; correct them in provider_config.proxy"},
      {"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: NTLM\r\n\r\n", errc::authentication, 407, 1,
       "does not offer Basic authentication"},
      {"HTTP/1.1 403 Filtered\r\ncontent-type: text/html\r\n\r\n<html>no</html>", errc::permission, 403, 1,
       "does not let connections to 127.0.0.1:"},
      {"HTTP/1.0 429 Too Many\r\n\r\n", errc::permission, 429, 1, "does not let connections to 127.0.0.1:"},
      {"HTTP/1.1 502 Bad Gateway\r\n\r\n", errc::connect, 502, 3, "could not reach 127.0.0.1:"},
      {"HTTP/1.1 511 Network Authentication Required\r\n\r\n", errc::connect, 511, 3, "could not reach 127.0.0.1:"},
      {"HTTP/1.1 302 Found\r\nlocation: http://portal.example/\r\n\r\n", errc::protocol, 302, 1,
       "answered CONNECT with HTTP status 302; is it an HTTP proxy?"},
      {"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", errc::protocol, 101, 1,
       "answered CONNECT with HTTP status 101"}};
  fake_server const server;
  scripted_proxy proxy;
  auto options = through(proxy, server, credentials);
  options.retry.max_retries = 2;
  for (auto const& row : rows)
    for (auto const next : {then::close, then::hang})
      BOOST_TEST_CONTEXT(row.text) {
        proxy.behave({row.text, next});
        auto const refused = call(options);
        BOOST_REQUIRE(refused.has_error());
        BOOST_TEST(refused.error().code() == row.code);
        BOOST_TEST(refused.error().http_status() == row.status);
        BOOST_TEST(refused.error().info().attempts == row.attempts);
        BOOST_TEST(refused.error().param() == "provider_config.proxy");
        BOOST_TEST(contains(refused.error().message(), row.message), refused.error().message());
      }
  options.proxy = secret(proxy.address());
  proxy.behave({rows[0].text, then::hang});
  BOOST_TEST(contains(call(options).error().message(), "(provider_config.proxy) wants a user name and a password; set "
                                                       "provider_config.proxy to http://user:password@127.0.0.1:"));
  BOOST_TEST(contains(stream_failure(options).message(), "wants a user name and a password"));
}

BOOST_AUTO_TEST_CASE(answers_that_open_a_tunnel) {
  fake_server const server;
  scripted_proxy proxy;
  for (std::string const text :
       {"HTTP/1.0 200 Connection established\r\nProxy-agent: tinyproxy/1.11\r\n\r\n", "HTTP/1.1 299 \r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: gzip,\r\n chunked\r\nvia: x\r\n\r\n",
        "HTTP/1.0 200 OK\r\ncontent-length: nonsense\r\ncontent-length: 7\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"})
    BOOST_TEST_CONTEXT(text) {
      proxy.behave({text, then::relay});
      auto const answer = call(through(proxy, server));
      BOOST_TEST(answer.has_value(), answer.error().message());
    }
}

BOOST_AUTO_TEST_CASE(answers_that_are_none) {
  std::string interim;
  for (int i = 0; i < 101; ++i)
    interim += "HTTP/1.1 102 Processing\r\n\r\n";
  std::pair<std::string, char const*> const rows[] = {
      {"garbage\r\n\r\n", "is not valid HTTP/1.1"},
      {"\x15\x03\x03 and no HTTP\r\n\r\n", "is not valid HTTP/1.1"},
      {"HTTP/2 200 OK\r\n\r\n", "is not valid HTTP/1.1"},
      {"HTTP/1.1 200 OK\r\n\r\nhello", "more than the answer to CONNECT"},
      {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "more than the answer to CONNECT"},
      {"HTTP/1.1 200 OK\r\nno field\r\n\r\n", "is not valid HTTP/1.1"},
      {"HTTP/1.1 200 OK\r\n content-length: 5\r\n\r\n", "is not valid HTTP/1.1"},
      {"HTTP/1.1 302 Found\r\ncontent-length: nonsense\r\n\r\n", "is not valid HTTP/1.1"},
      {interim, "interim responses without end"}};
  fake_server const server;
  scripted_proxy proxy;
  auto options = through(proxy, server);
  options.retry.max_retries = 2;
  for (auto const& [text, expected] : rows)
    BOOST_TEST_CONTEXT(text) {
      proxy.behave({text, then::hang});
      auto const broken = call(options);
      BOOST_REQUIRE(broken.has_error());
      BOOST_TEST(broken.error().code() == errc::protocol);
      BOOST_TEST(broken.error().info().attempts == 1u);
      BOOST_TEST(contains(broken.error().message(), expected), broken.error().message());
      BOOST_TEST(contains(broken.error().message(), "is it an HTTP proxy?"));
    }
}

BOOST_AUTO_TEST_CASE(what_comes_behind_an_open_tunnel_is_not_taken_for_tls) {
  fake_server const server;
  scripted_proxy proxy;
  scripted_proxy::behaviour late("HTTP/1.1 200 OK\r\n\r\nhello", then::hang);
  late.pause_after = late.text.size() - 5;
  proxy.behave(late);
  auto const broken = call(through(proxy, server));
  BOOST_REQUIRE(broken.has_error());
  BOOST_TEST((broken.error().code() == errc::tls || broken.error().code() == errc::protocol));
}

BOOST_AUTO_TEST_CASE(an_answer_that_comes_in_two_pieces_or_ends_at_every_byte) {
  fake_server const server;
  scripted_proxy proxy;
  std::string const text = "HTTP/1.1 200 OK\r\nvia: x\r\ncontent-length: x\r\n\r\n";
  for (std::size_t n = 0; n < text.size(); ++n)
    BOOST_TEST_CONTEXT(n) {
      proxy.behave({text.substr(0, n), then::close});
      auto const cut = call(through(proxy, server));
      BOOST_REQUIRE(cut.has_error());
      BOOST_TEST(cut.error().code() == errc::connect);
      BOOST_TEST(contains(cut.error().message(), "while waiting for the proxy 127.0.0.1:"), cut.error().message());

      scripted_proxy::behaviour in_pieces(text, then::relay);
      in_pieces.pause_after = n;
      proxy.behave(in_pieces);
      auto const answer = call(through(proxy, server));
      BOOST_TEST(answer.has_value(), answer.error().message());
    }
  proxy.behave({text, then::close});
  auto const closed = call(through(proxy, server));
  BOOST_TEST(closed.error().code() == errc::connect);
  BOOST_TEST(contains(closed.error().message(), "shaking hands"));
}

BOOST_AUTO_TEST_CASE(a_proxy_that_hangs_is_bounded_by_the_limit_for_connecting) {
  fake_server const server;
  scripted_proxy proxy;
  auto options = through(proxy, server);
  options.limits.connect = 100ms;
  for (char const* text : {"", "HTTP/1.1 200 OK\r\n"}) {
    proxy.behave({text, then::hang});
    auto const silent = call(options);
    BOOST_REQUIRE(silent.has_error());
    BOOST_TEST(silent.error().code() == errc::timeout);
    BOOST_TEST(silent.error().param() == "timeout_ms.connect");
    BOOST_TEST(contains(silent.error().message(), "while waiting for the proxy 127.0.0.1:"), silent.error().message());
    BOOST_TEST(contains(silent.error().message(), "within 100 ms (timeout_ms.connect)"), silent.error().message());
  }
  // The limit is not that of what follows.
  proxy.behave({"HTTP/1.1 200 OK\r\n\r\n", then::hang});
  options.limits.tls = 100ms;
  BOOST_TEST(call(options).error().param() == "timeout_ms.tls");
}

BOOST_AUTO_TEST_CASE(a_head_without_end_is_refused) {
  fake_server const server;
  scripted_proxy proxy;
  for (char const* text : {"HTTP/1.1 200 OK\r\n", ""}) {
    proxy.behave({text, then::flood});
    auto const endless = call(through(proxy, server));
    BOOST_REQUIRE(endless.has_error());
    BOOST_TEST(endless.error().code() == errc::protocol);
  }
}

BOOST_AUTO_TEST_CASE(a_proxy_that_is_not_there_is_named) {
  fake_server const server;
  auto options = test::quick(server);
  options.retry.max_retries = 0;
  options.proxy = secret(std::string("http://user:hunter22@127.0.0.1:1"));
  BOOST_TEST(call(options).error().message() ==
             "while connecting to the proxy 127.0.0.1:1 (provider_config.proxy): Connection refused");
}

BOOST_AUTO_TEST_CASE(cancelled_after_every_handler) {
  fake_server server;
  scripted_proxy proxy;
  scripted_proxy::behaviour in_pieces;
  in_pieces.pause_after = 20;
  proxy.behave(in_pieces);
  auto const cancelled = test::cancel_after_every_handler<message>([&](asio::io_context& context, std::size_t) {
    auto const endpoint = client::make(context.get_executor(), through(proxy, server), serial).value();
    return test::ready_call<message>{context.get_executor(), endpoint, endpoint.create(test::native_hello())};
  });
  BOOST_TEST(cancelled > 5u);
}

BOOST_AUTO_TEST_CASE(plain_requests_go_to_the_proxy_itself) {
  testing::fake_server_options plain;
  plain.tls = false;
  fake_server server(plain);
  scripted_proxy proxy;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), through(proxy, server, credentials), serial).value();
  for (int i = 0; i < 2; ++i)
    BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).has_value());
  BOOST_REQUIRE(proxy.heads().size() == 2u);
  for (auto const& head : proxy.heads()) {
    BOOST_TEST(
        head.starts_with("POST http://127.0.0.1:" + std::to_string(server.port()) + "/v1/messages HTTP/1.1\r\n"));
    BOOST_TEST(contains(head, header));
  }
  BOOST_TEST(endpoint.pool().reused == 1u);

  for (auto const next : {then::close, then::hang})
    for (char const* length : {"3", "9"}) { // is the whole body; is not
      proxy.behave({"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"x\"\r\n"
                    "content-length: " +
                        std::string(length) + "\r\n\r\nno\n",
                    next});
      auto const refused = call(through(proxy, server, credentials));
      BOOST_REQUIRE(refused.has_error());
      BOOST_TEST(refused.error().code() == errc::authentication);
      BOOST_TEST(refused.error().http_status() == 407);
      BOOST_TEST(contains(refused.error().message(), "(provider_config.proxy) refuses the user name and the password"));
      BOOST_TEST(refused.error().info().attempts == 1u);
      auto const not_streamed = stream_failure(through(proxy, server));
      BOOST_TEST(not_streamed.code() == errc::authentication);
      BOOST_TEST(contains(not_streamed.message(), "(provider_config.proxy) wants a user name and a password"));
    }

  std::string const echo = "<html>hunter22:secret dXNlcjpodW50ZXIyMjpzZWNyZXQ= </html>";
  proxy.behave({"HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: " + std::to_string(echo.size()) +
                    "\r\n\r\n" + echo,
                then::hang});
  auto const echoed = call(through(proxy, server, credentials));
  BOOST_REQUIRE(echoed.has_error());
  BOOST_TEST(echoed.error().code() == errc::permission);
  BOOST_TEST(!shows_credentials(echoed.error().to_string()), echoed.error().to_string());
}

BOOST_AUTO_TEST_CASE(what_is_loosened_for_loopback_does_not_leave_by_a_proxy) {
  provider_options options;
  options.api_key = secret(std::string("sk-ant-x"));
  options.proxy = secret(std::string("http://user:hunter22@proxy.example:3128"));
  asio::io_context context;
  auto const made = [&] { return client::make(context.get_executor(), options, serial); };
  options.api_base = "http://localhost:1/v1";
  BOOST_TEST(made().error().param() == "proxy");
  BOOST_TEST(contains(made().error().message(), "unencrypted to proxy.example"));
  options.allow_http = true;
  BOOST_TEST(made().has_value());
  options.api_base = "https://localhost:1/v1";
  options.verify_tls = false;
  BOOST_TEST(made().error().param() == "proxy");
  BOOST_TEST(contains(made().error().message(), "verify_tls"));
  options.proxy = secret(std::string("http://127.0.0.1:3128"));
  BOOST_TEST(made().has_value());
}

// 0.0.0.0 leads to this machine, but is no loopback address.
BOOST_AUTO_TEST_CASE(the_environment_decides_where_the_configuration_does_not) {
  fake_server server;
  scripted_proxy proxy;
  auto options = test::quick(server);
  options.retry.max_retries = 0;
  options.api_base = "https://0.0.0.0:" + std::to_string(server.port()) + "/v1";
  auto const proxied = [&] {
    proxy.forget();
    auto const mismatch = call(options);
    BOOST_TEST(mismatch.error().code() == errc::tls);
    return !proxy.heads().empty();
  };
  variable const set("https_proxy", proxy.address(credentials));
  BOOST_TEST(proxied());
  {
    variable const list("no_proxy", "example.com,0.0.0.0/8");
    BOOST_TEST(!proxied());
    options.proxy = secret(proxy.address());
    BOOST_TEST(proxied());
    options.proxy.reset();
  }
  options.proxy = secret();
  BOOST_TEST(!proxied());
  options.proxy.reset();

  proxy.behave({"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", then::hang});
  BOOST_TEST(contains(call(options).error().message(), "correct them in https_proxy"));
  options.api_base = server.api_base();
  proxy.forget();
  BOOST_TEST(call(options).has_value());
  BOOST_TEST(proxy.heads().empty());

  options.api_base = "https://0.0.0.0:1/v1";
  variable const socks("https_proxy", "socks5://user:hunter22@127.0.0.1:1080");
  auto const refused = call(options);
  BOOST_TEST(refused.error().code() == errc::configuration);
  BOOST_TEST(refused.error().param() == "https_proxy");
  BOOST_TEST(contains(refused.error().message(), "https_proxy: socks5:// proxies are not supported"));
  BOOST_TEST(!shows_credentials(refused.error().to_string()));
}

// Of all that has been logged so far.
BOOST_AUTO_TEST_CASE(no_log_has_credentials) {
  fake_server const server;
  scripted_proxy proxy;
  BOOST_TEST(call(through(proxy, server, credentials)).has_value());
  proxy.behave(
      {"HTTP/1.1 407 Proxy Authentication Required\r\nx: Basic dXNlcjpodW50ZXIyMjpzZWNyZXQ=\r\n\r\n", then::close});
  auto const refused = call(through(proxy, server, credentials));
  BOOST_TEST(!shows_credentials(refused.error().to_string()));
  auto const log = test::captured_log();
  BOOST_TEST(contains(log, "tunnel_opened call="));
  BOOST_TEST(contains(log, " server=127.0.0.1:"));
  BOOST_TEST(!shows_credentials(log));
}

BOOST_AUTO_TEST_SUITE_END()
