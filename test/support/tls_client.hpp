#pragma once

#include "net/tls_engine.hpp"
#include "support/memory_server.hpp"
#include "support/test.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace claudio {

inline std::ostream& operator<<(std::ostream& out, tls_status status) { return out << static_cast<int>(status); }

namespace test {

inline constexpr int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

inline testing::certificate_authority& authority() {
  static testing::certificate_authority shared;
  return shared;
}

inline testing::credentials const& identity() {
  static auto const shared =
      authority().issue("DNS:localhost,DNS:*.wild.example,DNS:part*.partial.example,DNS:127.0.0.3,IP:127.0.0.1,IP:::1");
  return shared;
}

inline std::shared_ptr<tls_context> trusting() { return make_client_context(authority().pem()); }

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
inline tls_status shake_hands(client& us, memory_server& server, std::size_t piece_size = std::string::npos) {
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
  explicit connected(int version) : connected(make_server_context(identity(), version), trusting()) {}
  connected(server_context const& there, std::shared_ptr<tls_context> context, bool junk = false)
      : us(std::move(context), "localhost", junk), server(there) {
    BOOST_REQUIRE(shake_hands(us, server) == tls_status::done);
    BOOST_REQUIRE(us.read() == tls_status::wants_input);
  }
  explicit connected(server_context there) : connected(there, trusting()) {}

  std::string said_by_server(std::string_view plaintext) {
    server.write(plaintext);
    return server.output();
  }

  client us;
  memory_server server;
};

} // namespace test
} // namespace claudio
