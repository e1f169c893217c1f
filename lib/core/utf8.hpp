#pragma once

#include <string_view>

namespace claudio {

/// Whether a text is well-formed UTF-8 (RFC 3629 4).
bool is_utf8(std::string_view text) noexcept;

} // namespace claudio
