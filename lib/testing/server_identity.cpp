#include "testing/server_identity.hpp"

#include "testing/certificates.hpp"

#include <boost/asio/buffer.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <unistd.h>

namespace claudio::testing {
namespace asio = boost::asio;

namespace {

credentials issue(certificate_authority& authority, certificate_kind kind) {
  std::string const here = "DNS:localhost,IP:127.0.0.1,IP:::1";
  switch (kind) {
  case certificate_kind::expired:
    return authority.issue(here, -1);
  case certificate_kind::other_host:
    return authority.issue("DNS:other.example");
  case certificate_kind::self_signed:
    return certificate_authority::self_signed(here);
  case certificate_kind::valid:
    break;
  }
  return authority.issue(here);
}

void remove_file(std::string const& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

std::string write_temporary_file(std::string const& content) {
  auto path = (std::filesystem::temp_directory_path() / "claudio-ca-").string() + std::string(6, 'X'); // mkstemp's
  int const descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0)
    throw std::runtime_error("fake server: can't make a temporary file " + path);
  bool const written = ::write(descriptor, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  ::close(descriptor);
  if (!written) {
    remove_file(path);
    throw std::runtime_error("fake server: can't write " + path);
  }
  return path;
}

} // namespace

server_identity::server_identity(certificate_kind kind) {
  certificate_authority authority;
  auto const issued = issue(authority, kind);
  tls_.use_certificate_chain(asio::buffer(issued.certificate_pem));
  tls_.use_private_key(asio::buffer(issued.key_pem), asio::ssl::context::pem);
  SSL_CTX_set_mode(tls_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  ca_pem_ = authority.pem();
  ca_file_ = write_temporary_file(ca_pem_); // last: nothing throws any more that would leave it
}

server_identity::~server_identity() { remove_file(ca_file_); }

} // namespace claudio::testing
