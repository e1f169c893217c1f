#include "postgres/address.hpp"

#include "store/fixtures.hpp"

#include <cstdlib>

using namespace claudio;
using claudio::test::fails_with;

namespace {

// As if the machine had no settings of its own.
class no_settings {
public:
  no_settings() {
    for (auto const* const name : {"PGHOST", "PGPORT", "PGSSLMODE", "PGUSER", "PGDATABASE", "PGSERVICE", "PGHOSTADDR",
                                   "PGCONNECT_TIMEOUT", "PGGSSENCMODE", "PGPASSWORD"})
      ::unsetenv(name);
  }
};

postgres_address parse(std::string const& url) {
  auto parsed = postgres_address::parse(url);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), url);
  return std::move(*parsed);
}

std::string parameter(std::string const& url, std::string const& keyword) {
  auto const address = parse(url);
  auto const parameters = address.parameters_for(address.servers().front());
  auto const found = parameters.find(keyword);
  return found == parameters.end() ? "(none)" : found->second;
}

} // namespace

BOOST_AUTO_TEST_SUITE(postgres_addresses, *boost::unit_test::fixture<no_settings>())

BOOST_AUTO_TEST_CASE(a_url_says_where_a_database_is) {
  auto const address = parse("postgresql://anna:s3cr%40t@db.example.org:6543/claudio?application_name=desk");
  BOOST_REQUIRE(address.servers().size() == 1u);
  BOOST_TEST(address.servers()[0].host == "db.example.org");
  BOOST_TEST(address.servers()[0].port == "6543");
  auto const parameters = address.parameters_for(address.servers()[0]);
  BOOST_TEST(parameters.at("user") == "anna");
  BOOST_TEST(parameters.at("password") == "s3cr@t");
  BOOST_TEST(parameters.at("dbname") == "claudio");
  BOOST_TEST(parameters.at("application_name") == "desk");
  BOOST_TEST(parameters.at("client_encoding") == "UTF8");
  BOOST_TEST(address.name() == "the database \"postgresql://db.example.org:6543/claudio\"");
}

BOOST_AUTO_TEST_CASE(what_a_url_leaves_out_comes_from_the_environment) {
  ::setenv("PGHOST", "db.example.org", 1);
  ::setenv("PGPORT", "7777", 1);
  auto const address = parse("postgresql://anna@/claudio");
  ::unsetenv("PGHOST");
  ::unsetenv("PGPORT");
  BOOST_TEST(address.servers()[0].host == "db.example.org");
  BOOST_TEST(address.servers()[0].port == "7777");
  BOOST_TEST(parse("postgresql:///claudio").servers()[0].host == "");
}

BOOST_AUTO_TEST_CASE(other_machines_are_spoken_to_over_tls) {
  BOOST_TEST(parameter("postgresql://db.example.org/x", "sslmode") == "require");
  BOOST_TEST(parameter("postgresql://192.0.2.7/x", "sslmode") == "require");
  BOOST_TEST(parameter("postgresql://localhost.example.org/x", "sslmode") == "require");
  BOOST_TEST(parameter("postgresql://db.example.org/x?sslmode=disable", "sslmode") == "disable");
  BOOST_TEST(parameter("postgresql://db.example.org/x?sslmode=prefer", "sslmode") == "prefer");
  BOOST_TEST(parameter("postgresql://db.example.org/x?sslmode=verify-full", "sslmode") == "verify-full");
  for (auto const* const url : {"postgresql://localhost/x", "postgresql://127.0.0.1/x", "postgresql://[::1]/x",
                                "postgresql:///x?host=/run/postgresql", "postgresql:///x"})
    BOOST_TEST(parameter(url, "sslmode") == "prefer", url);
  // A name that is said to be at an address of this machine.
  BOOST_TEST(parameter("postgresql://db.example.org/x?hostaddr=127.0.0.1", "sslmode") == "prefer");
  BOOST_TEST(parameter("postgresql://db.example.org/x?sslmode=", "sslmode") == "require");
  ::setenv("PGSSLMODE", "prefer", 1);
  BOOST_TEST(parameter("postgresql://db.example.org/x", "sslmode") == "prefer");
  ::unsetenv("PGSSLMODE");
}

BOOST_AUTO_TEST_CASE(several_servers) {
  auto const address = parse("postgresql://one.example.org:1111,two.example.org:2222/x?connect_timeout=7");
  BOOST_REQUIRE(address.servers().size() == 2u);
  BOOST_TEST(address.servers()[1].host == "two.example.org");
  BOOST_TEST(address.servers()[1].port == "2222");
  BOOST_TEST(address.connect_timeout().count() == 7);
  BOOST_TEST(address.name() == "the database \"postgresql://one.example.org:1111,two.example.org:2222/x\"");
  BOOST_TEST(parameter("postgresql://one,two/x", "target_session_attrs") == "read-write");
  BOOST_TEST(parameter("postgresql://one,two/x?target_session_attrs=any", "target_session_attrs") == "any");
  BOOST_TEST(parameter("postgresql://one/x", "target_session_attrs") == "any");
  BOOST_TEST(parse("postgresql://one,two/x?port=5").servers()[1].port == "5");
  BOOST_TEST(parse("postgresql://one/x").connect_timeout().count() == 3);
  BOOST_TEST(parse("postgresql://one/x?connect_timeout=0").connect_timeout().count() > 600);
}

BOOST_AUTO_TEST_CASE(a_lost_peer_is_noticed) {
  BOOST_TEST(parameter("postgresql://one/x", "tcp_user_timeout") == "10000");
  BOOST_TEST(parameter("postgresql://one/x", "keepalives_idle") == "10");
  BOOST_TEST(parameter("postgresql://one/x?keepalives_idle=99", "keepalives_idle") == "99");
}

BOOST_AUTO_TEST_CASE(faults_show_no_password) {
  for (auto const* const url :
       {"postgresql://anna:s3cret%zz@host/x", "postgresql://anna:s3cret@host:port:port/x",
        "postgresql://anna:s3cret@[::1/x", "postgresql://anna:s3cret@a,b,c/x?port=1,2",
        "postgresql://anna:s3cret@host/x?connect_timeout=soon", "postgresql://anna:s3cret@host/x?colour=red"}) {
    auto const parsed = postgres_address::parse(url);
    fails_with(parsed, errc::configuration, "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
    BOOST_TEST(parsed.error().message().find("s3cret") == std::string::npos, parsed.error().message());
    BOOST_TEST(parsed.error().param() == "store");
  }
  fails_with(postgres_address::parse("postgresql://host/x?colour=red"), errc::configuration, "colour");
  for (auto const* const url :
       {"postgresql://anna:se@cret@host/x", "postgresql://anna:123/se@host/x", "postgresql://anna:se?@host@x/y@z",
        "postgresql://a@b@c", "postgresql://anna:pa/se?cret=1@host/x", "postgresql://anna:p@ss?cret=1@host/x"})
    BOOST_TEST_CONTEXT(url)
  fails_with(postgres_address::parse(url), errc::configuration, "characters like @ and / of the parts as %40 and %2F");
  // libpq would look for it only when it connects: how, would not be known before.
  fails_with(postgres_address::parse("postgresql://host/x?service=desk"), errc::configuration, "PGSERVICE");
}

BOOST_AUTO_TEST_SUITE_END()
