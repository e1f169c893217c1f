#pragma once

#include "store/backend.hpp"

#include <claudio/secret.hpp>
#include <claudio/vault.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

/// How secrets lie in the tables: sealed under the database's current key, and known by their fingerprints; and how
/// providers are signed. `docs/key-storage.md` has the formats.
namespace claudio::sealing {

/// The database's own keys. They tell whether a vault's keys are the right ones, and which of them is the current one.
struct own_keys {
  secret fingerprint;    ///< stays, so that fingerprints can be compared
  secret authentication; ///< another one after each rotation; in format 1 the same as the above
};

/// What secrets are sealed with.
struct sealer {
  vault keys;
  own_keys own;
  std::int64_t now = 0; ///< milliseconds since 1970
};

result<own_keys> open_own_keys(snapshot const& now, vault const& keys);
/// Of a database that is new. `passphrase_cost` is `key_source::cost()`.
result<changes> add_own_keys(snapshot const& now, vault const& keys, unsigned passphrase_cost);
/// The id of a key that something is sealed with, but that the vault does not have.
std::optional<std::string> find_missing_key(snapshot const& now, vault const& keys);

/// A secret for a field, in the row of the one that was there.
result<secret_row> seal(snapshot const& now, std::string const& provider, std::string const& field, secret const& text,
                        sealer const& with);
/// Begins a rotation: puts the database's own keys under the vault's first key, with another one to authenticate rows,
/// with which all that the old one confirms are signed. `refused` has the names of the others, which are left: nothing
/// is signed that was not verified. In format 1 there is one key for all, which stays.
result<changes> renew_own_keys(snapshot const& now, vault const& keys, std::set<std::string>& refused);
/// Goes on with it: some of the secrets that are not under the vault's first key. `failed` has the ids of those that
/// can't be; they are left. Errors: also `errc::vault` when another rotation has begun.
result<changes> rewrap_some(snapshot const& now, vault const& keys, std::size_t most, std::set<std::string>& failed);
/// All in the newest format. `failed` and `refused` are as above. Errors: `errc::vault` also when a key was not given
/// that something is sealed with.
result<changes> upgrade(snapshot const& now, vault const& keys, unsigned passphrase_cost, std::set<std::string>& failed,
                        std::set<std::string>& refused);

secret_row const* find_secret(snapshot const& now, std::string_view provider, std::string_view field);
secret_place place_of(snapshot const& now, secret_row const& row);
/// The same for the same text, in one database.
std::string fingerprint_of(secret const& text, sealer const& with);

/// Signs a provider's row: whoever changes it otherwise could send its keys elsewhere, or have `file:` read a file of
/// the process.
void sign(provider_row& row, snapshot const& now, own_keys const& own);
bool is_authentic(provider_row const& row, snapshot const& now, own_keys const& own);
/// Errors: `errc::vault` for a row that is not as a store has written it.
result<void> check_authentic(provider_row const& row, snapshot const& now, own_keys const& own);

} // namespace claudio::sealing
