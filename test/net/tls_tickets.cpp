#include "support/tls_client.hpp"

#include <ctime>

using namespace claudio;
using namespace claudio::test;

namespace {

bool resumes(test::server_context const& there, std::shared_ptr<tls_context> const& context) {
  connected both(there, context);
  return both.us.engine().resumed();
}

} // namespace

BOOST_AUTO_TEST_SUITE(tls_tickets)

BOOST_AUTO_TEST_CASE(a_ticket_resumes_a_session) {
  for (int const version : versions) {
    auto const there = test::make_server_context(identity(), version);
    auto const context = trusting();
    BOOST_TEST(!resumes(there, context));
    // Two tickets of TLS 1.3 for a new session and one for a resumed one; one of TLS 1.2 for all.
    BOOST_TEST(context->tickets() == (version == TLS1_3_VERSION ? 2u : 1u));
    for (int round = 0; round < 4; ++round)
      BOOST_TEST(resumes(there, context));
    BOOST_TEST(context->tickets() == (version == TLS1_3_VERSION ? 2u : 1u));
    BOOST_TEST(!resumes(there, trusting()));
  }
}

BOOST_AUTO_TEST_CASE(a_ticket_of_tls_1_3_is_used_once) {
  auto const there = test::make_server_context(identity(), TLS1_3_VERSION);
  auto const context = trusting();
  BOOST_TEST(!resumes(there, context));
  SSL_CTX_set_num_tickets(there.get(), 0);
  BOOST_TEST(resumes(there, context));
  BOOST_TEST(context->tickets() == 1u);
  BOOST_TEST(resumes(there, context));
  BOOST_TEST(context->tickets() == 0u);
  BOOST_TEST(!resumes(there, context));
}

BOOST_AUTO_TEST_CASE(a_closed_connection_s_ticket_is_used) {
  for (int const version : versions) {
    auto const there = test::make_server_context(identity(), version);
    auto const context = trusting();
    {
      connected both(there, context);
      both.server.shut_down();
      both.us.input(both.server.output());
      BOOST_TEST(both.us.read() == tls_status::closed);
    }
    BOOST_TEST(resumes(there, context));
  }
}

// RFC 5246 7.2.2, RFC 8446 6.2
BOOST_AUTO_TEST_CASE(a_failed_connection_s_tickets_are_not_used) {
  for (int const version : versions) {
    auto const there = test::make_server_context(identity(), version);
    auto const context = trusting();
    {
      connected both(there, context);
      auto said = both.said_by_server("text");
      said.back() = static_cast<char>(said.back() ^ 1);
      both.us.input(said);
      BOOST_TEST(both.us.read() == tls_status::failed);
    }
    BOOST_TEST(!resumes(there, context));
    BOOST_TEST(resumes(there, context));
  }
}

BOOST_AUTO_TEST_CASE(at_most_32_tickets_are_kept) {
  auto const there = test::make_server_context(identity(), TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(there.get(), 40);
  auto const context = trusting();
  BOOST_TEST(!resumes(there, context));
  BOOST_TEST(context->tickets() == 32u);
  BOOST_TEST(resumes(there, context));
  BOOST_TEST(context->tickets() == 32u);
}

BOOST_AUTO_TEST_CASE(an_expired_ticket_is_not_used) {
  static int (*keep)(SSL*, SSL_SESSION*) = nullptr;
  for (int const version : versions) {
    auto const there = test::make_server_context(identity(), version);
    auto const context = trusting();
    keep = SSL_CTX_sess_get_new_cb(context->native_handle());
    auto const keep_aged = [](SSL* ssl, SSL_SESSION* session) {
      SSL_SESSION_set_time(session, static_cast<long>(std::time(nullptr)) - SSL_SESSION_get_timeout(session));
      return keep(ssl, session);
    };
    SSL_CTX_sess_set_new_cb(context->native_handle(), keep_aged);
    BOOST_TEST(!resumes(there, context));
    BOOST_TEST(context->tickets() > 0u);
    BOOST_TEST(!resumes(there, context));
    SSL_CTX_sess_set_new_cb(context->native_handle(), keep);
    BOOST_TEST(!resumes(there, context));
    BOOST_TEST(resumes(there, context));
  }
}

// The server, restarted, can't read it; the handshake goes its long way.
BOOST_AUTO_TEST_CASE(a_ticket_that_the_server_does_not_know) {
  for (int const version : versions) {
    auto const context = trusting();
    BOOST_TEST(!resumes(test::make_server_context(identity(), version), context));
    BOOST_TEST(!resumes(test::make_server_context(identity(), version), context));
  }
}

BOOST_AUTO_TEST_CASE(a_ticket_of_a_version_that_the_server_has_left) {
  auto const context = trusting();
  for (int const version : {TLS1_3_VERSION, TLS1_2_VERSION, TLS1_3_VERSION})
    BOOST_TEST(!resumes(test::make_server_context(identity(), version), context));
}

BOOST_AUTO_TEST_SUITE_END()
