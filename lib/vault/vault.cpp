#include "vault/cipher.hpp"

#include <claudio/vault.hpp>

#include <algorithm>

namespace claudio {
namespace {

constexpr std::string_view format = "CLV\x01";
constexpr std::size_t id_size = 8;

// The parts of something sealed, in their order.
constexpr std::size_t id_at = format.size();
constexpr std::size_t wrap_nonce_at = id_at + id_size;
constexpr std::size_t wrapped_key_at = wrap_nonce_at + cipher::nonce_size;
constexpr std::size_t nonce_at = wrapped_key_at + cipher::key_size + cipher::tag_size;
constexpr std::size_t text_at = nonce_at + cipher::nonce_size;
constexpr std::size_t shortest = text_at + cipher::tag_size;

class sealed_view {
public:
  explicit sealed_view(std::string_view bytes) : bytes_(bytes) {}

  std::string_view id() const { return bytes_.substr(id_at, id_size); }
  std::string_view wrap_nonce() const { return bytes_.substr(wrap_nonce_at, cipher::nonce_size); }
  std::string_view wrapped_key() const { return bytes_.substr(wrapped_key_at, nonce_at - wrapped_key_at); }
  std::string_view nonce() const { return bytes_.substr(nonce_at, cipher::nonce_size); }
  std::string_view text() const { return bytes_.substr(text_at); }

private:
  std::string_view bytes_;
};

void append_number(std::string& to, std::uint64_t number, unsigned bytes) {
  while (bytes-- > 0)
    to += static_cast<char>(number >> (8 * bytes));
}

// Lengths in front, so that no two places are written alike.
std::string associated_data(std::string_view purpose, std::string_view key_id, secret_place const& place) {
  std::string data(format);
  for (auto const part : {purpose, key_id, std::string_view(place.provider), std::string_view(place.row),
                          std::string_view(place.column)}) {
    append_number(data, part.size(), 4);
    data += part;
  }
  append_number(data, place.version, 8);
  return data;
}

std::string data_of_key(std::string_view key_id, secret_place const& place) {
  return associated_data("key", key_id, place);
}

std::string data_of_text(secret_place const& place) { return associated_data("text", std::string_view(), place); }

result<sealed_view> view(std::string_view sealed) {
  if (sealed.size() >= format.size() && sealed.starts_with(format.substr(0, 3)) && sealed[3] != format[3])
    return error(errc::vault, "the secret is stored in format " +
                                  std::to_string(static_cast<unsigned char>(sealed[3])) +
                                  "; this version of claudio reads format 1, a newer one may read it");
  if (sealed.size() >= format.size() && !sealed.starts_with(format))
    return error(errc::vault, "the stored bytes are not a sealed secret");
  if (sealed.size() < shortest)
    return error(errc::vault, "the stored secret is cut off: " + std::to_string(sealed.size()) + " bytes, at least " +
                                  std::to_string(shortest) + " are needed");
  return sealed_view(sealed);
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

  // Up to the nonce of the text.
  std::string wrap(secret const& data_key, secret_place const& place) const {
    auto const& current = entries.front();
    std::string sealed(format);
    sealed += current.id;
    append_random(sealed, cipher::nonce_size);
    sealed.resize(nonce_at);
    cipher::encrypt(current.key.reveal(), sealed_view(sealed).wrap_nonce(), data_of_key(current.id, place),
                    data_key.reveal(), sealed.data() + wrapped_key_at);
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
    secret data_key = secret::of_size(cipher::key_size);
    if (!cipher::decrypt(key->reveal(), sealed.wrap_nonce(), data_of_key(sealed.id(), place), sealed.wrapped_key(),
                         data_key.data()))
      return error(errc::vault,
                   "the secret's key can't be decrypted: its bytes were changed, or belong to another place");
    return data_key;
  }

  std::vector<entry> entries;
};

result<vault> vault::open(std::vector<key_source> const& sources, std::string_view salt) {
  auto held = std::make_shared<key_set>();
  for (auto const& source : sources) {
    auto keys = source.keys(salt);
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
  secret data_key = secret::of_size(cipher::key_size);
  cipher::fill_random({data_key.data(), data_key.size()});
  auto sealed = keys_->wrap(data_key, place);
  append_random(sealed, cipher::nonce_size);
  sealed.resize(text_at + text.size() + cipher::tag_size);
  cipher::encrypt(data_key.reveal(), sealed_view(sealed).nonce(), data_of_text(place), text.reveal(),
                  sealed.data() + text_at);
  return sealed;
}

result<secret> vault::unseal(std::string_view bytes, secret_place const& place) const {
  if (!keys_)
    return error(errc::vault, "an empty claudio::vault; get one from vault::open()");
  auto const sealed = view(bytes);
  if (!sealed)
    return sealed.error();
  auto const data_key = keys_->unwrap(*sealed, place);
  if (!data_key)
    return data_key.error();
  secret text = secret::of_size(bytes.size() - shortest);
  if (!cipher::decrypt(data_key->reveal(), sealed->nonce(), data_of_text(place), sealed->text(), text.data()))
    return error(errc::vault, "the secret's text can't be decrypted: its bytes were changed");
  return text;
}

result<std::optional<std::string>> vault::rewrap(std::string_view bytes, secret_place const& place) const {
  if (!keys_)
    return error(errc::vault, "an empty claudio::vault; get one from vault::open()");
  auto const sealed = view(bytes);
  if (!sealed)
    return sealed.error();
  if (sealed->id() == keys_->entries.front().id)
    return std::optional<std::string>();
  auto const data_key = keys_->unwrap(*sealed, place);
  if (!data_key)
    return data_key.error();
  auto rewrapped = keys_->wrap(*data_key, place);
  rewrapped += bytes.substr(nonce_at);
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
