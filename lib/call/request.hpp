#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace claudio::detail {

/// What a call sends, beside what its endpoint adds.
class call_request {
public:
  /// What sending it twice would do.
  enum class effect : std::uint8_t {
    none,   ///< nothing but work: messages, and all that only reads
    creates ///< something would be made twice
  };

  call_request() = default;
  /// To the Messages API. @param text_bytes see `text_bytes`
  explicit call_request(std::string json, std::optional<std::size_t> text = std::nullopt)
      : body(std::move(json)), text_bytes(text) {}

  char const* method = "POST"; ///< static text
  std::string target;          ///< below the path of the endpoint, with a slash in front; empty: its messages
  std::string body;
  /// How much of the body is text, for pacing (`request_size`), where whoever serialized it knows.
  std::optional<std::size_t> text_bytes;
  effect has = effect::none;
};

} // namespace claudio::detail
