#pragma once

#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Encryption of secrets at rest. `docs/key-storage.md` has the format, with a test vector.
namespace claudio {

/// Where key-encryption keys come from: 256 bits each, written in base64, one a line, as `openssl rand -base64 32`
/// gives them. Empty lines and those that begin with `#` don't count. A source is asked each time that a vault is
/// opened. Thread safety: all members may be called from any thread.
class key_source {
public:
  /// A regular file of this user that nobody else may read or write, or one of root's that only root may write, which
  /// the log mentions when others may read it. Errors when asked: `errc::vault` for one that is missing, unreadable or
  /// of another kind.
  static key_source file(std::string path);
  /// An environment variable, which then stays where a core dump shows it, unless the program overwrites it.
  static key_source environment(std::string name = "CLAUDIO_MASTER_KEY");
  /// Keys in the same form as a file's. `name` is what messages call them.
  static key_source text(secret keys, std::string name);
  /// The standard output of a command that `/bin/sh` runs, for keys that a key management service gives out. What it
  /// says on standard error is not touched. It is waited for. Its environment has no `CLAUDIO_MASTER_KEY`.
  static key_source command(std::string command_line);
  /// One key, derived from a passphrase by scrypt (RFC 7914) with r = 8, p = 1 and N = 2^`cost`, from 10 to 24; 2^17
  /// takes 128 MiB and some tenths of a second. `cost` is for a new database; later the one that is stored with the
  /// salt counts, unless it is above both `cost` and `default_cost`, which gives `errc::vault`: whoever may write to a
  /// database does not decide how much memory and time its readers need.
  static key_source passphrase(secret passphrase, unsigned cost = default_cost);
  static constexpr unsigned default_cost = 17;

  /// The keys, each of 32 bytes. `salt` is for passphrases: not secret, at least 16 bytes, another one for each
  /// database. `stored_cost` is what the database has with it, if it has. Errors: `errc::vault`. Blocks.
  result<std::vector<secret>> keys(std::string_view salt, std::optional<unsigned> stored_cost = std::nullopt) const {
    return read_(salt, stored_cost.value_or(cost_.value_or(default_cost)));
  }
  /// Of a passphrase: what a new database has to store with its salt.
  std::optional<unsigned> cost() const noexcept { return cost_; }

private:
  using reader = std::function<result<std::vector<secret>>(std::string_view salt, unsigned cost)>;
  template <class Read>
  explicit key_source(Read read)
      : read_([read = std::move(read)](std::string_view salt, unsigned) { return read(salt); }) {}
  key_source(reader read, unsigned cost) : read_(std::move(read)), cost_(cost) {}

  reader read_;
  std::optional<unsigned> cost_;
};

/// A new key-encryption key, in base64.
secret make_encryption_key();

/// Where a secret is kept. A secret that was sealed for one place can't be opened at another.
class secret_place {
public:
  secret_place() = default;

  std::string database; ///< a random id, so that nothing can be moved between databases that share a key
  std::string owner;    ///< what the secret belongs to, e.g. the name of a provider
  std::string row;      ///< id of the row, which no other row ever has
  std::string column;   ///< what of the owner it is, e.g. "api_key"
  std::uint64_t version = 0;
  unsigned format = 2; ///< 1 in databases of old, whose ciphertexts do not name them; in no other
};

/// Seals secrets with envelope encryption: a random data key for each, itself encrypted with a key that is derived from
/// a key-encryption key and the database; both with AES-256-GCM. What is sealed opens under one key only. It holds one
/// or more key-encryption keys; new secrets use the first. A handle: copies share them. Thread safety: all members may
/// be called from any thread.
class vault {
public:
  /// Holds nothing: every operation gives `errc::vault`.
  vault() = default;

  /// Asks the sources in their order. Errors: those of `key_source::keys`; `errc::vault` when there is no key.
  static result<vault> open(std::vector<key_source> const& sources, std::string_view salt,
                            std::optional<unsigned> stored_cost = std::nullopt);

  result<std::string> seal(secret const& text, secret_place const& place) const;

  /// Errors, all `errc::vault`, each with its own message: too short or of another form; of another format than the
  /// place's; sealed with a key that is not among this vault's; a key or text that was changed, or that belongs to
  /// another place.
  result<secret> unseal(std::string_view sealed, secret_place const& place) const;

  /// The same secret under the current key, without decrypting its text; nothing when it is under that key already.
  /// Errors: those of `unseal`, but for changes of the text.
  result<std::optional<std::string>> rewrap(std::string_view sealed, secret_place const& place) const;

  /// The same keys with another current one. Errors: `errc::vault` when there is no key with that id.
  result<vault> with_current(std::string_view key_id) const;

  /// The ids of the keys, the current one's first: 16 hexadecimal digits.
  std::vector<std::string> key_ids() const;
  /// The id of the key that something was sealed with. Errors: `errc::vault`, of form.
  static result<std::string> key_id_of(std::string_view sealed);

private:
  class key_set;
  std::shared_ptr<key_set const> keys_;
};

} // namespace claudio
