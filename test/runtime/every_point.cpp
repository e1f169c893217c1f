// One call, broken or cancelled at every point: one error that says what broke, and nothing left.
#include "support/call.hpp"
#include "support/cancel.hpp"
#include "support/test.hpp"

#include <boost/asio/strand.hpp>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::connection_fault;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;

namespace {

provider_options without_retry(fake_server const& server) {
  auto options = test::quick(server);
  options.retry.max_retries = 0;
  options.limits.tls = 200ms;
  options.limits.first_byte = 200ms;
  options.limits.total = 300ms;
  return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(every_point)

BOOST_AUTO_TEST_CASE(a_connection_that_fails_before_the_request) {
  fake_server server;
  for (auto const fault :
       {connection_fault::reset, connection_fault::stall, connection_fault::garbage, connection_fault::reset_handshake})
    BOOST_TEST_CONTEXT(static_cast<int>(fault)) {
      asio::io_context context;
      auto const endpoint = client::make(context.get_executor(), without_retry(server), serial).value();
      server.script_connections({fault});
      auto const broken = test::run(context, endpoint.create(test::native_hello()));
      BOOST_REQUIRE(broken.has_error());
      auto const code = broken.error().code();
      BOOST_TEST((code == errc::connect || code == errc::tls || code == errc::timeout));
      BOOST_TEST(!broken.error().message().empty());
      BOOST_TEST(endpoint.pool().open == 0u);
      BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).has_value());
    }
}

BOOST_AUTO_TEST_CASE(a_response_that_ends_at_every_byte) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), without_retry(server), serial).value();
  // The last one is the whole response, which is no failure.
  std::size_t const length = 700;
  std::size_t failures = 0;
  for (std::size_t n = 0; n < length; n += n < 64 ? 1 : 37)
    for (bool const reset : {false, true})
      BOOST_TEST_CONTEXT(n << (reset ? " reset" : " close")) {
        server.script({reset ? reply::answer("x").reset_after(n) : reply::answer("x").close_after(n)});
        auto const cut = test::run(context, endpoint.create(test::native_hello()));
        if (cut)
          continue;
        ++failures;
        BOOST_TEST(cut.error().code() == errc::connect);
        BOOST_TEST(cut.error().info().attempts == 1u);
        BOOST_TEST(endpoint.pool().open == 0u);
      }
  BOOST_TEST(failures > 100u);
  BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).has_value());
}

BOOST_AUTO_TEST_CASE(half_bodies_stalls_and_garbage) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), without_retry(server), serial).value();
  std::pair<reply, errc> const rows[] = {
      {reply::answer("x").half_body(), errc::connect},
      {reply::answer("x").stall_after(0), errc::timeout},
      {reply::answer("x").stall_after(20), errc::timeout},
      {reply::answer("x").stall_after(460), errc::timeout},
      {reply::garbage(), errc::protocol},
      {reply::garbage("HTTP/9.9 200 OK\r\n\r\n"), errc::protocol},
      {reply::garbage("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"), errc::protocol},
      {reply::garbage("HTTP/1.1 200 OK\r\nx: " + std::string(100'000, 'x')), errc::protocol},
      {reply::garbage("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"), errc::protocol},
      {reply::status(204, ""), errc::protocol}};
  int number = 0;
  for (auto const& [made, expected] : rows)
    BOOST_TEST_CONTEXT("row " << number++) {
      server.script({made});
      auto const broken = test::run(context, endpoint.create(test::native_hello()));
      BOOST_REQUIRE(broken.has_error());
      BOOST_TEST(broken.error().code() == expected);
      BOOST_TEST(endpoint.pool().open == endpoint.pool().idle);
    }
  BOOST_TEST(test::run(context, endpoint.create(test::native_hello())).has_value());
}

template <class MakeExecutor>
void cancel_at_every_await(MakeExecutor make_caller) {
  fake_server server;
  auto const cancelled = test::cancel_after_every_handler<chat_response>([&](asio::io_context& context, std::size_t n) {
    server.clear_script(); // of what the round before did not reach
    server.script({reply::status(529).header("retry-after-ms", "1"), reply::answer("done").delay(1ms)});
    bool const is_serial = n % 2 == 0;
    auto const endpoint = is_serial ? client::make(context.get_executor(), test::quick(server), serial).value()
                                    : client::make(context.get_executor(), test::quick(server)).value();
    return test::ready_call<chat_response>{make_caller(context), endpoint,
                                           test::model_at(endpoint).invoke(test::hello())};
  });
  BOOST_TEST(cancelled > 5u);
}

BOOST_AUTO_TEST_CASE(cancelled_on_the_home_executor) {
  cancel_at_every_await([](asio::io_context& context) { return asio::any_io_executor(context.get_executor()); });
}

BOOST_AUTO_TEST_CASE(cancelled_from_a_strand_of_its_own) {
  cancel_at_every_await([](asio::io_context& context) { return asio::any_io_executor(asio::make_strand(context)); });
}

BOOST_AUTO_TEST_SUITE_END()
