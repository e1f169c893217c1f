#pragma once

#include <claudio/error.hpp>

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace claudio {

/// What the TLS sessions to one endpoint share: protocol versions and whom to trust.
class tls_context {
public:
  /// TLS 1.2 and newer, verified against `ca_file` (PEM) or, when that is empty, the system's authorities.
  /// Errors: `errc::configuration` when `ca_file` can't be used.
  static result<std::shared_ptr<tls_context>> make(std::string const& ca_file, bool verify);

  explicit tls_context(bool verify);

  boost::asio::ssl::context& context() noexcept { return context_; }
  bool verify() const noexcept { return verify_; }

  /// Binds a connection to the host it is meant for: its name or address is verified, and named in the handshake
  /// (SNI, RFC 6066 3) unless it is an address.
  result<void> prepare(SSL* connection, std::string const& host) const;

  /// Why the handshake on `connection` failed: the certificate's fault in words, else `failure`'s.
  std::string describe_failure(SSL const* connection, std::string const& host, boost::system::error_code failure) const;

private:
  boost::asio::ssl::context context_;
  bool verify_;
};

} // namespace claudio
