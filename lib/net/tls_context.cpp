#include "net/tls_context.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace claudio {
namespace ssl = boost::asio::ssl;

namespace {

bool is_address(std::string const& host) {
  boost::system::error_code failure;
  boost::asio::ip::make_address(host, failure);
  return !failure;
}

} // namespace

tls_context::tls_context(bool verify) : context_(ssl::context::tls_client), verify_(verify) {
  SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context_.native_handle(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  context_.set_verify_mode(verify ? ssl::verify_peer : ssl::verify_none);
}

result<std::shared_ptr<tls_context>> tls_context::make(std::string const& ca_file, bool verify) {
  auto tls = std::make_shared<tls_context>(verify);
  boost::system::error_code failure;
  if (ca_file.empty())
    tls->context_.set_default_verify_paths(failure);
  else
    tls->context_.load_verify_file(ca_file, failure);
  if (failure)
    return error(errc::configuration, "ca_file: can't read certificate authorities from \"" + ca_file +
                                          "\": " + failure.message() + "; it has to be a PEM file");
  return tls;
}

result<void> tls_context::prepare(SSL* connection, std::string const& host) const {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(connection);
  bool set = false;
  if (is_address(host)) {
    set = X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    set = X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size()) == 1 &&
          SSL_set_tlsext_host_name(connection, host.c_str()) == 1;
  }
  ERR_clear_error();
  if (!set)
    return error(errc::configuration, "api_base: \"" + host + "\" can't be used as a TLS host name");
  return {};
}

std::string tls_context::describe_failure(SSL const* connection, std::string const& host,
                                          boost::system::error_code failure) const {
  long const verdict = SSL_get_verify_result(connection);
  if (!verify_ || verdict == X509_V_OK)
    return "TLS handshake with " + host + " failed: " + failure.message();
  std::string message = "the certificate of " + host + " was refused: " + X509_verify_cert_error_string(verdict);
  switch (verdict) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return message + "; it was issued for another host, check api_base";
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return message + "; check the server's certificate and this machine's clock";
  default:
    return message + "; if you trust its issuer, name the issuer's PEM file in ca_file";
  }
}

} // namespace claudio
