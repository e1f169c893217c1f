#pragma once

#include "store/backend.hpp"

#include <claudio/secret.hpp>
#include <claudio/vault.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

/// How secrets lie in the tables: sealed under the database's current key, and known by their fingerprints.
/// `docs/key-storage.md` has the format.
namespace claudio::sealing {

/// What secrets are sealed with.
struct sealer {
  vault keys;
  secret fingerprint_key;
  std::int64_t now = 0; ///< milliseconds since 1970
};

/// The database's own secret. It tells whether a vault's keys are the right ones, and which of them is the current one.
result<secret> open_fingerprint_key(snapshot const& now, vault const& keys);
result<changes> add_fingerprint_key(snapshot const& now, vault const& keys);

/// A secret for a field, in the row of the one that was there.
result<secret_row> seal(snapshot const& now, std::string const& provider, std::string const& field, secret const& text,
                        sealer const& with);
/// Some of the secrets that are not under the vault's first key. `failed` has the ids of those that can't be; they are
/// left.
result<changes> rewrap_some(snapshot const& now, vault const& keys, std::size_t most, std::set<std::string>& failed);

secret_row const* find_secret(snapshot const& now, std::string_view provider, std::string_view field);
secret_place place_of(secret_row const& row);
/// The same for the same text, in one database.
std::string fingerprint_of(secret const& text, sealer const& with);
/// What tells that a provider's row is as a store has written it: whoever changes it otherwise could send its keys
/// elsewhere, or have `file:` read a file of the process.
std::string authentication_of(provider_row const& row, secret const& fingerprint_key);

} // namespace claudio::sealing
