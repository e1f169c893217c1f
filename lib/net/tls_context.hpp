#pragma once

#include "net/trusted_authorities.hpp"

#include <claudio/error.hpp>

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace claudio {

/// What the TLS connections to one endpoint share: protocol versions, whom to trust, and tickets to resume sessions.
/// Tickets never outlive the trust under which they were given: another `ca_file` is another context. For one serial
/// executor.
class tls_context {
public:
  /// TLS 1.2 and newer, verified against `ca_file` (PEM) or, when that is empty, the system's authorities.
  /// Errors: `errc::configuration` when `ca_file` can't be used.
  static result<std::shared_ptr<tls_context>> make(std::string const& ca_file, bool verify, trusted_authorities& known);

  explicit tls_context(bool verify);
  tls_context(tls_context const&) = delete;
  tls_context& operator=(tls_context const&) = delete;
  ~tls_context();

  SSL_CTX* native_handle() const noexcept { return context_.get(); }

  /// Binds a connection to the host it is meant for: its name or address is verified, and named in the handshake
  /// (SNI, RFC 6066 3) unless it is an address. A final dot of `authority` is no part of the name here.
  result<void> prepare(SSL* connection, std::string const& authority) const;

  /// Why the handshake on `connection` failed: the certificate's fault in words, else `reason`.
  std::string describe_failure(SSL const* connection, std::string const& host, std::string const& reason) const;

  /// Lets `connection` resume an earlier session, if there is a ticket. A ticket of TLS 1.3 is used once
  /// (RFC 8446 C.4).
  void offer_ticket(SSL* connection);
  /// Forgets the tickets that came by `connection`, which has failed (RFC 8446 6.2).
  void discard_tickets(SSL const* connection);
  std::size_t tickets() const noexcept { return tickets_.size(); }

private:
  struct ticket {
    std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> session;
    SSL const* giver; // whose place may be another connection's by now
  };
  static int keep_ticket(SSL* connection, SSL_SESSION* session);

  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  bool verify_;
  bool trusts_system_ = false;  // no ca_file was named
  std::vector<ticket> tickets_; // newest last
};

/// An entry of OpenSSL's error queue in words; an alert of the peer by its name.
std::string describe_openssl_error(unsigned long code);

} // namespace claudio
