#pragma once

#include <claudio/error.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// The tables of a store, and who keeps them.
namespace claudio {

/// Times are milliseconds since 1970.
struct provider_row {
  std::string name;
  std::string provider_type;
  std::string support_model_type; // JSON
  std::string provider_config;    // JSON without the secrets
  std::string authentication;     // of the above
  std::int64_t created = 0;
  std::int64_t updated = 0;
};

struct model_row {
  std::string name;
  std::string type;
  std::string provider_name;
  std::optional<std::int64_t> max_tokens;
  std::string model_params; // JSON
  std::string settings;     // JSON: what the guide does not have
  std::int64_t created = 0;
  std::int64_t updated = 0;
};

struct secret_row {
  std::string id; // random, never used again
  std::string provider_name;
  std::string field;
  std::int64_t version = 0;
  std::string sealed;
  std::string fingerprint;
  std::int64_t created = 0;
  std::int64_t updated = 0;
};

/// The formats of a store, as `docs/key-storage.md` has them. The tables of a new one are of the newest.
constexpr unsigned oldest_format = 1;
constexpr unsigned newest_format = 2;

/// All rows at one moment, each table in the order in which its rows were added.
struct snapshot {
  std::int64_t revision = 0;
  unsigned format = newest_format;
  std::string salt;            // of passphrases
  std::string fingerprint_key; // sealed; empty until a vault has been opened
  // Format 1 does not have these.
  std::string authentication_key;              // sealed
  std::string database_id;                     // random
  std::optional<std::int64_t> passphrase_cost; // nothing until a vault has been opened
  std::vector<provider_row> providers;
  std::vector<model_row> models;
  std::vector<secret_row> secrets;
};

/// Rows to be put in the place of those with the same name or id, or added, and names and ids to be removed.
struct changes {
  std::optional<std::string> fingerprint_key;
  std::optional<std::string> authentication_key;
  std::optional<std::string> database_id;
  std::optional<std::int64_t> passphrase_cost;
  std::vector<provider_row> put_providers;
  std::vector<model_row> put_models;
  std::vector<secret_row> put_secrets;
  std::vector<std::string> remove_secrets;
  std::vector<std::string> remove_models;
  std::vector<std::string> remove_providers;

  bool empty() const {
    return !fingerprint_key && !authentication_key && !database_id && !passphrase_cost && put_providers.empty() &&
           put_models.empty() && put_secrets.empty() && remove_secrets.empty() && remove_models.empty() &&
           remove_providers.empty();
  }
};

/// Keeps the tables. What is handed over may run on another thread, and must not refer to what may go meanwhile.
class store_backend {
public:
  using reader = std::function<result<void>(snapshot const& now)>;
  using decision = std::function<result<changes>(snapshot const& now)>;

  store_backend() = default;
  store_backend(store_backend const&) = delete;
  store_backend& operator=(store_backend const&) = delete;
  virtual ~store_backend() = default;

  virtual boost::asio::awaitable<result<void>> read(reader use) = 0;
  /// Writes what is decided, all or nothing, if nothing has changed since it was decided; else asks once more.
  virtual boost::asio::awaitable<result<void>> change(decision decide) = 0;
  /// Brings the tables to the newest format, and writes what is decided with it, all or nothing. Nothing is asked when
  /// they are of that format already. Gives where a copy of the tables was left as they were before; empty: nowhere.
  virtual boost::asio::awaitable<result<std::string>> upgrade(decision decide) = 0;
  /// Completes when the revision is not `seen` any more. Errors: also `errc::storage` while the database is away.
  virtual boost::asio::awaitable<result<void>> wait_for_change(std::int64_t seen) = 0;
  /// Removes what was overwritten from the files, as far as nobody reads it.
  virtual boost::asio::awaitable<result<void>> forget_overwritten() = 0;
};

} // namespace claudio
