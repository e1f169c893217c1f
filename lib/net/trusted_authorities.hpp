#pragma once

#include <claudio/error.hpp>

#include <openssl/x509.h>

#include <map>
#include <memory>
#include <string>

namespace claudio {

/// The certificate authorities of files that several TLS contexts trust: reading them takes far longer than all else
/// that makes a context. Not thread-safe; what it gives is.
class trusted_authorities {
public:
  /// Those of a PEM file, or the system's when `ca_file` is empty. They are owned by this object, and by contexts that
  /// take a reference. Errors: `errc::configuration`.
  /// Of a file each certificate is trusted by itself, also one that another authority has issued.
  result<X509_STORE*> load(std::string const& ca_file);

  /// What is wrong with SSL_CERT_FILE and SSL_CERT_DIR, in words; empty when nothing is, or they are not set. OpenSSL
  /// passes over what it can't read.
  static std::string fault_of_system();

private:
  std::map<std::string, std::unique_ptr<X509_STORE, void (*)(X509_STORE*)>> loaded_;
};

} // namespace claudio
