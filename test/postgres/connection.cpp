#include "postgres/connector.hpp"
#include "postgres/fixtures.hpp"
#include "store/operations.hpp"
#include "support/tcp_proxy.hpp"

#include <boost/asio/ip/tcp.hpp>

using namespace claudio;
using namespace claudio::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

constexpr postgres_statement echo{"echo", "SELECT $1::text, NULL, 'two'"};
constexpr postgres_statement count_rows{"count_rows", "SELECT n, repeat('x', 1000) FROM generate_series(1, $1::int) n"};
constexpr postgres_statement length_of{"length_of", "SELECT length($1::text)"};
constexpr postgres_statement divide{"divide", "SELECT 1 / $1::int"};
constexpr postgres_statement sleep_long{"sleep_long", "SELECT pg_sleep(60)"};

postgres_connection::pointer connected(asio::io_context& context, std::string const& url) {
  auto made = run(context, connecting_to(context, url, 10s));
  succeeds(made);
  return std::move(*made);
}

postgres_connection::pointer connected(asio::io_context& context) {
  return connected(context, postgresql_url("postgres"));
}

result<postgres_connection::pointer> connect(std::string const& url, std::chrono::milliseconds time = 10s) {
  asio::io_context context;
  return run(context, connecting_to(context, url, time));
}

std::string with_user(std::string const& user_and_password) {
  auto url = postgresql_url("postgres");
  auto const begin = url.find("//") + 2;
  return url.replace(begin, url.find('@') - begin, user_and_password);
}

} // namespace

BOOST_AUTO_TEST_SUITE(postgres_connections, *boost::unit_test::precondition(has_postgresql))

BOOST_AUTO_TEST_CASE(statements_have_parameters_and_rows) {
  asio::io_context context;
  auto const connection = connected(context);
  for (std::string const text : {"plain", "", "O'Neill; DROP TABLE x", "ümläut 日本", "a\nb"}) {
    auto const rows = query(context, connection, echo, {text});
    succeeds(rows);
    BOOST_TEST(rows->size() == 1u);
    BOOST_TEST(rows->text(0, 0) == text);
    BOOST_TEST(rows->text(0, 1) == "");
    BOOST_TEST(rows->text(0, 2) == "two");
  }
  BOOST_TEST(connection->is_idle());
}

BOOST_AUTO_TEST_CASE(much_in_and_out) {
  asio::io_context context;
  auto const connection = connected(context);
  auto const rows = query(context, connection, count_rows, {"20000"});
  succeeds(rows);
  BOOST_TEST(rows->size() == 20000u);
  BOOST_TEST(rows->text(19999, 0) == "20000");
  auto const length = query(context, connection, length_of, {std::string(30'000'000, 'y')});
  succeeds(length);
  BOOST_TEST(length->text(0, 0) == "30000000");
}

BOOST_AUTO_TEST_CASE(an_error_has_its_sqlstate_and_leaves_the_connection_usable) {
  asio::io_context context;
  auto const connection = connected(context);
  auto const failed = query(context, connection, divide, {"0"});
  fails_with(failed, errc::storage, "says: division by zero");
  BOOST_TEST(failed.error().error_code() == "22012");
  BOOST_TEST(!is_lost_connection(failed.error()));
  constexpr postgres_statement wrong{"wrong", "SELEKT"};
  for (int i = 0; i < 2; ++i)
    fails_with(query(context, connection, wrong), errc::storage, "syntax error");
  BOOST_TEST(connection->is_idle());
  BOOST_TEST(query(context, connection, divide, {"1"})->text(0, 0) == "1");
}

BOOST_AUTO_TEST_CASE(several_statements_at_once_without_parameters) {
  asio::io_context context;
  auto const connection = connected(context);
  succeeds(
      run(context, postgres_connection::execute(connection, "BEGIN; CREATE TEMP TABLE t (i int); COMMIT", in(10s))));
  auto const failed =
      run(context, postgres_connection::execute(connection, "INSERT INTO t VALUES (1); SELECT 1/0", in(10s)));
  fails_with(failed, errc::storage, "division by zero");
  constexpr postgres_statement count{"count", "SELECT count(*) FROM pg_temp.t"};
  BOOST_TEST(query(context, connection, count)->text(0, 0) == "0");
  succeeds(run(context, postgres_connection::execute(connection, "", in(10s))));
}

