#pragma once

#include "net/tls_context.hpp"
#include "testing/certificates.hpp"

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace claudio::test {

using server_context = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

/// Of one TLS version (`TLS1_2_VERSION`, `TLS1_3_VERSION`), or of both when `version` is 0.
server_context make_server_context(testing::credentials const& identity, int version = 0);

/// A client's context that trusts one authority.
std::shared_ptr<tls_context> make_client_context(std::string const& authority_pem, bool verify = true);

/// OpenSSL's server in memory. It leaves nothing in the error queue.
class memory_server {
public:
  explicit memory_server(server_context const& context);

  SSL* native_handle() const noexcept { return ssl_.get(); }

  void input(std::string_view ciphertext);
  /// What it has to say, taken out.
  std::string output();
  /// Goes on with the handshake; true when that is over.
  bool handshake();
  void write(std::string_view plaintext);
  /// All that has come.
  std::string read();
  /// Says close_notify.
  void shut_down();
  /// Runs something of OpenSSL on it; its result.
  int run(std::function<int(SSL*)> const& operation);

private:
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

/// TLS records, each with its header; what is left of the last one is one, too.
std::vector<std::string> split_records(std::string_view ciphertext);

} // namespace claudio::test
