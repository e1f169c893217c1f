#include "net/response.hpp"

#include <algorithm>

namespace claudio {

namespace {

constexpr std::size_t usual_size = 1024; // of all fields

// ASCII only, whatever the locale (RFC 9110 5.1).
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view take_text(std::string_view& fields) {
  auto const text = fields.substr(0, fields.find('\0'));
  fields.remove_prefix(text.size() + 1);
  return text;
}

} // namespace

void response_headers::add(std::string_view name, std::string_view value) {
  if (fields_.empty())
    fields_.reserve(usual_size);
  auto const begin = static_cast<std::ptrdiff_t>(fields_.size());
  fields_.append(name);
  std::transform(fields_.begin() + begin, fields_.end(), fields_.begin() + begin, to_lower);
  fields_.push_back('\0');
  fields_.append(value);
  fields_.push_back('\0');
}

std::string_view response_headers::find(std::string_view lower_case_name) const noexcept {
  std::string_view rest = fields_;
  while (!rest.empty()) {
    auto const name = take_text(rest);
    auto const value = take_text(rest);
    if (name == lower_case_name)
      return value;
  }
  return {};
}

} // namespace claudio
