#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace claudio {

/// A `data:` URI (RFC 2397) taken apart. Views into its text.
class data_uri {
public:
  static constexpr std::string_view scheme = "data:";

  std::string_view media_type; ///< without parameters; "text/plain" when the URI names none
  bool base64 = false;
  std::size_t data_begin = 0; ///< where the data stands in the URI

  /// Nothing when the text is not such a URI. Parameters such as `charset` or `name` are skipped.
  static std::optional<data_uri> parse(std::string_view text);
};

/// Takes white space out of base64, which the API wants in one line, in place. The length that is left.
std::size_t remove_white_space(char* text, std::size_t size);

/// What the first bytes of data say it is: an image type of the Messages API, "application/pdf", or nothing.
std::string_view sniff_bytes(std::string_view bytes) noexcept;
/// The same of data in base64.
std::string_view sniff_base64(std::string_view base64);

/// Decodes base64 (RFC 4648 4; white space is skipped, the padding may be missing). Nothing when it is none.
std::optional<std::string> decode_base64(std::string_view text);
/// Decodes `%41`-like escapes (RFC 3986 2.1). Nothing when one is broken.
std::optional<std::string> decode_percent(std::string_view text);

} // namespace claudio
