#pragma once

#include <string_view>

namespace claudio {

/// Whether a header's name says that its value is a credential: it is then stored encrypted, may be looked up
/// elsewhere, and is taken out of what a server says.
bool names_credential(std::string_view header);

} // namespace claudio
