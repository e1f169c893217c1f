#include "net/tls_engine.hpp"

#include "support/memory_server.hpp"
#include "support/test.hpp"

#include <openssl/err.h>

#include <array>
#include <ctime>
#include <ostream>
#include <set>

using namespace claudio;
using test::memory_server;

namespace claudio {

std::ostream& operator<<(std::ostream& out, tls_status status) { return out << static_cast<int>(status); }

} // namespace claudio

namespace {

constexpr int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

testing::certificate_authority& authority() {
  static testing::certificate_authority shared;
  return shared;
}

testing::credentials const& identity() {
  static auto const shared =
      authority().issue("DNS:localhost,DNS:*.wild.example,DNS:part*.partial.example,DNS:127.0.0.3,IP:127.0.0.1,IP:::1");
  return shared;
}

std::shared_ptr<tls_context> trusting() { return test::make_client_context(authority().pem()); }

// An engine whose every operation has to leave OpenSSL's error queue empty, also one that was not empty before.
class client {
public:
  explicit client(std::shared_ptr<tls_context> context, std::string const& host = "localhost", bool junk = false)
      : junk_(junk) {
    spoil();
    auto made = tls_engine::make(std::move(context), host);
    check();
    BOOST_REQUIRE(made.has_value());
    engine_ = std::move(*made);
  }

  tls_engine& engine() { return *engine_; }

  /// Behind what it has not read yet.
  void input(std::string_view ciphertext) {
    std::string all(engine_->unread_input());
    all.append(ciphertext);
    given_.swap(all);
    engine_->input(given_);
  }
  void end_input() { engine_->end_input(); }

  tls_status handshake() {
    spoil();
    return check(engine_->handshake(output_));
  }
  tls_status write(std::string_view plaintext) {
    spoil();
    return check(engine_->write(plaintext, output_));
  }
  /// Until there is no more; the status that ended it.
  tls_status read(std::string& into, std::size_t piece_size = 16 * 1024) {
    std::string piece(piece_size, '\0');
    while (true) {
      std::size_t got = 0;
      spoil();
      auto const status = check(engine_->read(piece, got, output_));
      BOOST_REQUIRE((status == tls_status::done) == (got > 0));
      if (status != tls_status::done)
        return status;
      into.append(piece, 0, got);
    }
  }
  tls_status read() {
    std::string ignored;
    return read(ignored);
  }
  std::string output() { return std::exchange(output_, {}); }

private:
  void spoil() {
    if (!junk_)
      return;
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    ERR_raise(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING);
  }
  tls_status check(tls_status status = tls_status::done) {
    BOOST_REQUIRE(ERR_peek_error() == 0ul);
    return status;
  }

  bool junk_;
  std::unique_ptr<tls_engine> engine_;
  std::string given_;
  std::string output_;
};

// What the server says goes to the client in pieces of `piece_size`.
tls_status shake_hands(client& us, memory_server& server, std::size_t piece_size = std::string::npos) {
  auto status = us.handshake();
  for (int round = 0; round < 10 && status == tls_status::wants_input; ++round) {
    server.input(us.output());
    server.handshake();
    auto const said = server.output();
    for (std::size_t at = 0; at < said.size(); at += std::min(piece_size, said.size() - at)) {
      us.input(std::string_view(said).substr(at, piece_size));
      status = us.handshake();
    }
  }
  server.input(us.output());
  server.handshake();
  us.input(server.output());
  return status;
}

// A client and a server that have shaken hands, and the client has taken the tickets.
class connected {
public:
  explicit connected(int version) : connected(test::make_server_context(identity(), version), trusting()) {}
  connected(test::server_context const& there, std::shared_ptr<tls_context> context, bool junk = false)
      : us(std::move(context), "localhost", junk), server(there) {
    BOOST_REQUIRE(shake_hands(us, server) == tls_status::done);
    BOOST_REQUIRE(us.read() == tls_status::wants_input);
  }
  explicit connected(test::server_context there) : connected(there, trusting()) {}

  std::string said_by_server(std::string_view plaintext) {
    server.write(plaintext);
    return server.output();
  }

  client us;
  memory_server server;
};

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

bool resumes(test::server_context const& there, std::shared_ptr<tls_context> const& context) {
  connected both(there, context);
  return both.us.engine().resumed();
}

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
