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

} // namespace claudio
