#include "net/trusted_authorities.hpp"

#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <new>

namespace claudio {

result<X509_STORE*> trusted_authorities::load(std::string const& ca_file) {
  if (auto const known = loaded_.find(ca_file); known != loaded_.end())
    return known->second.get();
  std::unique_ptr<X509_STORE, void (*)(X509_STORE*)> made(X509_STORE_new(), &X509_STORE_free);
  if (!made)
    throw std::bad_alloc();
  ERR_clear_error();
  bool const read = ca_file.empty() ? X509_STORE_set_default_paths(made.get()) == 1
                                    : X509_STORE_load_file(made.get(), ca_file.c_str()) == 1;
  auto const code = ERR_peek_error();
  ERR_clear_error();
  if (!read)
    return error(errc::configuration, "ca_file: can't read certificate authorities from \"" + ca_file +
                                          "\": " + describe_openssl_error(code) + "; it has to be a PEM file");
  return loaded_.emplace(ca_file, std::move(made)).first->second.get();
}

} // namespace claudio
