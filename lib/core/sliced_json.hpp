#pragma once

#include <claudio/error.hpp>

#include <boost/json/value.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace claudio {

/// Parses one large JSON document slice by slice, like `parse_json`, so that its caller can let other work run in
/// between. A document that needs far more memory than its size tells is refused: a million empty arrays take 3 MB of
/// text and 48 MB of memory.
class sliced_json {
public:
  /// Of the text; takes about a millisecond at worst.
  static constexpr std::size_t slice = 64 * 1024;
  /// A text of this size or less is parsed at once by `parse_json`: it costs neither much time nor much memory.
  static constexpr std::size_t small = 256 * 1024;
  /// Values and member names in a document. An answer has at most 128,000 tokens, of which each makes a few.
  static constexpr std::size_t most_values = 500'000;

  /// `text` has to stay until the end.
  explicit sliced_json(std::string_view text);
  ~sliced_json();

  /// Parses the next slice; false: the end is reached, by the document or by an error.
  bool parse_some(std::size_t bytes = slice);
  /// The value, once after the end. Errors: those of `parse_json`; and `errc::transformation` for more than
  /// `most_values`.
  result<boost::json::value> take();
  /// How many values and member names were read.
  std::size_t values() const noexcept;

private:
  class state;
  std::unique_ptr<state> state_; // large, and seldom needed
};

} // namespace claudio
