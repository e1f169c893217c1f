#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace claudio {

/// Replaces by U+FFFD what a JSON text may not hold although it looks like text: bytes that are not UTF-8 (one
/// replacement for each maximal subpart, as the Unicode Standard advises), and `\u` escapes of half a surrogate pair.
/// Nothing: the text has none of these. Whether the result is valid JSON is for a parser to say.
std::optional<std::string> repair_unicode(std::string_view json);

} // namespace claudio
