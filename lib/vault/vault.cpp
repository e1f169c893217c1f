#include "vault/cipher.hpp"

#include <claudio/vault.hpp>

#include <algorithm>

namespace claudio {
namespace {

constexpr std::string_view mark = "CLV"; // a byte with the format follows
constexpr unsigned newest_sealed_format = 2;
constexpr std::size_t id_size = 8;
constexpr std::size_t commitment_size = 32;
constexpr std::size_t id_at = mark.size() + 1;
constexpr std::size_t commitment_at = id_at + id_size;

// Where the parts of something sealed are, in their order. Format 1 has no commitment.
class layout {
public:
  explicit constexpr layout(unsigned format) : wrap_nonce_at(commitment_at + (format == 1 ? 0 : commitment_size)) {}

  std::size_t wrap_nonce_at;
  std::size_t wrapped_key_at = wrap_nonce_at + cipher::nonce_size;
  std::size_t nonce_at = wrapped_key_at + cipher::key_size + cipher::tag_size;
  std::size_t text_at = nonce_at + cipher::nonce_size;
  std::size_t shortest = text_at + cipher::tag_size;
};

class sealed_view {
public:
  explicit sealed_view(std::string_view bytes) : bytes_(bytes), parts_(format()) {}

  unsigned format() const { return static_cast<unsigned char>(bytes_[mark.size()]); }
  std::string_view id() const { return bytes_.substr(id_at, id_size); }
  std::string_view commitment() const { return bytes_.substr(commitment_at, parts_.wrap_nonce_at - commitment_at); }
  std::string_view wrap_nonce() const { return bytes_.substr(parts_.wrap_nonce_at, cipher::nonce_size); }
  std::string_view wrapped_key() const {
    return bytes_.substr(parts_.wrapped_key_at, parts_.nonce_at - parts_.wrapped_key_at);
  }
  std::string_view nonce() const { return bytes_.substr(parts_.nonce_at, cipher::nonce_size); }
  std::string_view text() const { return bytes_.substr(parts_.text_at); }
  /// The nonce and the text.
  std::string_view payload() const { return bytes_.substr(parts_.nonce_at); }

private:
  std::string_view bytes_;
  layout parts_;
};

std::string head_of(unsigned format) { return std::string(mark) + static_cast<char>(format); }

void append_number(std::string& to, std::uint64_t number, unsigned bytes) {
  while (bytes-- > 0)
    to += static_cast<char>(number >> (8 * bytes));
}

// Lengths in front, so that no two places are written alike.
std::string associated_data(std::string_view purpose, std::string_view key_id, secret_place const& place) {
  std::string data = head_of(place.format);
  auto const append = [&](std::string_view part) {
    append_number(data, part.size(), 4);
    data += part;
  };
  append(purpose);
  append(key_id);
  if (place.format != 1)
    append(place.database);
  append(place.owner);
  append(place.row);
  append(place.column);
  append_number(data, place.version, 8);
  return data;
}

std::string data_of_key(std::string_view key_id, secret_place const& place) {
  return associated_data("key", key_id, place);
}

std::string data_of_text(secret_place const& place) { return associated_data("text", std::string_view(), place); }

result<sealed_view> view(std::string_view sealed) {
  bool const has_format = sealed.size() > mark.size() && sealed.starts_with(mark);
  if (sealed.size() > mark.size() && !has_format)
    return error(errc::vault, "the stored bytes are not a sealed secret");
  auto const format = has_format ? static_cast<unsigned char>(sealed[mark.size()]) : newest_sealed_format;
  if (format < 1 || format > newest_sealed_format)
    return error(errc::vault, "the secret is stored in format " + std::to_string(format) +
                                  "; this version of claudio reads the formats 1 and 2, a newer one may read it");
  auto const shortest = layout(format).shortest;
  if (sealed.size() < shortest)
    return error(errc::vault, "the stored secret is cut off: " + std::to_string(sealed.size()) + " bytes, at least " +
                                  std::to_string(shortest) + " are needed");
  return sealed_view(sealed);
}

// A secret of another format would not be bound to its place as all others are.
result<sealed_view> view_at(secret_place const& place, std::string_view sealed) {
  auto seen = view(sealed);
  if (seen && seen->format() != place.format)
    return error(errc::vault, "the secret is stored in format " + std::to_string(seen->format()) +
                                  ", the database in format " + std::to_string(place.format) +
                                  ": it belongs to another place");
  return seen;
}

void append_random(std::string& to, std::size_t size) {
  auto const begin = to.size();
  to.resize(begin + size);
  cipher::fill_random({to.data() + begin, size});
}

} // namespace

class vault::key_set {
public:
  struct entry {
    std::string id;
    secret key;
  };

  void add(secret key) {
    auto id = cipher::authenticate(key, "claudio key id", id_size);
    if (!find(id))
      entries.push_back({std::move(id), std::move(key)});
  }

  secret const* find(std::string_view id) const {
    auto const found = std::find_if(entries.begin(), entries.end(), [&](entry const& held) { return held.id == id; });
    return found == entries.end() ? nullptr : &found->key;
  }

  // What data keys at a place are encrypted with.
  static secret wrapping_key(secret const& key, secret_place const& place) {
    return place.format == 1 ? key : cipher::derive_for("claudio key encryption", key, place.database);
  }

  // AES-GCM alone would let somebody make a ciphertext that opens under two keys.
  static secret commitment(secret const& key, secret_place const& place) {
    return place.format == 1 ? secret() : cipher::derive_for("claudio key commitment", key, place.database);
  }

