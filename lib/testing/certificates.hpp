#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace claudio::testing {

struct openssl_deleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using key_pointer = std::unique_ptr<EVP_PKEY, openssl_deleter>;
using certificate_pointer = std::unique_ptr<X509, openssl_deleter>;

/// A certificate and its private key, both PEM.
class credentials {
public:
  credentials() = default;

  std::string certificate_pem;
  std::string key_pem;
};

/// A certificate authority of one process, made anew with it; its key never leaves the object. Throws
/// `std::runtime_error` when OpenSSL fails.
class certificate_authority {
public:
  certificate_authority();
  /// One that `issuer` vouches for.
  explicit certificate_authority(certificate_authority const& issuer);

  std::string const& pem() const noexcept { return pem_; }

  /// A server certificate on P-256.
  /// @param names subject alternative names in OpenSSL's notation, e.g. "DNS:localhost,IP:127.0.0.1"; empty: none
  /// @param days_left until it expires; negative: it has expired so many days ago
  /// @param common_name of its subject
  credentials issue(std::string const& names, long days_left = 30,
                    std::string const& common_name = "claudio fake server");

  /// A server certificate that no authority has signed.
  static credentials self_signed(std::string const& names);

private:
  key_pointer key_;
  certificate_pointer certificate_;
  std::string pem_;
  long serial_ = 3; // of what it issues; authorities have those before
};

} // namespace claudio::testing
