// What a server says, changed on its way: the engine reads nothing but what the server wrote, in its order, trusts no
// server that it must not trust, and ends for good.
// The input: the kind of connection, then for each record of the server in turn what to do with it; without more, they
// go unchanged.
#include "fuzz_input.hpp"
// RAND_set_rand_method() has no simpler successor than a provider.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "net/tls_engine.hpp"
#include "support/memory_server.hpp"

#include <openssl/err.h>
#include <openssl/rand.h>

#include <optional>

namespace {

using claudio::tls_engine;
using claudio::tls_status;
using claudio::fuzz::fuzz_input;
using claudio::fuzz::require;
using claudio::test::memory_server;

// The same input has to give the same bytes: OpenSSL's dice are ours.
std::uint64_t dice = 0;

int roll(unsigned char* into, int size) {
  for (int i = 0; i < size; ++i) {
    // SplitMix64
    auto made = dice += 0x9e3779b97f4a7c15u;
    made = (made ^ (made >> 30)) * 0xbf58476d1ce4e5b9u;
    made = (made ^ (made >> 27)) * 0x94d049bb133111ebu;
    into[i] = static_cast<unsigned char>(made >> 56);
  }
  return 1;
}

int loaded() { return 1; }

constexpr std::size_t kinds = 4; // of servers: one to be trusted; expired; of another host; of another authority

struct environment {
  claudio::testing::certificate_authority authority;
  claudio::testing::certificate_authority foreign;
  claudio::testing::credentials identities[kinds] = {authority.issue("DNS:localhost"),
                                                     authority.issue("DNS:localhost", -1), authority.issue("DNS:other"),
                                                     foreign.issue("DNS:localhost")};
  std::vector<claudio::test::server_context> servers[2];

  // What one input does must not depend on those before: the servers keep nothing.
  environment() {
    for (auto const& identity : identities) {
      servers[0].push_back(claudio::test::make_server_context(identity, TLS1_2_VERSION));
      servers[1].push_back(claudio::test::make_server_context(identity, TLS1_3_VERSION));
    }
    for (auto const& versions : servers)
      for (auto const& server : versions)
        SSL_CTX_set_session_cache_mode(server.get(), SSL_SESS_CACHE_OFF);
  }
};

std::optional<environment> shared;

// Changes records as the input says.
class mutator {
public:
  explicit mutator(fuzz_input& decisions) : decisions_(decisions) {}

  bool changed() const { return changed_; }

  std::string apply(std::string const& said) {
    std::string made;
    std::string held; // to come behind the next record
    for (auto record : claudio::test::split_records(said)) {
      auto const action = decisions_.number() % 12;
      changed_ = changed_ || action >= 5;
      switch (action) {
      case 5: {
        auto& byte = record[decisions_.long_number() % record.size()];
        byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1 + decisions_.number() % 255));
        break;
      }
      case 6:
        record.resize(decisions_.long_number() % record.size());
        break;
      case 7:
        record += record;
        break;
      case 8:
        earlier_ = record;
        record.clear();
        break;
      case 9:
        held.swap(record);
        break;
      case 10: // one seen before
        record += earlier_;
        break;
      case 11:
        split(record);
        break;
      default:
        earlier_ = record;
      }
      made += record;
      if (action != 9)
        made += std::exchange(held, {});
    }
    return made + held;
  }

private:
  // Into two of the same kind, which is no change while nothing is encrypted.
  void split(std::string& record) {
    if (record.size() < 7)
      return;
    auto const first = 1 + decisions_.long_number() % (record.size() - 6);
    auto const header = [&](std::size_t size) {
      return record.substr(0, 3) + static_cast<char>(size / 256) + static_cast<char>(size % 256);
    };
    record = header(first) + record.substr(5, first) + header(record.size() - 5 - first) + record.substr(5 + first);
  }

  fuzz_input& decisions_;
  std::string earlier_;
  bool changed_ = false;
};

class conversation {
public:
  conversation(std::shared_ptr<claudio::tls_context> context, claudio::test::server_context const& there,
               fuzz_input& decisions, bool trusted)
      : decisions_(decisions), changes_(decisions), trusted_(trusted), server_(there),
        engine_(tls_engine::make(std::move(context), "localhost").value()) {}

  /// True when nothing has been changed, and nothing failed: then another may resume it.
  bool hold() {
    shake_hands();
    if (status_ != tls_status::done)
      return false;
    require(trusted_);
    std::string_view request = "request";
    check(engine_->write(request, output_));
    tell_server();
    for (int round = 0; round < 6 && !engine_->ended(); ++round) {
      talk(decisions_.number());
      tell_client();
      read();
      tell_server();
    }
    return !changes_.changed() && ended_ != tls_status::failed;
  }

