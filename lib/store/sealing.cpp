#include "store/sealing.hpp"

#include "vault/cipher.hpp"

#include <algorithm>
#include <limits>

namespace claudio::sealing {
namespace {

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  cipher::fill_random(bytes);
  return bytes;
}

secret random_key() {
  secret key = secret::of_size(cipher::key_size);
  cipher::fill_random({key.data(), key.size()});
  return key;
}

// Whoever changes how keys come from passphrases changes the place.
secret_place place_of_own_key(snapshot const& now, std::string name) {
  secret_place place;
  place.format = now.format;
  place.database = now.database_id;
  place.row = std::move(name);
  if (now.format > 1)
    place.column = "scrypt " + std::to_string(now.passphrase_cost.value_or(0)) + " " + cipher::hexadecimal(now.salt);
  return place;
}

secret_place place_of_fingerprint_key(snapshot const& now) { return place_of_own_key(now, "fingerprint_key"); }
secret_place place_of_authentication_key(snapshot const& now) { return place_of_own_key(now, "authentication_key"); }

// The key that the database's own secret is under is the one for all that is new: a rotation puts it under its key
// first. Who does not have that key would encrypt with one that may be forgotten by now.
result<vault> current_keys(snapshot const& now, vault const& keys) {
  auto const id = vault::key_id_of(now.fingerprint_key);
  if (!id)
    return id.error();
  auto current = keys.with_current(*id);
  if (!current)
    return error(errc::vault,
                 "the database's secrets were put under a newer key meanwhile; give that key too (" + *id + ")");
  // The id alone could have been changed to an older key's.
  if (auto const own = current->unseal(now.fingerprint_key, place_of_fingerprint_key(now)); !own)
    return own.error();
  return current;
}

std::string signature_of(provider_row const& row, snapshot const& now, own_keys const& own) {
  std::string text("claudio provider");
  for (auto const* const part : {&row.name, &row.provider_type, &row.support_model_type, &row.provider_config})
    text.append(std::to_string(part->size())).append(":").append(*part);
  auto const& key = own.authentication;
  return cipher::authenticate(now.format == 1 ? key
                                              : cipher::derive_for("claudio row authentication", key, now.database_id),
                              text, cipher::key_size);
}

// Seals the database's own keys, as `now` names their places.
result<changes> seal_own_keys(snapshot const& now, vault const& keys, own_keys const& own) {
  auto fingerprint_key = keys.seal(own.fingerprint, place_of_fingerprint_key(now));
  if (!fingerprint_key)
    return fingerprint_key.error();
  changes decided;
  decided.fingerprint_key = std::move(*fingerprint_key);
  if (now.format == 1)
    return decided;
  auto authentication_key = keys.seal(own.authentication, place_of_authentication_key(now));
  if (!authentication_key)
    return authentication_key.error();
  decided.authentication_key = std::move(*authentication_key);
  decided.database_id = now.database_id;
  decided.passphrase_cost = now.passphrase_cost;
  return decided;
}

// Signs the rows that were authentic before as they are afterwards.
void sign_again(snapshot const& before, own_keys const& old, snapshot const& after, own_keys const& fresh,
                changes& decided, std::set<std::string>& refused) {
  refused.clear();
  for (auto const& row : before.providers) {
    if (!is_authentic(row, before, old)) {
      refused.insert(row.name);
      continue;
    }
    sign(decided.put_providers.emplace_back(row), after, fresh);
  }
}

// Versions count from 1, and never come back to a number that was there.
result<void> count_up(secret_row& row) {
  if (row.version < 0 || row.version == std::numeric_limits<std::int64_t>::max())
    return error(errc::vault, "the version of the secret " + row.provider_name + " " + row.field + " is " +
                                  std::to_string(row.version) +
                                  ", to which nothing can be added: something else than claudio has changed it; remove "
                                  "the field from the provider, and set it again");
  ++row.version;
  return {};
}

} // namespace

result<own_keys> open_own_keys(snapshot const& now, vault const& keys) {
  auto const open = [&](std::string const& sealed, secret_place const& place) -> result<secret> {
    auto key = keys.unseal(sealed, place);
    if (!key)
      return error(errc::vault, "the key-encryption key is not this database's: " + key.error().message());
    return key;
  };
  auto fingerprint_key = open(now.fingerprint_key, place_of_fingerprint_key(now));
  if (!fingerprint_key)
    return fingerprint_key.error();
  auto authentication_key =
      now.format == 1 ? *fingerprint_key : open(now.authentication_key, place_of_authentication_key(now));
  if (!authentication_key)
    return authentication_key.error();
  own_keys own;
  own.fingerprint = std::move(*fingerprint_key);
  own.authentication = std::move(*authentication_key);
  return own;
}

result<changes> add_own_keys(snapshot const& now, vault const& keys, unsigned passphrase_cost) {
  if (!now.secrets.empty() || !now.providers.empty())
    return error(errc::vault, "the database has lost its own keys (in the table store); restore it from a backup");
  auto after = now;
  if (now.format > 1) {
    after.database_id = random_bytes(16);
    after.passphrase_cost = passphrase_cost;
  }
  own_keys own;
  own.fingerprint = random_key();
  own.authentication = random_key();
  return seal_own_keys(after, keys, own);
}

