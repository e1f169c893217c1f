#pragma once

#include <string>
#include <string_view>

namespace claudio {

/// A text that must not be shown, such as an API key. It has no stream operator, and wipes its memory when it goes.
/// Thread safety: as std::string.
class secret {
public:
  secret() = default;
  explicit secret(std::string text) : text_(std::move(text)) {}
  secret(secret const&) = default;
  secret(secret&& other) noexcept;
  secret& operator=(secret other) noexcept;
  ~secret();

  bool empty() const noexcept { return text_.empty(); }
  /// The text itself, for the place that sends it.
  std::string_view reveal() const noexcept { return text_; }
  /// For logs and messages: "…" and the last four characters, of short ones nothing.
  std::string hint() const;

private:
  std::string text_;
};

/// Overwrites a text in a way that the optimizer keeps, then empties it.
void wipe(std::string& text) noexcept;

} // namespace claudio
