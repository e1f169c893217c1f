#include "testing/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace claudio::testing {
namespace {

constexpr long one_day = 24 * 60 * 60;
constexpr char const* server_name = "claudio fake server";

template <class T>
T* check(T* made) {
  if (!made)
    throw std::runtime_error("OpenSSL can't make a certificate");
  return made;
}

void check(int success) {
  if (success <= 0)
    throw std::runtime_error("OpenSSL can't make a certificate");
}

template <class Write>
std::string to_pem(Write write) {
  std::unique_ptr<BIO, int (*)(BIO*)> const memory(check(BIO_new(BIO_s_mem())), &BIO_free);
  check(write(memory.get()));
  char* data = nullptr;
  long const size = BIO_get_mem_data(memory.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string certificate_to_pem(X509* certificate) {
  return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

void add_extension(X509* certificate, X509* issuer, int kind, std::string const& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = check(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  int const added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  check(added);
}

certificate_pointer new_certificate(EVP_PKEY* key, char const* common_name, long serial, long days_left) {
  certificate_pointer certificate(check(X509_new()));
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60 * one_day);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days_left * one_day);
  check(X509_set_pubkey(certificate.get(), key));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<unsigned char const*>(common_name), -1, -1, 0);
  return certificate;
}

key_pointer new_key() { return key_pointer(check(EVP_EC_gen("P-256"))); }

credentials sign_server(X509* certificate, EVP_PKEY* key, std::string const& names, X509* issuer,
                        EVP_PKEY* issuer_key) {
  check(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)));
  add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth");
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
  if (!names.empty())
    add_extension(certificate, issuer, NID_subject_alt_name, names);
  check(X509_sign(certificate, issuer_key, EVP_sha256()));
  credentials issued;
  issued.certificate_pem = certificate_to_pem(certificate);
  issued.key_pem =
      to_pem([&](BIO* out) { return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
  return issued;
}

// A null `issuer`: it vouches for itself.
certificate_pointer new_authority(EVP_PKEY* key, char const* common_name, X509* issuer, EVP_PKEY* issuer_key) {
  auto made = new_certificate(key, common_name, issuer ? 2 : 1, 30);
  X509* const raw = made.get();
  check(X509_set_issuer_name(raw, X509_get_subject_name(issuer ? issuer : raw)));
  add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(raw, raw, NID_subject_key_identifier, "hash");
  check(X509_sign(raw, issuer_key, EVP_sha256()));
  return made;
}

} // namespace

certificate_authority::certificate_authority() : key_(new_key()) {
  certificate_ = new_authority(key_.get(), "claudio test authority", nullptr, key_.get());
  pem_ = certificate_to_pem(certificate_.get());
}

certificate_authority::certificate_authority(certificate_authority const& issuer) : key_(new_key()) {
  certificate_ = new_authority(key_.get(), "claudio test intermediate", issuer.certificate_.get(), issuer.key_.get());
  pem_ = certificate_to_pem(certificate_.get());
}

credentials certificate_authority::issue(std::string const& names, long days_left, std::string const& common_name) {
  key_pointer const key = new_key();
  certificate_pointer const certificate = new_certificate(key.get(), common_name.c_str(), serial_++, days_left);
  return sign_server(certificate.get(), key.get(), names, certificate_.get(), key_.get());
}

credentials certificate_authority::self_signed(std::string const& names) {
  key_pointer const key = new_key();
  certificate_pointer const certificate = new_certificate(key.get(), server_name, 1, 30);
  return sign_server(certificate.get(), key.get(), names, certificate.get(), key.get());
}

} // namespace claudio::testing
