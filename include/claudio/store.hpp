#pragma once

#include <claudio/configuration.hpp>
#include <claudio/configuration_source.hpp>
#include <claudio/error.hpp>
#include <claudio/secret.hpp>
#include <claudio/vault.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Providers, models and their secrets in a database. `docs/key-storage.md` tells how they lie there.
namespace claudio {

/// A provider or model as a store has it.
class stored_entry {
public:
  stored_entry() = default;

  std::string name;
  boost::json::object document; ///< in the guide's form; in the place of a secret that the store holds stands "vault:"
  std::chrono::system_clock::time_point created;
  std::chrono::system_clock::time_point updated;
  /// Why it is not used: it can't be read, something else than a store changed it, or its provider is not there.
  std::optional<error> fault;
};

/// What is known of a secret that a store holds.
class stored_secret {
public:
  stored_secret() = default;

  std::string provider;
  std::string field;         ///< under `provider_config`: "api_key", "api_keys[0].api_key", "proxy", "headers.NAME"
  std::string hint;          ///< `secret::hint()`; empty when it can't be decrypted
  std::string key_id;        ///< of the key-encryption key; empty when the stored bytes don't tell
  std::uint64_t version = 0; ///< 1 when it was set first, one more each time that it is set
  std::chrono::system_clock::time_point created;
  std::chrono::system_clock::time_point updated;
  std::optional<error> fault;       ///< why it can't be decrypted
  std::vector<std::string> same_as; ///< where else the same text is stored: "provider field"
};

/// Everything that a store has, at one moment.
class store_content {
public:
  store_content() = default;

  std::uint64_t revision = 0; ///< one more with each change
  unsigned format = 0;        ///< of the tables
  unsigned newest_format = 0; ///< which `store::migrate` would bring them to
  std::vector<stored_entry> providers;
  std::vector<stored_entry> models;
  std::vector<stored_secret> secrets;
};

/// A secret for a field of `provider_config`.
class named_secret {
public:
  named_secret() = default;
  named_secret(std::string name, secret content) : field(std::move(name)), text(std::move(content)) {}

  std::string field; ///< as in `stored_secret`
  secret text;
};

/// What an import did.
class import_report {
public:
  import_report() = default;

  std::size_t providers_added = 0;
  std::size_t providers_updated = 0;
  std::size_t models_added = 0;
  std::size_t models_updated = 0;
  std::size_t secrets_removed = 0; ///< of providers that were replaced by ones without them
};

/// What a rotation did.
class rotation_report {
public:
  rotation_report() = default;

  std::size_t rewrapped = 0;         ///< now under the current key-encryption key
  std::size_t current = 0;           ///< were so before
  std::string key_id;                ///< of the current key
  std::vector<stored_secret> failed; ///< left as they were, each with its fault
  std::vector<std::string> refused;  ///< providers that something else has changed: they were not signed anew
};

/// What a migration did.
class migration_report {
public:
  migration_report() = default;

  std::string backup;                ///< a copy of the tables as they were before; empty: none was made
  std::vector<stored_secret> failed; ///< can't be decrypted, each with its fault, and never will be
  std::vector<std::string> refused;  ///< providers that something else has changed: they were not signed anew
};

/// A database of providers, models and encrypted secrets. A handle: copies share it.
///
///     std::vector<key_source> const keys{key_source::file("claudio.key")};
///     store providers = (co_await store::open(executor, "sqlite:claudio.db", keys)).value();
///     model_manager manager(executor, (co_await providers.load()).value(), serial);
///
/// All or nothing: what fails or is cancelled has changed nothing, or, where the cancellation came too late, all.
///
/// Errors of all operations: `errc::storage` for the database; `errc::vault` for a secret; `errc::configuration` for
/// what is given, with the field in `param()`, and `errc::cancelled`. Of PostgreSQL `error_code()` has the SQLSTATE.
/// Executor: SQLite works on a thread of the store's own, PostgreSQL is spoken to on the executor that the store was
/// opened with, and its tables are read on a thread, so that no operation blocks the caller's, on which it completes.
/// Lifetime: a store, and a cancellation signal of an operation in flight, do not outlive the execution context that it
/// was opened with; a context that goes earlier stops all. Cancellation: terminal; it ends the wait for a database that
/// another process has locked. Thread safety: all members may be called from any thread.
class store : public configuration_source {
public:
  /// Every operation of an empty store gives `errc::configuration`.
  store() = default;

