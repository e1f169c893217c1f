#pragma once

#include <claudio/testing/fake_server.hpp>

#include <boost/asio/ssl/context.hpp>

#include <string>

namespace claudio::testing {

/// What a server shows of itself over TLS: a certificate, by an authority of its own, whose certificate stands in a
/// temporary file, which goes with the object. The constructor throws `std::runtime_error` when it can't be written.
class server_identity {
public:
  explicit server_identity(certificate_kind kind);
  server_identity(server_identity const&) = delete;
  server_identity& operator=(server_identity const&) = delete;
  ~server_identity();

  boost::asio::ssl::context& tls() noexcept { return tls_; }
  std::string const& ca_pem() const noexcept { return ca_pem_; }
  std::string const& ca_file() const noexcept { return ca_file_; }

private:
  boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_server};
  std::string ca_pem_;
  std::string ca_file_;
};

} // namespace claudio::testing
