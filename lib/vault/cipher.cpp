#include "vault/cipher.hpp"

#include "core/wipe_traces.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace claudio::cipher {
namespace {

unsigned char const* bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }
unsigned char* bytes(char* text) { return reinterpret_cast<unsigned char*>(text); }
int length(std::string_view text) { return static_cast<int>(text.size()); }

// For each use its own: it has the key in it, which freeing wipes.
using context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

EVP_CIPHER const* aes_256_gcm() {
  static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return fetched;
}

// Of memory, or of an OpenSSL without the algorithm.
void require(bool succeeded) {
  if (!succeeded) {
    ERR_clear_error();
    throw std::runtime_error("OpenSSL can't do what the vault needs (AES-256-GCM, SHA-256, random numbers)");
  }
}

// What OpenSSL leaves in the registers and on the stack goes with it.
class traces_wiped {
public:
  traces_wiped() = default;
  traces_wiped(traces_wiped const&) = delete;
  traces_wiped& operator=(traces_wiped const&) = delete;
  ~traces_wiped() { wipe_traces(); }
};

} // namespace

void encrypt(std::string_view key, std::string_view nonce, std::string_view associated, std::string_view text,
             char* sealed) {
  traces_wiped const at_the_end;
  context const used(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  require(used && EVP_EncryptInit_ex2(used.get(), aes_256_gcm(), bytes(key), bytes(nonce), nullptr) == 1 &&
          EVP_EncryptUpdate(used.get(), nullptr, &size, bytes(associated), length(associated)) == 1 &&
          EVP_EncryptUpdate(used.get(), bytes(sealed), &size, bytes(text), length(text)) == 1 &&
          EVP_EncryptFinal_ex(used.get(), bytes(sealed) + size, &size) == 1 &&
          EVP_CIPHER_CTX_ctrl(used.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, sealed + text.size()) == 1);
}

bool decrypt(std::string_view key, std::string_view nonce, std::string_view associated, std::string_view sealed,
             char* text) {
  traces_wiped const at_the_end;
  auto const ciphertext = sealed.substr(0, sealed.size() - tag_size);
  std::string tag(sealed.substr(ciphertext.size()));
  context const used(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  require(used && EVP_DecryptInit_ex2(used.get(), aes_256_gcm(), bytes(key), bytes(nonce), nullptr) == 1 &&
          EVP_DecryptUpdate(used.get(), nullptr, &size, bytes(associated), length(associated)) == 1 &&
          EVP_DecryptUpdate(used.get(), bytes(text), &size, bytes(ciphertext), length(ciphertext)) == 1 &&
          EVP_CIPHER_CTX_ctrl(used.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(used.get(), bytes(text) + size, &size) == 1)
    return true;
  ERR_clear_error();
  std::fill_n(text, ciphertext.size(), '\0');
  return false;
}

secret derive_for(std::string_view purpose, secret const& key, std::string_view salt) {
  auto const hmac = [](std::string_view with, std::string_view text) {
    secret code = secret::of_size(key_size);
    require(HMAC(EVP_sha256(), with.data(), length(with), bytes(text), text.size(), bytes(code.data()), nullptr) !=
            nullptr);
    return code;
  };
  // One block is as long as the key, so that there is one round.
  return hmac(hmac(salt, key.reveal()).reveal(), std::string(purpose) + '\x01');
}

std::string authenticate(secret const& key, std::string_view text, std::size_t size) {
  traces_wiped const at_the_end;
  unsigned char code[EVP_MAX_MD_SIZE];
  unsigned made = 0;
  require(HMAC(EVP_sha256(), key.reveal().data(), length(key.reveal()), bytes(text), text.size(), code, &made) !=
          nullptr);
  return {reinterpret_cast<char const*>(code), std::min<std::size_t>(size, made)};
}

result<secret> derive_key(secret const& passphrase, std::string_view salt, unsigned cost) {
  traces_wiped const at_the_end;
  secret key = secret::of_size(key_size);
  constexpr std::uint64_t block_size = 8;
  auto const rounds = std::uint64_t{1} << cost;
  auto const memory = 128 * block_size * rounds + 1024 * 1024;
  bool const derived = EVP_PBE_scrypt(passphrase.reveal().data(), passphrase.size(), bytes(salt), salt.size(), rounds,
                                      block_size, 1, memory, bytes(key.data()), key_size) == 1;
  ERR_clear_error();
  if (!derived)
    return error(errc::vault, "no key can be derived from the passphrase: " + std::to_string(memory >> 20) +
                                  " MiB of memory are needed for a moment");
  return key;
}

void fill_random(std::span<char> into) {
  traces_wiped const at_the_end;
  require(RAND_priv_bytes(bytes(into.data()), static_cast<int>(into.size())) == 1);
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (char const c : bytes) {
    auto const byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<std::string> bytes_of(std::string_view hexadecimal) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (hexadecimal.size() % 2 != 0)
    return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hexadecimal.size(); i += 2) {
    auto const high = digits.find(hexadecimal[i]);
    auto const low = digits.find(hexadecimal[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

result<secret> decode_key(std::string_view base64) {
  traces_wiped const at_the_end;
  constexpr std::size_t digits = 44;
  error const wrong(errc::vault, "not a key of 256 bits in base64; make one: head -c 32 /dev/urandom | base64");
  // OpenSSL would read another one as "A".
  if (base64.size() != digits || base64.find('=') != digits - 1)
    return wrong;
  secret decoded = secret::of_size(key_size + 1);
  if (EVP_DecodeBlock(bytes(decoded.data()), bytes(base64), length(base64)) != static_cast<int>(decoded.size()))
    return wrong;
  decoded.shorten(key_size);
  return decoded;
}

secret encode_key(secret const& key) {
  traces_wiped const at_the_end;
  constexpr std::size_t digits = 44;
  secret text = secret::of_size(digits + 1); // with the zero that is put behind
  EVP_EncodeBlock(bytes(text.data()), bytes(key.reveal()), length(key.reveal()));
  text.shorten(digits);
  return text;
}

} // namespace claudio::cipher
