#include "store/sealing.hpp"

#include "vault/cipher.hpp"

#include <algorithm>

namespace claudio::sealing {
namespace {

std::string random_id() {
  char bytes[16];
  cipher::fill_random(bytes);
  return cipher::hexadecimal({bytes, sizeof bytes});
}

secret_place place_of_fingerprint_key() {
  secret_place place;
  place.row = "fingerprint_key";
  return place;
}

// The key that the database's own secret is under is the one for all that is new: a rotation puts it under its key
// first. Who does not have that key would encrypt with one that may be forgotten by now.
result<vault> current_keys(snapshot const& now, vault const& keys) {
  auto const id = vault::key_id_of(now.fingerprint_key);
  if (!id)
    return id.error();
  auto current = keys.with_current(*id);
  if (!current)
    return error(errc::vault,
                 "the database's secrets were put under a newer key meanwhile; open it again with that key (" + *id +
                     ")");
  // The id alone could have been changed to an older key's.
  if (auto const own = current->unseal(now.fingerprint_key, place_of_fingerprint_key()); !own)
    return own.error();
  return current;
}

} // namespace

secret_row const* find_secret(snapshot const& now, std::string_view provider, std::string_view field) {
  auto const found = std::find_if(now.secrets.begin(), now.secrets.end(), [&](secret_row const& row) {
    return row.provider_name == provider && row.field == field;
  });
  return found == now.secrets.end() ? nullptr : &*found;
}

secret_place place_of(secret_row const& row) {
  secret_place place;
  place.provider = row.provider_name;
  place.row = row.id;
  place.column = row.field;
  place.version = static_cast<std::uint64_t>(row.version);
  return place;
}

std::string authentication_of(provider_row const& row, secret const& fingerprint_key) {
  std::string text("claudio provider");
  for (auto const* const part : {&row.name, &row.provider_type, &row.support_model_type, &row.provider_config})
    text.append(std::to_string(part->size())).append(":").append(*part);
  return cipher::authenticate(fingerprint_key, text, 32);
}

std::string fingerprint_of(secret const& text, sealer const& with) {
  constexpr std::size_t size = 16;
  return cipher::authenticate(with.fingerprint_key, text.reveal(), size);
}

result<secret> open_fingerprint_key(snapshot const& now, vault const& keys) {
  auto key = keys.unseal(now.fingerprint_key, place_of_fingerprint_key());
  if (!key)
    return error(errc::vault, "the key-encryption key is not this database's: " + key.error().message());
  return key;
}

result<changes> add_fingerprint_key(snapshot const& now, vault const& keys) {
  if (!now.secrets.empty())
    return error(errc::vault,
                 "the database has lost its own key (fingerprint_key in the table store); restore it from a "
                 "backup");
  secret key = secret::of_size(cipher::key_size);
  cipher::fill_random({key.data(), key.size()});
  auto sealed = keys.seal(key, place_of_fingerprint_key());
  if (!sealed)
    return sealed.error();
  changes decided;
  decided.fingerprint_key = std::move(*sealed);
  return decided;
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
    row.id = random_id();
    row.provider_name = provider;
    row.field = field;
    row.created = with.now;
  }
  ++row.version;
  row.updated = with.now;
  row.fingerprint = fingerprint_of(text, with);
  auto sealed = current->seal(text, place_of(row));
  if (!sealed)
    return sealed.error();
  row.sealed = std::move(*sealed);
  return row;
}

result<changes> rewrap_some(snapshot const& now, vault const& keys, std::size_t most, std::set<std::string>& failed) {
  if (auto const current = current_keys(now, keys); !current)
    return current.error();
  changes decided;
  auto const own = keys.rewrap(now.fingerprint_key, place_of_fingerprint_key());
  if (!own)
    return own.error();
  decided.fingerprint_key = *own;
  for (auto const& row : now.secrets) {
    if (decided.put_secrets.size() == most)
      break;
    auto const rewrapped = keys.rewrap(row.sealed, place_of(row));
    if (!rewrapped) {
      failed.insert(row.id);
    } else if (*rewrapped) {
      decided.put_secrets.push_back(row);
      decided.put_secrets.back().sealed = **rewrapped;
    }
  }
  return decided;
}

} // namespace claudio::sealing