  /// Opens `sqlite:PATH`, which is made, for its owner only, when it is not there, or
  /// `postgresql://USER:PASSWORD@HOST:PORT/DATABASE` (libpq's connection URIs). Where there are no tables it makes
  /// them; tables of an older format stay as they are, and are used (`migrate`). A server of PostgreSQL that is away is
  /// waited for, ten seconds at most by each operation, of which this has up to three. Secrets are encrypted with the
  /// key that the database is under: of a new one the first of the first source, then the one that it was last rotated
  /// to. The sources are asked again when an operation meets a key that they did not give before, so that a rotation
  /// elsewhere needs no restart. Errors: also `errc::vault` when none of the keys is this database's; `errc::storage`
  /// for a newer version's database.
  static boost::asio::awaitable<result<store>> open(boost::asio::any_io_executor executor, std::string url,
                                                    std::vector<key_source> keys);

  /// The configuration for a `model_manager`. A provider whose secrets can't be had has a `fault`, and so has a model
  /// whose provider is not there; the others work.
  boost::asio::awaitable<result<configuration>> load() const override;
  boost::asio::awaitable<result<void>> wait_for_change(std::uint64_t seen) const override;

  boost::asio::awaitable<result<store_content>> content() const;

  /// Adds a provider or model in the guide's form; its plain secrets are encrypted, `env:NAME` and `file:PATH` stay.
  boost::asio::awaitable<result<void>>
  add_provider(boost::json::object provider, std::vector<named_secret> secrets = std::vector<named_secret>()) const;
  boost::asio::awaitable<result<void>> add_model(boost::json::object model) const;

  /// Changes an entry by a merge patch (RFC 7396): `null` removes a field. The name stays.
  boost::asio::awaitable<result<void>> update_provider(std::string name, boost::json::object patch) const;
  boost::asio::awaitable<result<void>> update_model(std::string name, boost::json::object patch) const;

  /// Signs a provider that something else than a store has changed, which is refused by all other operations, as it is.
  /// `seen` is its document as somebody has looked at it. Errors: also `errc::vault` when it was changed again since.
  boost::asio::awaitable<result<void>> accept_provider(std::string name, boost::json::object seen) const;

  /// Removes an entry that no other refers to; a provider with its secrets.
  boost::asio::awaitable<result<void>> remove_provider(std::string name) const;
  boost::asio::awaitable<result<void>> remove_model(std::string name) const;

  /// Encrypts a secret for a field of a provider, in the place of the one that was there.
  /// @return the other places where the same text is stored
  boost::asio::awaitable<result<std::vector<std::string>>> set_secret(std::string provider, named_secret given) const;

  /// Adds the entries of a configuration in the guide's form, and replaces those of the same name. A provider without
  /// keys, or with "vault:", keeps those that are stored.
  boost::asio::awaitable<result<import_report>> import_configuration(boost::json::object config) const;
  /// The guide's form, without secrets or with all, then in memory that is wiped.
  boost::asio::awaitable<result<boost::json::object>> export_configuration(bool with_secrets) const;

  /// Encrypts the data keys of all secrets with the first key-encryption key, the database's from then on, some at a
  /// time: what is done stays done when it is ended on the way, and the next one goes on. Calls go on meanwhile, and
  /// other rotations may. All providers are signed with a new key, but those that something else has changed.
  boost::asio::awaitable<result<rotation_report>> rotate() const;

  /// Brings the tables to the newest format, which older versions of claudio can't read, all or nothing. SQLite's file
  /// is copied first. Errors: also `errc::vault` when a key that something is encrypted with was not given.
  boost::asio::awaitable<result<migration_report>> migrate() const;

private:
  class state;
  explicit store(std::shared_ptr<state> made) : state_(std::move(made)) {}

  std::shared_ptr<state> state_;
};

} // namespace claudio
