#pragma once

#include "store/backend.hpp"

#include <claudio/store.hpp>
#include <claudio/vault.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

/// What each operation of a store changes: functions of the tables as they are.
namespace claudio::edits {

/// What secrets are sealed with.
struct sealer {
  vault keys;
  secret fingerprint_key;
  std::int64_t now = 0; ///< milliseconds since 1970
};

/// The vault's own secret in the database. It tells whether a vault's keys are the right ones.
result<secret> open_fingerprint_key(snapshot const& now, vault const& keys);
result<changes> add_fingerprint_key(snapshot const& now, vault const& keys);

result<changes> add_provider(snapshot const& now, boost::json::object document,
                             std::vector<named_secret> const& secrets, sealer const& with);
result<changes> add_model(snapshot const& now, boost::json::object const& document, sealer const& with);
result<changes> update_provider(snapshot const& now, std::string const& name, boost::json::object const& patch,
                                sealer const& with);
result<changes> update_model(snapshot const& now, std::string const& name, boost::json::object const& patch,
                             sealer const& with);
result<changes> remove_provider(snapshot const& now, std::string const& name);
result<changes> remove_model(snapshot const& now, std::string const& name);
result<changes> set_secret(snapshot const& now, std::string const& provider, named_secret const& given,
                           sealer const& with, std::vector<std::string>& same_as);
result<changes> import_configuration(snapshot const& now, boost::json::object const& config, sealer const& with,
                                     import_report& report);

/// Some of the secrets that are not under the current key. `failed` has the ids of those that can't be; they are left.
result<changes> rewrap_some(snapshot const& now, vault const& keys, std::size_t most, std::set<std::string>& failed);

secret_place place_of(secret_row const& row);
/// What tells that a provider's row is as a store has written it: whoever changes it otherwise could send its keys
/// elsewhere, or have `file:` read a file of the process.
std::string authentication_of(provider_row const& row, secret const& fingerprint_key);

} // namespace claudio::edits
