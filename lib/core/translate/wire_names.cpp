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

void wire_names::reserve(std::string_view name) {
  if (fits(name) && taken_.emplace(name).second)
    spellings_[std::string(name)].text = name;
}

std::string const& wire_names::of(std::string_view name) {
  auto const [place, fresh] = spellings_.try_emplace(std::string(name));
  auto& known = place->second;
  if (!fresh)
    return known.text;
  if (fits(name) && taken_.emplace(name).second)
    known.text = name;
  else
    find_free(name, known);
  return known.text;
}

std::string const& wire_names::renew(std::string_view name) {
  auto& known = spellings_[std::string(name)];
  find_free(name, known);
  return known.text;
}

void wire_names::find_free(std::string_view name, spelling& known) {
  std::string stem(name.substr(0, longest_ - suffix_length));
  std::replace_if(
      stem.begin(), stem.end(), [](char c) { return !is_fine(c); }, '_');
  do
    known.text = stem + suffix(hash(name, known.next_salt++));
  while (!taken_.insert(known.text).second);
}

} // namespace claudio
