#include "support/memory_server.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <stdexcept>

namespace claudio::test {

namespace {

constexpr std::size_t record_header = 5;

void check(bool holds) {
  if (!holds)
    throw std::runtime_error("OpenSSL's server can't be made");
}

using bio_pointer = std::unique_ptr<BIO, int (*)(BIO*)>;

bio_pointer memory_of(std::string const& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

testing::certificate_pointer read_certificate(std::string const& pem) {
  auto const memory = memory_of(pem);
  return testing::certificate_pointer(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

int choose_protocol(SSL*, unsigned char const** chosen, unsigned char* size, unsigned char const* offered,
                    unsigned offered_size, void*) {
  std::string_view const wanted = "http/1.1";
  std::string_view const offer(reinterpret_cast<char const*>(offered), offered_size);
  auto const at = offer.find(wanted);
  if (at == std::string_view::npos)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = offered + at;
  *size = static_cast<unsigned char>(wanted.size());
  return SSL_TLSEXT_ERR_OK;
}

} // namespace

server_context make_server_context(testing::credentials const& identity, int version) {
  server_context context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  check(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), version == 0 ? TLS1_2_VERSION : version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  auto const memory = memory_of(identity.key_pem);
  testing::key_pointer const key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  auto const certificate = read_certificate(identity.certificate_pem);
  check(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
  check(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_protocol, nullptr);
  return context;
}

std::shared_ptr<tls_context> make_client_context(std::string const& authority_pem, bool verify) {
  auto context = std::make_shared<tls_context>(verify);
  auto const authority = read_certificate(authority_pem);
  check(X509_STORE_add_cert(SSL_CTX_get_cert_store(context->native_handle()), authority.get()) == 1);
  return context;
}

memory_server::memory_server(server_context const& context) : ssl_(SSL_new(context.get()), &SSL_free) {
  check(ssl_ != nullptr);
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
  SSL_set_accept_state(ssl_.get());
}

int memory_server::run(std::function<int(SSL*)> const& operation) {
  ERR_clear_error();
  int const outcome = operation(ssl_.get());
  ERR_clear_error();
  return outcome;
}

void memory_server::input(std::string_view ciphertext) {
  BIO_write(SSL_get_rbio(ssl_.get()), ciphertext.data(), static_cast<int>(ciphertext.size()));
}

std::string memory_server::output() {
  BIO* const said = SSL_get_wbio(ssl_.get());
  std::string taken(BIO_ctrl_pending(said), '\0');
  if (!taken.empty())
    BIO_read(said, taken.data(), static_cast<int>(taken.size()));
  return taken;
}

bool memory_server::handshake() { return run(&SSL_do_handshake) == 1; }

void memory_server::write(std::string_view plaintext) {
  check(run([&](SSL* ssl) { return SSL_write(ssl, plaintext.data(), static_cast<int>(plaintext.size())); }) > 0);
}

std::string memory_server::read() {
  std::string all;
  char piece[4096];
  int size = 0;
  while ((size = run([&](SSL* ssl) { return SSL_read(ssl, piece, sizeof piece); })) > 0)
    all.append(piece, static_cast<std::size_t>(size));
  return all;
}

void memory_server::shut_down() { run(&SSL_shutdown); }

std::vector<std::string> split_records(std::string_view ciphertext) {
  std::vector<std::string> records;
  while (!ciphertext.empty()) {
    auto size = ciphertext.size();
    if (size >= record_header) {
      auto const byte = [&](std::size_t at) {
        return static_cast<std::size_t>(static_cast<unsigned char>(ciphertext[at]));
      };
      size = std::min(size, record_header + byte(3) * 256 + byte(4));
    }
    records.emplace_back(ciphertext.substr(0, size));
    ciphertext.remove_prefix(size);
  }
  return records;
}

} // namespace claudio::test
