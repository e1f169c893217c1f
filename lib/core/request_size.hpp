#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace claudio {

/// What a serialized request is going to cost, as far as its text tells. Views into the text.
class request_size {
public:
  std::string_view model; ///< empty when it has none
  std::optional<std::uint64_t> max_tokens;
  std::size_t bytes = 0; ///< of text; what looks like an image or a document counts as much as a usual image
};

/// Reads a request of the Messages API without parsing it. Of a text that is no JSON it reads something.
/// @param text_bytes where they are known, which saves looking at all of a large request
request_size measure_request(std::string_view json, std::optional<std::size_t> text_bytes = std::nullopt) noexcept;

/// The bytes of text in a request of the Messages API that was serialized into so many bytes: those of `bytes`.
std::size_t measure_text(boost::json::object const& request, std::size_t serialized_bytes);

} // namespace claudio
