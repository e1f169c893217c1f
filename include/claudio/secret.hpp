#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace claudio {

/// A text that must not be shown, such as an API key. It has no stream operator. Its characters lie in memory that is
/// kept out of core dumps and, as far as the system allows, out of swap space, and are wiped when it goes.
/// Thread safety: as std::string.
class secret {
public:
  secret() noexcept = default;
  /// Takes over a text and wipes it where it was.
  explicit secret(std::string text);
  /// A copy of a text that somebody else wipes.
  static secret copy_of(std::string_view text);
  /// So many zero bytes, to be filled by `data()`.
  static secret of_size(std::size_t size);
  secret(secret const& other);
  secret(secret&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  secret& operator=(secret other) noexcept;
  ~secret();

  /// In a time that does not depend on where they differ.
  friend bool operator==(secret const& left, secret const& right) noexcept;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// The text itself, for the place that sends it.
  std::string_view reveal() const noexcept { return {data_, size_}; }
  /// The text, to be changed in place.
  char* data() noexcept { return data_; }
  /// Cuts the text off behind `size` characters, which are not more than it has.
  void shorten(std::size_t size);
  /// For logs and messages: "…" and the last four characters, of short ones nothing.
  std::string hint() const;

private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Overwrites a text in a way that the optimizer keeps, then empties it.
void wipe(std::string& text) noexcept;

/// Whether the memory of all secrets so far could be locked. If not, a secret may reach the swap space: the limit of
/// locked memory (`ulimit -l`, LimitMEMLOCK of systemd) is too low. Thread-safe.
bool secrets_are_locked() noexcept;

} // namespace claudio
