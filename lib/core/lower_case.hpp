#pragma once

#include <string>
#include <string_view>

namespace claudio {

/// A text with its ASCII letters in lower case, as names of headers, hosts and media types are compared.
inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

/// A URL with its scheme in lower case: schemes are case-insensitive (RFC 3986 3.1).
inline std::string with_lower_scheme(std::string_view url) {
  auto const colon = url.find(':');
  return colon == std::string_view::npos ? std::string(url)
                                         : lower_case(url.substr(0, colon)).append(url.substr(colon));
}

} // namespace claudio