BOOST_AUTO_TEST_CASE(tls_with_the_server_s_certificate_checked) {
  char const* const ca = std::getenv("CLAUDIO_TEST_POSTGRESQL_CA");
  BOOST_REQUIRE(ca != nullptr);
  constexpr postgres_statement is_tls{"is_tls", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"};
  for (auto const& [parameters, expected] :
       std::vector<std::pair<std::string, std::string>>{{"sslmode=verify-full&sslrootcert=" + std::string(ca), "t"},
                                                        {"sslmode=require", "t"},
                                                        {"sslmode=disable", "f"}}) {
    asio::io_context context;
    auto const connection = connected(context, postgresql_url("postgres?" + parameters));
    BOOST_TEST(query(context, connection, is_tls)->text(0, 0) == expected);
  }
  // A certificate that is not of that authority.
  temporary_folder const folder;
  claudio::testing::fake_server const other;
  auto const wrong = folder.write("other.pem", other.ca_pem(), 0600);
  auto const refused = connect(postgresql_url("postgres?sslmode=verify-full&sslrootcert=" + wrong));
  fails_with(refused, errc::storage, "certificate verify failed");
  // A name that the certificate does not have.
  auto url = postgresql_url("postgres?sslmode=verify-full&hostaddr=127.0.0.1&sslrootcert=" + std::string(ca));
  url.replace(url.find("@127.0.0.1"), 10, "@db.example.org");
  fails_with(connect(url), errc::storage, "does not match host name");
}

BOOST_AUTO_TEST_CASE(names_are_looked_up) {
  asio::io_context context;
  auto url = postgresql_url("postgres");
  url.replace(url.find("@127.0.0.1"), 10, "@localhost");
  auto const connection = connected(context, url);
  BOOST_TEST(query(context, connection, echo, {"x"})->text(0, 0) == "x");
  fails_with(connect("postgresql://no-such-host.invalid/x"), errc::storage, "the host no-such-host.invalid");
}

BOOST_AUTO_TEST_CASE(refusals_are_told_apart) {
  auto const wrong_password = connect(with_user("claudio_test:wrong-s3cret"));
  fails_with(wrong_password, errc::storage, "password authentication failed");
  BOOST_TEST(wrong_password.error().error_code() == "28P01");
  BOOST_TEST(!is_lost_connection(wrong_password.error()));
  BOOST_TEST(wrong_password.error().message().find("s3cret") == std::string::npos);
  auto const no_database = connect(postgresql_url("nowhere"));
  fails_with(no_database, errc::storage, "database \"nowhere\" does not exist");
  BOOST_TEST(no_database.error().error_code() == "3D000");
  // What would be no better the next time.
  auto const without_password = connect(with_user("claudio_test"));
  fails_with(without_password, errc::storage, "no password supplied");
  BOOST_TEST(!is_lost_connection(without_password.error()));
  auto const no_mode = connect(postgresql_url("postgres?sslmode=bogus"));
  fails_with(no_mode, errc::configuration, "sslmode");
  auto const no_file = connect(postgresql_url("postgres?sslmode=verify-full&sslrootcert=/nonexistent"));
  fails_with(no_file, errc::storage, "root certificate file");
  BOOST_TEST(!is_lost_connection(no_file.error()));
  // Nobody listens there.
  asio::io_context context;
  asio::ip::tcp::acceptor taken(context, {asio::ip::address_v4::loopback(), 0});
  auto const port = taken.local_endpoint().port();
  taken.close();
  auto const nobody = connect(by_port(postgresql_url("postgres"), port));
  fails_with(nobody, errc::storage, "Connection refused");
  BOOST_TEST(is_lost_connection(nobody.error()));
}

BOOST_AUTO_TEST_CASE(the_next_server_is_tried) {
  asio::io_context context;
  asio::ip::tcp::acceptor taken(context, {asio::ip::address_v4::loopback(), 0});
  auto const dead = std::to_string(taken.local_endpoint().port());
  taken.close();
  auto url = postgresql_url("postgres");
  auto const living = "127.0.0.1:" + std::to_string(postgresql_port());
  url.replace(url.find("@" + living) + 1, living.size(), "127.0.0.1:" + dead + "," + living);
  auto const connection = connected(context, url);
  BOOST_TEST(query(context, connection, echo, {"x"})->text(0, 0) == "x");
}

BOOST_AUTO_TEST_CASE(a_server_that_says_nothing) {
  asio::io_context silent;
  asio::ip::tcp::acceptor const listens(silent, {asio::ip::address_v4::loopback(), 0});
  auto const url = by_port(postgresql_url("postgres"), listens.local_endpoint().port());
  auto const begin = std::chrono::steady_clock::now();
  auto const failed = connect(url, 200ms);
  fails_with(failed, errc::storage, "does not answer in time");
  BOOST_TEST(is_lost_connection(failed.error()));
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 5s));
}

