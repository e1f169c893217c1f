#include "core/translate/wire_names.hpp"

#include <algorithm>

namespace claudio {
namespace {

bool is_fine(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// FNV-1a: the same on every machine and in every run.
std::uint64_t hash(std::string_view text, std::uint64_t salt) noexcept {
  std::uint64_t value = 14695981039346656037ull ^ salt;
  for (char const c : text)
    value = (value ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return value;
}

constexpr std::size_t suffix_length = 13;

std::string suffix(std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "_";
  while (text.size() < suffix_length) {
    text += digits[value % 16];
    value /= 16;
  }
  return text;
}

} // namespace

bool wire_names::fits(std::string_view name) const noexcept {
  return !name.empty() && name.size() <= longest_ && std::all_of(name.begin(), name.end(), is_fine);
}

// Names that fit are known before any spelling is made for another (see reserve()), or meet it here.
bool wire_names::is_taken(std::string_view text) const {
  if (made_.contains(text))
    return true;
  auto const known = spellings_.find(text);
  return known != spellings_.end() && known->second.text.empty();
}

void wire_names::reserve(std::string_view name) {
  if (fits(name) && !made_.contains(name))
    spellings_.try_emplace(std::string(name));
}

std::string_view wire_names::of(std::string_view name) {
  auto place = spellings_.find(name);
  if (place == spellings_.end()) {
    place = spellings_.try_emplace(std::string(name)).first;
    if (!fits(name) || made_.contains(name))
      return make(name, place->second);
  }
  return place->second.text.empty() ? std::string_view(place->first) : std::string_view(place->second.text);
}

std::string_view wire_names::renew(std::string_view name) {
  auto& known = spellings_[std::string(name)];
  if (known.text.empty())
    made_.insert(std::string(name));
  return make(name, known);
}

std::string_view wire_names::make(std::string_view name, spelling& known) {
  std::string stem(name.substr(0, longest_ - suffix_length));
  std::replace_if(
      stem.begin(), stem.end(), [](char c) { return !is_fine(c); }, '_');
  std::string text;
  do
    text = stem + suffix(hash(name, known.next_salt++));
  while (is_taken(text));
  made_.insert(text);
  known.text = std::move(text);
  return known.text;
}

} // namespace claudio
