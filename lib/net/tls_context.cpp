#include "net/tls_context.hpp"

#include "core/api_base.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <new>
#include <system_error>

namespace claudio {

namespace {

constexpr std::size_t most_tickets = 32; // a server gives two for each new session, one for each resumed one

// RFC 7301 3.1
constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

bool is_address(std::string const& host) {
  boost::system::error_code failure;
  boost::asio::ip::make_address(host, failure);
  return !failure;
}

bool usable(SSL_SESSION const* session) {
  return SSL_SESSION_is_resumable(session) &&
         SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session) > std::time(nullptr);
}

// OpenSSL 3.0 calls the younger ones "unknown".
char const* alert_name(int alert) {
  switch (alert) {
  case TLS13_AD_MISSING_EXTENSION:
    return "missing extension";
  case TLS13_AD_CERTIFICATE_REQUIRED:
    return "certificate required";
  case TLS1_AD_NO_APPLICATION_PROTOCOL:
    return "no application protocol";
  default:
    return SSL_alert_desc_string_long(alert);
  }
}

// Where a native context says whose it is. Not its app data, which asio::ssl takes for its own.
int owner_index() {
  static int const index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

} // namespace

tls_context::tls_context(bool verify) : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free), verify_(verify) {
  auto* const context = context_.get();
  if (!context)
    throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  // A write that has to wait for input is repeated from another buffer.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_alpn_protos(context, http_1_1, sizeof http_1_1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_ex_data(context, owner_index(), this);
  SSL_CTX_sess_set_new_cb(context, &keep_ticket);
  tickets_.reserve(most_tickets);
}

tls_context::~tls_context() {
  // Whoever shares the native context may outlive this.
  SSL_CTX_sess_set_new_cb(context_.get(), nullptr);
}

result<std::shared_ptr<tls_context>> tls_context::make(std::string const& ca_file, bool verify,
                                                       trusted_authorities& known) {
  auto const authorities = known.load(ca_file);
  if (!authorities)
    return authorities.error();
  auto tls = std::make_shared<tls_context>(verify);
  tls->trusts_system_ = ca_file.empty();
  SSL_CTX_set1_cert_store(tls->native_handle(), *authorities);
  return tls;
}

result<void> tls_context::prepare(SSL* connection, std::string const& authority) const {
  std::string const host(without_root(authority));
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(connection);
  bool set = false;
  if (is_address(host)) {
    set = X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
  } else {
    // Names of hosts stand in subjectAltName, and nowhere else (RFC 9525 6.3).
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    set = X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size()) == 1 &&
          SSL_set_tlsext_host_name(connection, host.c_str()) == 1;
  }
  ERR_clear_error();
  if (!set)
    return error(errc::configuration, "api_base: \"" + authority + "\" can't be used as a TLS host name");
  return {};
}

std::string tls_context::describe_failure(SSL const* connection, std::string const& host,
                                          std::string const& reason) const {
  long const verdict = SSL_get_verify_result(connection);
  if (!verify_ || verdict == X509_V_OK)
    return "TLS handshake with " + host + " failed: " + reason;
  std::string message = "the certificate of " + host + " was refused: " + X509_verify_cert_error_string(verdict);
  switch (verdict) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return message + "; it was issued for another host, check api_base";
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return message + "; check the server's certificate and this machine's clock";
  default:
    if (trusts_system_)
      if (auto const fault = trusted_authorities::fault_of_system(); !fault.empty())
        return message + "; " + fault;
    return message + "; if you trust its issuer, name the issuer's PEM file in ca_file";
  }
}

int tls_context::keep_ticket(SSL* connection, SSL_SESSION* session) {
  auto* const self = static_cast<tls_context*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), owner_index()));
  if (!SSL_SESSION_is_resumable(session))
    return 0;
  auto& tickets = self->tickets_;
  if (tickets.size() == most_tickets)
    tickets.erase(tickets.begin());
  // Called from within OpenSSL, which no exception may cross: the constructor has made the room.
  tickets.push_back({{session, &SSL_SESSION_free}, connection});
  return 1;
}

void tls_context::offer_ticket(SSL* connection) {
  while (!tickets_.empty() && !usable(tickets_.back().session.get()))
    tickets_.pop_back();
  if (tickets_.empty())
    return;
  auto* const newest = tickets_.back().session.get();
  SSL_set_session(connection, newest);
  if (SSL_SESSION_get_protocol_version(newest) >= TLS1_3_VERSION)
    tickets_.pop_back();
}

void tls_context::discard_tickets(SSL const* connection) {
  std::erase_if(tickets_, [&](ticket const& kept) { return kept.giver == connection; });
}

std::string describe_openssl_error(unsigned long code) {
  if (code == 0)
    return "no reason given";
  if (ERR_SYSTEM_ERROR(code))
    return std::generic_category().message(ERR_GET_REASON(code));
  int const reason = ERR_GET_REASON(code);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255)
    return std::string("the peer sent the alert \"") + alert_name(reason - SSL_AD_REASON_OFFSET) + "\"";
  auto const* const text = ERR_reason_error_string(code);
  return text ? text : "OpenSSL error " + std::to_string(code);
}

} // namespace claudio