  bool unchanged() const { return !changes_.changed(); }
  bool resumed() const { return engine_->resumed(); }

  void finish() {
    engine_->end_input();
    read();
    require(engine_->ended());
  }

private:
  void shake_hands() {
    status_ = check(engine_->handshake(output_));
    for (int round = 0; round < 6 && status_ == tls_status::wants_input; ++round) {
      tell_server();
      tell_client();
      step_of_handshake();
    }
    // Also by pieces of a record.
    if (!changes_.changed() && trusted_)
      require(status_ == tls_status::done);
    tell_server();
  }

  void step_of_handshake() {
    auto const all = given_;
    auto const piece = piece_;
    for (std::size_t at = 0; at < all.size() && status_ == tls_status::wants_input; at += piece) {
      given_ = all.substr(at, piece);
      engine_->input(given_);
      status_ = check(engine_->handshake(output_));
      if (status_ == tls_status::done) {
        given_ = std::string(engine_->unread_input()) + all.substr(std::min(all.size(), at + piece));
        engine_->input(given_);
      }
    }
  }

  void talk(std::size_t action) {
    if (SSL_in_init(server_.native_handle()) || SSL_get_shutdown(server_.native_handle()) != 0)
      return;
    auto const text = std::string(1 + action / 2, static_cast<char>('a' + action % 26));
    switch (action % 6) {
    case 4:
      server_.run([&](SSL* ssl) {
        return SSL_version(ssl) == TLS1_3_VERSION
                   ? SSL_key_update(ssl, action & 8 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED)
                   : SSL_renegotiate(ssl);
      });
      server_.run(&SSL_do_handshake);
      break;
    case 5:
      server_.shut_down();
      break;
    default:
      if (server_.run([&](SSL* ssl) { return SSL_write(ssl, text.data(), static_cast<int>(text.size())); }) > 0)
        written_ += text;
    }
  }

  void tell_server() {
    server_.input(output_);
    output_.clear();
    if (!server_.handshake())
      return;
    require(std::string_view("request").starts_with(heard_ += server_.read()));
  }

  void tell_client() {
    std::string all(engine_->unread_input());
    all += changes_.apply(server_.output());
    piece_ = 1 + decisions_.long_number() % 2048;
    given_.swap(all);
    engine_->input(given_);
  }

  void read() {
    std::string into(1 + decisions_.number(), '\0');
    while (true) {
      std::size_t got = 0;
      auto const status = check(engine_->read(into, got, output_));
      require((status == tls_status::done) == (got > 0));
      if (status != tls_status::done)
        break;
      read_.append(into, 0, got);
    }
    require(std::string_view(written_).starts_with(read_));
    if (!engine_->ended() && !changes_.changed())
      require(read_ == written_);
  }

  tls_status check(tls_status status) {
    require(ERR_peek_error() == 0);
    require(!ended_ || status == *ended_);
    if (status != tls_status::done && status != tls_status::wants_input)
      ended_ = status;
    require(ended_.has_value() == engine_->ended());
    require((status == tls_status::failed) == !engine_->failure().empty());
    return status;
  }

  fuzz_input& decisions_;
  mutator changes_;
  bool trusted_;
  memory_server server_;
  std::unique_ptr<tls_engine> engine_;
  tls_status status_ = tls_status::wants_input;
  std::optional<tls_status> ended_;
  std::string output_;
  std::string given_;
  std::size_t piece_ = 2048;
  std::string written_;
  std::string heard_;
  std::string read_;
};

} // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  static RAND_METHOD const method = {nullptr, &roll, nullptr, nullptr, &roll, &loaded};
  RAND_set_rand_method(&method);
  shared.emplace();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  fuzz_input input(bytes, size);
  dice = 1;
  auto const kind = input.number();
  auto const server = kind % 8 < 5 ? 0 : kind % 8 - 4;
  auto const& there = shared->servers[kind / 8 % 2][server];
  auto const context = claudio::test::make_client_context(shared->authority.pem());
  bool resumable = false;
  for (int round = 0; round < (kind & 128 ? 2 : 1); ++round) {
    conversation talk(context, there, input, server == 0);
    bool const good = talk.hold();
    require(!resumable || !talk.unchanged() || talk.resumed());
    // A truncation spoils the ticket.
    resumable = good && !(kind & 64);
    if (kind & 64)
      talk.finish();
    require(server == 0 || context->tickets() == 0);
  }
  return 0;
}