  // Up to the nonce of the text.
  std::string wrap(secret const& data_key, secret_place const& place) const {
    auto const& current = entries.front();
    layout const parts(place.format);
    auto sealed = head_of(place.format) + current.id;
    sealed += commitment(current.key, place).reveal();
    append_random(sealed, cipher::nonce_size);
    sealed.resize(parts.nonce_at);
    cipher::encrypt(wrapping_key(current.key, place).reveal(), sealed_view(sealed).wrap_nonce(),
                    data_of_key(current.id, place), data_key.reveal(), sealed.data() + parts.wrapped_key_at);
    return sealed;
  }

  result<secret> unwrap(sealed_view const& sealed, secret_place const& place) const {
    auto const* const key = find(sealed.id());
    if (!key) {
      std::string given;
      for (auto const& held : entries)
        given.append(given.empty() ? "" : ", ").append(cipher::hexadecimal(held.id));
      return error(errc::vault, "the secret is encrypted with the key " + cipher::hexadecimal(sealed.id()) +
                                    ", which was not given; given: " + given);
    }
    if (sealed.commitment() != commitment(*key, place).reveal())
      return error(errc::vault, "the secret is not of this key and database: its bytes were changed, or belong to "
                                "another place");
    secret data_key = secret::of_size(cipher::key_size);
    if (!cipher::decrypt(wrapping_key(*key, place).reveal(), sealed.wrap_nonce(), data_of_key(sealed.id(), place),
                         sealed.wrapped_key(), data_key.data()))
      return error(errc::vault,
                   "the secret's key can't be decrypted: its bytes were changed, or belong to another place");
    return data_key;
  }

  std::vector<entry> entries;
};

result<vault> vault::open(std::vector<key_source> const& sources, std::string_view salt,
                          std::optional<unsigned> stored_cost) {
  auto held = std::make_shared<key_set>();
  for (auto const& source : sources) {
    auto keys = source.keys(salt, stored_cost);
    if (!keys)
      return keys.error();
    for (auto& key : *keys)
      held->add(std::move(key));
  }
  if (held->entries.empty())
    return error(errc::vault, "no key-encryption key was given, and nothing is stored without encryption");
  vault made;
  made.keys_ = std::move(held);
  return made;
}

result<std::string> vault::seal(secret const& text, secret_place const& place) const {
  if (!keys_)
    return error(errc::vault, "an empty claudio::vault; get one from vault::open()");
  if (place.format < 1 || place.format > newest_sealed_format)
    return error(errc::vault, "there is no format " + std::to_string(place.format) + " of secrets");
  layout const parts(place.format);
  secret data_key = secret::of_size(cipher::key_size);
  cipher::fill_random({data_key.data(), data_key.size()});
  auto sealed = keys_->wrap(data_key, place);
  append_random(sealed, cipher::nonce_size);
  sealed.resize(parts.text_at + text.size() + cipher::tag_size);
  cipher::encrypt(data_key.reveal(), sealed_view(sealed).nonce(), data_of_text(place), text.reveal(),
                  sealed.data() + parts.text_at);
  return sealed;
}

result<secret> vault::unseal(std::string_view bytes, secret_place const& place) const {
  if (!keys_)
    return error(errc::vault, "an empty claudio::vault; get one from vault::open()");
  auto const sealed = view_at(place, bytes);
  if (!sealed)
    return sealed.error();
  auto const data_key = keys_->unwrap(*sealed, place);
  if (!data_key)
    return data_key.error();
  secret text = secret::of_size(sealed->text().size() - cipher::tag_size);
  if (!cipher::decrypt(data_key->reveal(), sealed->nonce(), data_of_text(place), sealed->text(), text.data()))
    return error(errc::vault, "the secret's text can't be decrypted: its bytes were changed");
  return text;
}

result<std::optional<std::string>> vault::rewrap(std::string_view bytes, secret_place const& place) const {
  if (!keys_)
    return error(errc::vault, "an empty claudio::vault; get one from vault::open()");
  auto const sealed = view_at(place, bytes);
  if (!sealed)
    return sealed.error();
  if (sealed->id() == keys_->entries.front().id)
    return std::optional<std::string>();
  auto const data_key = keys_->unwrap(*sealed, place);
  if (!data_key)
    return data_key.error();
  auto rewrapped = keys_->wrap(*data_key, place);
  rewrapped += sealed->payload();
  return std::optional<std::string>(std::move(rewrapped));
}

result<vault> vault::with_current(std::string_view key_id) const {
  auto held = std::make_shared<key_set>();
  for (bool const is_current : {true, false})
    for (auto const& entry : keys_ ? keys_->entries : std::vector<key_set::entry>())
      if ((cipher::hexadecimal(entry.id) == key_id) == is_current)
        held->entries.push_back(entry);
  if (held->entries.empty() || cipher::hexadecimal(held->entries.front().id) != key_id)
    return error(errc::vault, "the key " + std::string(key_id) + " was not given");
  vault made;
  made.keys_ = std::move(held);
  return made;
}

std::vector<std::string> vault::key_ids() const {
  std::vector<std::string> ids;
  if (keys_)
    for (auto const& held : keys_->entries)
      ids.push_back(cipher::hexadecimal(held.id));
  return ids;
}

result<std::string> vault::key_id_of(std::string_view bytes) {
  auto const sealed = view(bytes);
  if (!sealed)
    return sealed.error();
  return cipher::hexadecimal(sealed->id());
}

} // namespace claudio
