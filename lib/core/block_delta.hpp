#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace claudio {

/// More text of a block: what nearly every event of a stream is.
class block_delta {
public:
  static constexpr std::string_view event_type = "content_block_delta";
  enum class kind : std::uint8_t { text, thinking, input_json };

  std::size_t index = 0; ///< of the block
  kind part = kind::text;
  std::string_view text;

  /// Reads the JSON of an event that is such a delta and nothing else, written as the API writes it. Nothing for all
  /// other text, valid or not: that is for a parser that knows JSON.
  /// @param unescaped holds the text if escapes had to be taken out of it, else it refers to `json`
  static std::optional<block_delta> read(std::string_view json, std::string& unescaped);
  /// The same of an event that is parsed already, however it was written; its text is the event's.
  static std::optional<block_delta> of(boost::json::object const& event) noexcept;
  /// Whether deltas of this type are such.
  static bool knows(std::string_view delta_type) noexcept;
};

} // namespace claudio
