#include "support/tls_client.hpp"

#include <array>
#include <cstdlib>
#include <set>
#include <unistd.h>

using namespace claudio;
using namespace claudio::test;

namespace {

std::string long_text(std::size_t size) {
  std::string made(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    made[i] = static_cast<char>('a' + i % 23);
  return made;
}

void converse(connected& both, std::string const& text) {
  BOOST_REQUIRE(both.us.write(text) == tls_status::done);
  both.server.input(both.us.output());
  BOOST_REQUIRE(both.server.read() == text);
  both.us.input(both.said_by_server(text));
  std::string read;
  BOOST_TEST(both.us.read(read) == tls_status::wants_input);
  BOOST_REQUIRE(read == text);
}

std::string refusal(testing::credentials const& there, std::string const& host,
                    std::shared_ptr<tls_context> context = trusting()) {
  std::string last;
  for (int const version : versions) {
    auto const server_side = test::make_server_context(there, version);
    memory_server server(server_side);
    client us(context, host);
    auto const status = shake_hands(us, server);
    BOOST_TEST((status == tls_status::done || status == tls_status::failed));
    BOOST_TEST((status == tls_status::done) == us.engine().failure().empty());
    BOOST_TEST((version == versions[0] || last == us.engine().failure()));
    last = us.engine().failure();
  }
  return last;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

} // namespace

BOOST_AUTO_TEST_SUITE(tls_engine)

BOOST_AUTO_TEST_CASE(handshake_and_data_both_ways) {
  for (int const version : versions) {
    for (bool const junk : {false, true}) {
      connected both(test::make_server_context(identity(), version), trusting(), junk);
      BOOST_TEST(SSL_version(both.server.native_handle()) == version);
      BOOST_TEST(!both.us.engine().resumed());
      for (std::size_t const size : {1, 100, 16 * 1024, 16 * 1024 + 1, 1024 * 1024})
        converse(both, long_text(size));
      BOOST_TEST(!both.us.engine().has_unread());
      BOOST_TEST(!both.us.engine().ended());
      BOOST_TEST(both.us.engine().failure().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(records_hold_at_most_16_kib) {
  connected both(TLS1_3_VERSION);
  BOOST_TEST(both.us.write(long_text(40'000)) == tls_status::done);
  BOOST_TEST(test::split_records(both.us.output()).size() == 3u);
  BOOST_TEST(both.us.write("") == tls_status::done);
  BOOST_TEST(both.us.output().empty());
}

BOOST_AUTO_TEST_CASE(a_handshake_in_pieces_of_any_size) {
  for (int const version : versions) {
    auto const there = test::make_server_context(identity(), version);
    for (std::size_t size = 1; size < 1200; size += size < 8 ? 1 : 31) {
      memory_server server(there);
      client us(trusting(), "localhost", size % 2 == 0);
      BOOST_REQUIRE(shake_hands(us, server, size) == tls_status::done);
    }
  }
}

BOOST_AUTO_TEST_CASE(data_split_at_every_offset) {
  for (int const version : versions) {
    connected both(version);
    std::size_t size = 1;
    for (std::size_t at = 0; at < size; ++at) {
      auto said = both.said_by_server("one");
      said += both.said_by_server("two");
      said += both.said_by_server(long_text(200));
      size = said.size();
      std::string read;
      both.us.input(said.substr(0, at));
      BOOST_REQUIRE(both.us.read(read) == tls_status::wants_input);
      both.us.input(said.substr(at));
      BOOST_REQUIRE(both.us.read(read) == tls_status::wants_input);
      BOOST_REQUIRE(read == "onetwo" + long_text(200));
    }
  }
}

BOOST_AUTO_TEST_CASE(data_byte_by_byte) {
  for (int const version : versions) {
    connected both(version);
    auto const said = both.said_by_server(long_text(20'000));
    std::string read;
    for (char const byte : said) {
      both.us.input(std::string_view(&byte, 1));
      BOOST_REQUIRE(both.us.read(read) == tls_status::wants_input);
    }
    BOOST_TEST(read == long_text(20'000));
  }
}

// What one read does not take stays in the input and in OpenSSL, and has_unread() says so.
BOOST_AUTO_TEST_CASE(several_records_and_little_room) {
  for (int const version : versions) {
    for (std::size_t const room : {1, 3, 7, 1000}) {
      connected both(version);
      std::string said;
      std::string expected;
      for (std::size_t size = 1; size < 2000; size *= 3) {
        said += both.said_by_server(long_text(size));
        expected += long_text(size);
      }
      both.us.input(said);
      std::string piece(room, '\0');
      std::string read;
      std::string output;
      while (both.us.engine().has_unread()) {
        std::size_t got = 0;
        BOOST_REQUIRE(both.us.engine().read(piece, got, output) == tls_status::done);
        read.append(piece, 0, got);
      }
      BOOST_TEST(read == expected);
      BOOST_TEST(both.us.engine().unread_input().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_comes_with_the_handshake_s_end_is_read_after_it) {
  auto const there = test::make_server_context(identity(), TLS1_3_VERSION);
  memory_server server(there);
  client us(trusting());
  BOOST_TEST(us.handshake() == tls_status::wants_input);
  server.input(us.output());
  std::size_t size = 0;
  char byte = 0;
  server.run([&](SSL* ssl) { return SSL_read_early_data(ssl, &byte, 1, &size); });
  // Before the client's Finished: RFC 8446 4.4.4.
  auto early = [&](SSL* ssl) { return SSL_write_early_data(ssl, "early", 5, &size); };
  BOOST_REQUIRE(server.run(early) == 1);
  us.input(server.output());
  BOOST_TEST(us.handshake() == tls_status::done);
  BOOST_TEST(us.engine().has_unread());
  std::string read;
  BOOST_TEST(us.read(read) == tls_status::wants_input);
  BOOST_TEST(read == "early");
}

BOOST_AUTO_TEST_CASE(a_key_update_is_answered) {
  for (int const kind : {SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED}) {
    connected both(TLS1_3_VERSION);
    for (int round = 0; round < 3; ++round) {
      both.server.run([&](SSL* ssl) { return SSL_key_update(ssl, kind); });
      both.server.run(&SSL_do_handshake);
      converse(both, long_text(100));
      // The client's answer goes before what it sends next.
      both.us.input(both.said_by_server("after"));
      std::string read;
      BOOST_TEST(both.us.read(read) == tls_status::wants_input);
      BOOST_TEST(read == "after");
      BOOST_TEST(both.us.write("text") == tls_status::done);
      auto const said = both.us.output();
      BOOST_TEST(test::split_records(said).size() == (kind == SSL_KEY_UPDATE_REQUESTED ? 2u : 1u));
      both.server.input(said);
      BOOST_TEST(both.server.read() == "text");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_close_is_told_once_all_is_read) {
  for (int const version : versions) {
    connected both(version);
    auto said = both.said_by_server("last");
    both.server.shut_down();
    both.us.input(said + both.server.output() + "noise");
    both.us.end_input();
    std::string read;
    BOOST_TEST(both.us.read(read) == tls_status::closed);
    BOOST_TEST(read == "last");
    BOOST_TEST(both.us.engine().ended());
    BOOST_TEST(both.us.engine().has_unread());
    both.us.input("noise");
    BOOST_TEST(both.us.read() == tls_status::closed);
    BOOST_TEST(both.us.write("text") == tls_status::closed);
    BOOST_TEST(both.us.handshake() == tls_status::closed);
  }
}

BOOST_AUTO_TEST_CASE(an_end_without_a_close_is_a_truncation) {
  for (int const version : versions) {
    auto const size = connected(version).said_by_server("text").size();
    for (std::size_t const kept : {std::size_t(0), std::size_t(3), std::size_t(5), size - 1, size}) {
      connected both(version);
      both.us.input(both.said_by_server("text").substr(0, kept));
      both.us.end_input();
      std::string read;
      BOOST_TEST(both.us.read(read) == tls_status::truncated);
      BOOST_TEST(read == (kept == size ? "text" : ""));
      BOOST_TEST(both.us.read() == tls_status::truncated);
      BOOST_TEST(both.us.write("text") == tls_status::truncated);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_end_within_the_handshake_is_a_truncation) {
  for (int const version : versions) {
    auto const there = test::make_server_context(identity(), version);
    for (std::size_t const kept : {0, 1, 5, 40, 300}) {
      memory_server server(there);
      client us(trusting());
      BOOST_TEST(us.handshake() == tls_status::wants_input);
      server.input(us.output());
      server.handshake();
      us.input(server.output().substr(0, kept));
      us.end_input();
      BOOST_TEST(us.handshake() == tls_status::truncated);
      BOOST_TEST(us.handshake() == tls_status::truncated);
    }
  }
}

BOOST_AUTO_TEST_CASE(alerts_are_named) {
  std::pair<char, char const*> const rows[] = {
      {40, "handshake failure"},     {42, "bad certificate"},         {48, "unknown CA"},
      {70, "protocol version"},      {80, "internal error"},          {112, "unrecognized name"},
      {116, "certificate required"}, {120, "no application protocol"}};
  for (auto const& [code, name] : rows) {
    client us(trusting());
    BOOST_TEST(us.handshake() == tls_status::wants_input);
    us.output();
    us.input(std::string("\x15\x03\x03\x00\x02\x02", 6) + code);
    BOOST_TEST(us.handshake() == tls_status::failed);
    BOOST_TEST(contains(us.engine().failure(),
                        std::string("TLS handshake with localhost failed: the peer sent the alert \"") + name + '"'),
               us.engine().failure());
    BOOST_TEST(us.handshake() == tls_status::failed);
    BOOST_TEST(us.write("text") == tls_status::failed);
  }
}

BOOST_AUTO_TEST_CASE(a_server_of_old_versions_is_refused) {
  auto const there = test::make_server_context(identity());
  SSL_CTX_set_min_proto_version(there.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(there.get(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(there.get(), 0);
  memory_server server(there);
  client us(trusting());
  BOOST_TEST(shake_hands(us, server) == tls_status::failed);
  BOOST_TEST(contains(us.engine().failure(), "protocol version"), us.engine().failure());
}

BOOST_AUTO_TEST_CASE(no_common_cipher) {
  auto const there = test::make_server_context(identity(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(there.get(), "ECDHE-RSA-AES128-GCM-SHA256");
  memory_server server(there);
  client us(trusting());
  BOOST_TEST(shake_hands(us, server) == tls_status::failed);
  BOOST_TEST(contains(us.engine().failure(), "handshake failure"), us.engine().failure());
}

BOOST_AUTO_TEST_CASE(a_server_that_wants_a_certificate) {
  for (int const version : versions) {
    auto const there = test::make_server_context(identity(), version);
    SSL_CTX_set_verify(there.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    memory_server server(there);
    client us(trusting());
    // The server of TLS 1.3 judges when the client is ready.
    auto const expected = version == TLS1_3_VERSION ? tls_status::done : tls_status::failed;
    BOOST_TEST(shake_hands(us, server) == expected);
    BOOST_TEST(us.read() == tls_status::failed);
    BOOST_TEST(contains(us.engine().failure(), "the peer sent the alert"), us.engine().failure());
  }
}

BOOST_AUTO_TEST_CASE(corrupted_data_is_answered_with_an_alert) {
  for (int const version : versions) {
    auto const size = connected(version).said_by_server("text").size();
    for (std::size_t at = 0; at < size; ++at) {
      if (at == 3 || at == 4) // the length; another one waits for more
        continue;
      connected both(version);
      auto said = both.said_by_server("text");
      auto const more = both.said_by_server("more");
      said[at] = static_cast<char>(said[at] ^ 0x40);
      both.us.input(said);
      std::string read;
      BOOST_TEST(both.us.read(read) == tls_status::failed);
      BOOST_TEST(read.empty());
      BOOST_TEST(!both.us.engine().failure().empty());
      both.server.input(both.us.output());
      both.server.read();
      BOOST_TEST((SSL_get_shutdown(both.server.native_handle()) & SSL_RECEIVED_SHUTDOWN) != 0);
      both.us.input(more);
      BOOST_TEST(both.us.read(read) == tls_status::failed);
      BOOST_TEST(read.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_tls) {
  for (std::string const said : {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
    client us(trusting());
    BOOST_TEST(us.handshake() == tls_status::wants_input);
    us.input(said);
    BOOST_TEST(us.handshake() == tls_status::failed);
    BOOST_TEST(contains(us.engine().failure(), "TLS handshake with localhost failed: "), us.engine().failure());
  }
}

BOOST_AUTO_TEST_CASE(renegotiation_is_refused) {
  connected both(TLS1_2_VERSION);
  both.server.run(&SSL_renegotiate);
  both.server.run(&SSL_do_handshake);
  both.us.input(both.server.output());
  BOOST_TEST(both.us.read() == tls_status::wants_input);
  auto const answer = both.us.output();
  BOOST_TEST(!answer.empty());
  BOOST_TEST(answer.front() == 21); // an alert: RFC 5246 7.2.2
  BOOST_TEST(both.us.write("text") == tls_status::done);
  both.server.input(answer);
  both.server.input(both.us.output());
  // OpenSSL's server takes the warning no_renegotiation for the end.
  both.server.run(&SSL_do_handshake);
  BOOST_TEST(SSL_version(both.server.native_handle()) == TLS1_2_VERSION);
}

BOOST_AUTO_TEST_CASE(http_1_1_is_offered) {
  for (int const version : versions) {
    connected both(version);
    unsigned char const* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(both.server.native_handle(), &chosen, &size);
    BOOST_TEST(std::string_view(reinterpret_cast<char const*>(chosen), size) == "http/1.1");
  }
}

BOOST_AUTO_TEST_CASE(no_protocol_is_accepted_and_another_is_refused) {
  for (int const version : versions) {
    auto const silent = test::make_server_context(identity(), version);
    SSL_CTX_set_alpn_select_cb(silent.get(), nullptr, nullptr);
    connected both(silent, trusting());
    converse(both, "text");

    auto const other = test::make_server_context(identity(), version);
    auto const choose = [](SSL*, unsigned char const** chosen, unsigned char* size, unsigned char const*, unsigned,
                           void*) {
      *chosen = reinterpret_cast<unsigned char const*>("h2");
      *size = 2;
      return SSL_TLSEXT_ERR_OK;
    };
    SSL_CTX_set_alpn_select_cb(other.get(), choose, nullptr);
    auto const context = trusting();
    {
      memory_server server(other);
      client us(context);
      BOOST_TEST(shake_hands(us, server) == tls_status::failed);
      BOOST_TEST(contains(us.engine().failure(), "localhost"), us.engine().failure());
      BOOST_TEST(us.read() == tls_status::failed);
    }
    client us(context);
    memory_server server(silent);
    BOOST_TEST(shake_hands(us, server) == tls_status::done);
    BOOST_TEST(!us.engine().resumed());
  }
}

BOOST_AUTO_TEST_CASE(names_and_addresses_are_verified) {
  for (std::string const host : {"localhost", "LOCALHOST", "a.wild.example", "127.0.0.1", "::1"})
    BOOST_TEST(refusal(identity(), host).empty(), host);
  for (std::string const host : {"other", "wild.example", "a.b.wild.example", "partial.partial.example", "127.0.0.2",
                                 "127.0.0.3", "::2", "claudio fake server"}) {
    auto const said = refusal(identity(), host);
    BOOST_TEST(said.starts_with("the certificate of " + host + " was refused: "), host << ": " << said);
    BOOST_TEST(said.ends_with("; it was issued for another host, check api_base"), said);
  }
}

// RFC 6066 3 and RFC 9525: neither SNI nor a certificate has the dot that makes a name absolute.
BOOST_AUTO_TEST_CASE(a_final_dot_is_no_part_of_the_name) {
  for (std::string const host : {"localhost.", "a.wild.example.", "127.0.0.1."})
    BOOST_TEST(refusal(identity(), host).empty(), host);
  for (std::string const host : {"other.", "localhost.."})
    BOOST_TEST(!refusal(identity(), host).empty(), host);
  auto const server_side = test::make_server_context(identity());
  memory_server server(server_side);
  client us(trusting(), "localhost.");
  BOOST_REQUIRE(shake_hands(us, server) == tls_status::done);
  BOOST_TEST(SSL_get_servername(server.native_handle(), TLSEXT_NAMETYPE_host_name) == std::string("localhost"));
}

// RFC 9525 6.3.
BOOST_AUTO_TEST_CASE(a_common_name_is_no_host_name) {
  for (auto const* names : {"", "IP:192.0.2.1", "email:a@localhost"})
    BOOST_TEST(refusal(authority().issue(names, 30, "localhost"), "localhost") ==
               "the certificate of localhost was refused: hostname mismatch; it was issued for another host, check "
               "api_base");
}

// Whom the named file holds is trusted, also an authority that another one vouches for.
BOOST_AUTO_TEST_CASE(a_named_intermediate_is_enough) {
  testing::certificate_authority const root;
  testing::certificate_authority intermediate(root);
  auto const there = intermediate.issue("DNS:localhost");
  auto const context_of = [](std::string const& pem) {
    char path[] = "/tmp/claudio-ca-XXXXXX";
    int const descriptor = ::mkstemp(path);
    BOOST_REQUIRE(::write(descriptor, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()));
    ::close(descriptor);
    trusted_authorities known;
    auto made = tls_context::make(path, true, known).value();
    ::unlink(path);
    return made;
  };
  BOOST_TEST(refusal(there, "localhost", context_of(intermediate.pem())).empty());
  BOOST_TEST(!refusal(there, "other", context_of(intermediate.pem())).empty());
  BOOST_TEST(!refusal(there, "localhost", context_of(authority().pem())).empty());
  BOOST_TEST(!refusal(intermediate.issue("DNS:localhost", -1), "localhost", context_of(intermediate.pem())).empty());
}

BOOST_AUTO_TEST_CASE(bad_certificates_are_refused) {
  BOOST_TEST(refusal(authority().issue("DNS:localhost", -1), "localhost") ==
             "the certificate of localhost was refused: certificate has expired; check the server's certificate and "
             "this machine's clock");
  BOOST_TEST(refusal(testing::certificate_authority::self_signed("DNS:localhost"), "localhost") ==
             "the certificate of localhost was refused: self-signed certificate; if you trust its issuer, name the "
             "issuer's PEM file in ca_file");
  testing::certificate_authority foreign;
  BOOST_TEST(refusal(foreign.issue("DNS:localhost"), "localhost")
                 .ends_with("; if you trust its issuer, name the issuer's PEM file in ca_file"));
  auto const careless = test::make_client_context(authority().pem(), false);
  BOOST_TEST(refusal(foreign.issue("DNS:other", -1), "localhost", careless).empty());
}

BOOST_AUTO_TEST_CASE(a_host_that_cannot_be_used) {
  auto const made = claudio::tls_engine::make(trusting(), std::string(300, 'a'));
  BOOST_REQUIRE(made.has_error());
  BOOST_TEST(made.error().code() == errc::configuration);
  BOOST_TEST(ERR_peek_error() == 0ul);
}

BOOST_AUTO_TEST_CASE(a_write_during_half_a_message_waits_for_the_rest_of_it) {
  connected both(TLS1_3_VERSION);
  both.server.run([](SSL* ssl) {
    std::string const data(2000, 'x');
    SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data.data(), data.size());
    SSL_set_max_send_fragment(ssl, 512);
    return SSL_new_session_ticket(ssl) == 1 ? SSL_do_handshake(ssl) : 0;
  });
  auto const records = test::split_records(both.server.output());
  BOOST_REQUIRE(records.size() > 2u);
  both.us.input(records.front());
  BOOST_TEST(both.us.read() == tls_status::wants_input);
  BOOST_TEST(both.us.write("text") == tls_status::wants_input);
  BOOST_TEST(both.us.output().empty());
  for (std::size_t i = 1; i < records.size(); ++i) {
    BOOST_TEST(both.us.write("text") == tls_status::wants_input);
    both.us.input(records[i]);
    BOOST_TEST(both.us.read() == tls_status::wants_input);
  }
  BOOST_TEST(both.us.write("text") == tls_status::done);
  both.server.input(both.us.output());
  BOOST_TEST(both.server.read() == "text");
}

BOOST_AUTO_TEST_CASE(records_without_data_are_bounded_in_a_row) {
  for (auto const count :
       {claudio::tls_engine::most_records_without_data, claudio::tls_engine::most_records_without_data + 1}) {
    connected both(TLS1_3_VERSION);
    both.us.input(both.said_by_server("data, after the tickets"));
    BOOST_TEST(both.us.read() == tls_status::wants_input);
    std::string updates;
    for (unsigned i = 0; i < count; ++i) {
      both.server.run(
          [](SSL* ssl) { return SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 ? SSL_do_handshake(ssl) : 0; });
      updates += both.server.output();
    }
    both.us.input(updates);
    bool const fails = count > claudio::tls_engine::most_records_without_data;
    BOOST_TEST((both.us.read() == (fails ? tls_status::failed : tls_status::wants_input)));
    if (fails)
      continue;
    // Data sets the count back.
    both.us.input(both.said_by_server("text"));
    std::string read;
    BOOST_TEST(both.us.read(read) == tls_status::wants_input);
    BOOST_TEST(read == "text");
  }
}

BOOST_AUTO_TEST_CASE(an_operation_does_no_more_work_than_is_allowed) {
  for (int const version : versions) {
    connected both(version);
    std::string said;
    for (int i = 0; i < 100; ++i)
      said += both.said_by_server("x");
    auto const records = test::split_records(said);
    both.us.input(said);
    std::size_t left = records.size();
    while (left > 0) {
      both.us.engine().allow(claudio::tls_engine::cost_without_data);
      std::string read;
      BOOST_REQUIRE(both.us.read(read) == tls_status::wants_input);
      BOOST_REQUIRE((both.us.engine().exhausted() || read.size() == left));
      BOOST_REQUIRE(!read.empty());
      BOOST_REQUIRE(read.size() <= static_cast<std::size_t>(claudio::tls_engine::cost_without_data));
      left -= read.size();
      BOOST_REQUIRE(both.us.engine().has_unread() == (left > 0));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