BOOST_AUTO_TEST_CASE(a_query_that_takes_too_long) {
  asio::io_context context;
  auto const connection = connected(context);
  auto const failed = query(context, connection, sleep_long, {}, 100ms);
  fails_with(failed, errc::storage, "does not answer in time");
  BOOST_TEST(is_lost_connection(failed.error()));
  BOOST_TEST(!connection->is_idle());
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_ended) {
  asio::io_context context;
  auto const connection = connected(context);
  auto const other = connected(context);
  auto const process = std::string(query(context, connection, own_process)->text(0, 0));
  constexpr postgres_statement terminate{"terminate", "SELECT pg_terminate_backend($1::int, 5000)"};
  succeeds(query(context, other, terminate, {process}));
  auto const failed = query(context, connection, own_process);
  BOOST_TEST(is_lost_connection(failed.error()));
  BOOST_TEST(!connection->is_idle());
  // While it waits for the answer, too.
  auto const sleeping = connected(context);
  auto const sleeper = std::string(query(context, sleeping, own_process)->text(0, 0));
  running<postgres_rows> waiting(context, postgres_connection::query(sleeping, sleep_long, {}, in(30s)));
  tick(context, 20);
  succeeds(query(context, other, terminate, {sleeper}));
  finish(context);
  fails_with(waiting.outcome(), errc::storage, "terminating connection due to administrator command");
  BOOST_TEST(is_lost_connection(waiting.outcome().error()));
}

BOOST_AUTO_TEST_CASE(notifications_are_waited_for) {
  asio::io_context context;
  auto const listening = connected(context);
  auto const other = connected(context);
  succeeds(run(context, postgres_connection::execute(listening, "LISTEN desk", in(10s))));
  BOOST_TEST(!run(context, postgres_connection::wait_for_notification(listening, in(50ms))).value());
  BOOST_TEST(listening->is_idle());
  running<bool> waiting(context, postgres_connection::wait_for_notification(listening, in(10s)));
  tick(context, 5);
  BOOST_TEST(!waiting.has_ended());
  succeeds(run(context, postgres_connection::execute(other, "NOTIFY desk", in(10s))));
  finish(context);
  BOOST_TEST(waiting.outcome().value());
  // One that comes with the answer of a query is not lost.
  succeeds(run(context, postgres_connection::execute(listening, "NOTIFY desk; SELECT 1", in(10s))));
  BOOST_TEST(run(context, postgres_connection::wait_for_notification(listening, in(0ms))).value());
  // The end of the connection ends the wait.
  running<bool> cut(context, postgres_connection::wait_for_notification(listening, in(30s)));
  tick(context, 5);
  succeeds(run(context, postgres_connection::execute(
                            other,
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                            "AND query LIKE '%NOTIFY desk%'",
                            in(10s))));
  finish(context);
  BOOST_TEST(is_lost_connection(cut.outcome().error()));
}

BOOST_AUTO_TEST_CASE(connecting_is_cancelled_or_its_context_goes_at_every_handler) {
  for (bool const is_cancelled : {true, false}) {
    bool finished = false;
    for (std::size_t n = 0; !finished && n < 300; ++n) {
      asio::io_context context;
      ending<postgres_connection::pointer> connecting(context, connecting_to(context, postgresql_url("postgres"), 10s));
      for (std::size_t step = 0; step < n && !connecting.has_ended; ++step)
        context.run_one();
      finished = connecting.has_ended;
      if (is_cancelled) {
        connecting.signal.emit(asio::cancellation_type::terminal);
        finish(context);
        BOOST_TEST(connecting.has_ended);
      }
    }
    BOOST_TEST(finished);
  }
}

BOOST_AUTO_TEST_CASE(a_network_that_cuts_a_connection) {
  tcp_proxy network(postgresql_port());
  auto const url = by_port(postgresql_url("postgres?sslmode=disable"), network.port());
  auto const work = [&](asio::io_context& context) -> result<postgres_rows> {
    auto const connection = run(context, connecting_to(context, url, 5s));
    if (!connection)
      return connection.error();
    return query(context, *connection, echo, {"x"}, 5s);
  };
  for (auto const which : {tcp_proxy::direction::to_server, tcp_proxy::direction::to_client}) {
    auto const before = network.passed(which);
    {
      asio::io_context context;
      succeeds(work(context));
    }
    auto const all = network.passed(which) - before;
    BOOST_TEST_REQUIRE(all > 100u);
    for (std::size_t bytes = 0; bytes < all - 10; bytes += 7)
      BOOST_TEST_CONTEXT("after " << bytes << " of " << all << " bytes") {
        // What the connection before says at its end does not count.
        network.cut();
        network.cut_after(which, bytes);
        asio::io_context context;
        auto const cut = work(context);
        BOOST_REQUIRE(cut.has_error());
        BOOST_TEST(cut.error().code() == errc::storage);
        BOOST_TEST(is_lost_connection(cut.error()), cut.error().to_string() << " " << cut.error().error_code());
      }
  }
}

BOOST_AUTO_TEST_SUITE_END()