std::optional<std::string> find_missing_key(snapshot const& now, vault const& keys) {
  auto const given = keys.key_ids();
  auto const is_missing = [&](std::string const& sealed) {
    auto const id = vault::key_id_of(sealed);
    return id && std::find(given.begin(), given.end(), *id) == given.end();
  };
  for (auto const* const own : {&now.fingerprint_key, &now.authentication_key})
    if (is_missing(*own))
      return *vault::key_id_of(*own);
  for (auto const& row : now.secrets)
    if (is_missing(row.sealed))
      return *vault::key_id_of(row.sealed);
  return std::nullopt;
}

secret_row const* find_secret(snapshot const& now, std::string_view provider, std::string_view field) {
  auto const found = std::find_if(now.secrets.begin(), now.secrets.end(), [&](secret_row const& row) {
    return row.provider_name == provider && row.field == field;
  });
  return found == now.secrets.end() ? nullptr : &*found;
}

secret_place place_of(snapshot const& now, secret_row const& row) {
  secret_place place;
  place.format = now.format;
  place.database = now.database_id;
  place.owner = row.provider_name;
  place.row = row.id;
  place.column = row.field;
  place.version = static_cast<std::uint64_t>(row.version);
  return place;
}

std::string fingerprint_of(secret const& text, sealer const& with) {
  constexpr std::size_t size = 16;
  return cipher::authenticate(with.own.fingerprint, text.reveal(), size);
}

void sign(provider_row& row, snapshot const& now, own_keys const& own) {
  row.authentication = signature_of(row, now, own);
}

bool is_authentic(provider_row const& row, snapshot const& now, own_keys const& own) {
  return row.authentication == signature_of(row, now, own);
}

result<void> check_authentic(provider_row const& row, snapshot const& now, own_keys const& own) {
  if (is_authentic(row, now, own))
    return {};
  return error(errc::vault, "provider \"" + row.name +
                                "\" was changed by something else than claudio, and is not used; look at it, and "
                                "accept it as it is, if it should be so: claudio provider accept " +
                                row.name);
}

result<secret_row> seal(snapshot const& now, std::string const& provider, std::string const& field, secret const& text,
                        sealer const& with) {
  auto const current = current_keys(now, with.keys);
  if (!current)
    return current.error();
  secret_row row;
  if (auto const* const before = find_secret(now, provider, field)) {
    row = *before;
  } else {
    row.id = cipher::hexadecimal(random_bytes(16));
    row.provider_name = provider;
    row.field = field;
    row.created = with.now;
  }
  if (auto const counted = count_up(row); !counted)
    return counted.error();
  row.updated = with.now;
  row.fingerprint = fingerprint_of(text, with);
  auto sealed = current->seal(text, place_of(now, row));
  if (!sealed)
    return sealed.error();
  row.sealed = std::move(*sealed);
  return row;
}

result<changes> rewrap_some(snapshot const& now, vault const& keys, std::size_t most, std::set<std::string>& failed) {
  auto const current = current_keys(now, keys);
  if (!current)
    return current.error();
  if (current->key_ids().front() != keys.key_ids().front())
    return error(errc::vault, "another rotation has put the database under another key meanwhile (" +
                                  current->key_ids().front() + ")");
  changes decided;
  for (auto const& row : now.secrets) {
    if (decided.put_secrets.size() == most)
      break;
    auto const rewrapped = keys.rewrap(row.sealed, place_of(now, row));
    if (!rewrapped) {
      failed.insert(row.id);
    } else if (*rewrapped) {
      decided.put_secrets.push_back(row);
      decided.put_secrets.back().sealed = **rewrapped;
    }
  }
  return decided;
}

result<changes> renew_own_keys(snapshot const& now, vault const& keys, std::set<std::string>& refused) {
  if (auto const current = current_keys(now, keys); !current)
    return current.error();
  auto const old = open_own_keys(now, keys);
  if (!old)
    return old.error();
  auto fresh = *old;
  if (now.format > 1)
    fresh.authentication = random_key();
  auto decided = seal_own_keys(now, keys, fresh);
  if (!decided)
    return decided;
  sign_again(now, *old, now, fresh, *decided, refused);
  return decided;
}

result<changes> upgrade(snapshot const& now, vault const& keys, unsigned passphrase_cost, std::set<std::string>& failed,
                        std::set<std::string>& refused) {
  auto const current = current_keys(now, keys);
  if (!current)
    return current.error();
  auto const old = open_own_keys(now, keys);
  if (!old)
    return old.error();
  auto after = now;
  after.format = newest_format;
  after.database_id = random_bytes(16);
  after.passphrase_cost = passphrase_cost;
  auto fresh = *old;
  fresh.authentication = random_key();
  auto decided = seal_own_keys(after, *current, fresh);
  if (!decided)
    return decided;
  sign_again(now, *old, after, fresh, *decided, refused);
  failed.clear();
  for (auto const& row : now.secrets) {
    // With its key it could be opened.
    if (auto const id = vault::key_id_of(row.sealed); id && !current->with_current(*id))
      return error(errc::vault, "the secret " + row.provider_name + " " + row.field + " is encrypted with the key " +
                                    *id + ", which was not given; give it too, or remove the secret");
    auto const text = current->unseal(row.sealed, place_of(now, row));
    if (!text) {
      failed.insert(row.id);
      continue;
    }
    auto sealed = current->seal(*text, place_of(after, row));
    if (!sealed)
      return sealed.error();
    decided->put_secrets.push_back(row);
    decided->put_secrets.back().sealed = std::move(*sealed);
  }
  return decided;
}

} // namespace claudio::sealing
