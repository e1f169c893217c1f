#pragma once

#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What of OpenSSL the vault uses.
namespace claudio::cipher {

constexpr std::size_t key_size = 32;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;

/// AES-256-GCM (NIST SP 800-38D). The ciphertext is as long as the text, and `tag_size` bytes follow it.
void encrypt(std::string_view key, std::string_view nonce, std::string_view associated, std::string_view text,
             char* sealed);
/// Whether it is what was encrypted; else `text` is all zeros.
bool decrypt(std::string_view key, std::string_view nonce, std::string_view associated, std::string_view sealed,
             char* text);

/// HMAC-SHA256 (RFC 2104), of which the first `size` bytes are given, at most 32.
std::string authenticate(secret const& key, std::string_view text, std::size_t size);

/// A key of 32 bytes for one purpose: HKDF-SHA256 (RFC 5869). Keys of several purposes tell nothing of each other.
secret derive_for(std::string_view purpose, secret const& key, std::string_view salt);

/// scrypt (RFC 7914) with r = 8, p = 1, N = 2^`cost`. Errors: `errc::vault` when there is not enough memory.
result<secret> derive_key(secret const& passphrase, std::string_view salt, unsigned cost);

/// Fills memory with random bytes that nobody can guess.
void fill_random(std::span<char> bytes);

/// Two digits for each byte, and back; nothing when they are not such digits.
std::string hexadecimal(std::string_view bytes);
std::optional<std::string> bytes_of(std::string_view hexadecimal);

/// 32 bytes from base64 and back (RFC 4648 4). Errors: `errc::vault`, without a part of the text.
result<secret> decode_key(std::string_view base64);
secret encode_key(secret const& key);

} // namespace claudio::cipher
