#include "core/credential_header.hpp"

#include "core/lower_case.hpp"

#include <algorithm>
#include <array>

namespace claudio {

bool names_credential(std::string_view header) {
  auto const name = lower_case(header);
  constexpr std::array<std::string_view, 7> signs{"auth", "key", "token", "secret", "cookie", "password", "credential"};
  return std::any_of(signs.begin(), signs.end(),
                     [&](std::string_view sign) { return name.find(sign) != std::string::npos; });
}

bool carries_credential(std::string_view header, std::string_view value) {
  if (names_credential(header) || value.find("sk-ant-") != std::string_view::npos)
    return true;
  auto const text = lower_case(value);
  constexpr std::array<std::string_view, 4> beginnings{"bearer ", "basic ", "digest ", "eyj"};
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return text.starts_with(beginning); });
}

} // namespace claudio
