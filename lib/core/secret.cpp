#include <claudio/secret.hpp>

#include <string.h> // explicit_bzero is not in <cstring>

namespace claudio {

void wipe(std::string& text) noexcept {
  // Up to the capacity: an earlier, longer content may stand behind the end.
  text.resize(text.capacity());
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

// Moving a short string copies its characters, so the source is wiped too.
secret::secret(secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }

secret& secret::operator=(secret other) noexcept {
  text_.swap(other.text_);
  return *this;
}

secret::~secret() { wipe(text_); }

std::string secret::hint() const {
  constexpr std::size_t shown = 4;
  return text_.size() < 4 * shown ? "…" : "…" + text_.substr(text_.size() - shown);
}

} // namespace claudio
