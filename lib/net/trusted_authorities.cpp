#include "net/trusted_authorities.hpp"

#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace claudio {
namespace {

std::optional<std::string> fault_of_file(char const* path) {
  std::unique_ptr<X509_STORE, void (*)(X509_STORE*)> const probe(X509_STORE_new(), &X509_STORE_free);
  ERR_clear_error();
  bool const read = probe && X509_STORE_load_file(probe.get(), path) == 1;
  auto const code = ERR_peek_error();
  ERR_clear_error();
  return read ? std::nullopt : std::optional(describe_openssl_error(code));
}

} // namespace

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
  if (!ca_file.empty())
    X509_STORE_set_flags(made.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return loaded_.emplace(ca_file, std::move(made)).first->second.get();
}

std::string trusted_authorities::fault_of_system() {
  auto const said = [](std::string const& variable, std::string const& path, std::string const& why) {
    return "the environment variable " + variable + " names \"" + path +
           "\", from which no authorities can be read: " + why;
  };
  std::string const file_variable = X509_get_default_cert_file_env();
  if (char const* const file = std::getenv(file_variable.c_str()))
    if (auto const fault = fault_of_file(file))
      return said(file_variable, file, *fault);
  std::string const directory_variable = X509_get_default_cert_dir_env();
  char const* const directories = std::getenv(directory_variable.c_str());
  for (std::string_view rest = directories ? directories : ""; !rest.empty();) {
    std::string const directory(rest.substr(0, rest.find(':')));
    rest.remove_prefix(std::min(directory.size() + 1, rest.size()));
    if (::access(directory.c_str(), R_OK | X_OK) != 0)
      return said(directory_variable, directory, std::generic_category().message(errno));
  }
  return {};
}

} // namespace claudio
