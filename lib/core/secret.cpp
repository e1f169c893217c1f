#include "core/secret_memory.hpp"
#include "core/wipe_traces.hpp"

#include <claudio/secret.hpp>

#include <algorithm>
#include <string.h> // explicit_bzero is not in <cstring>

namespace claudio {

void wipe(std::string& text) noexcept {
  // Up to the capacity: an earlier, longer content may stand behind the end.
  text.resize(text.capacity());
  ::explicit_bzero(text.data(), text.size());
  wipe_registers();
  text.clear();
}

secret::secret(std::string text) : secret(copy_of(text)) { wipe(text); }

secret secret::copy_of(std::string_view text) {
  secret made = of_size(text.size());
  std::copy(text.begin(), text.end(), made.data_);
  return made;
}

secret secret::of_size(std::size_t size) {
  secret made;
  if (size > 0) {
    made.data_ = secret_memory::allocate(size);
    made.size_ = size;
    std::fill_n(made.data_, size, '\0');
  }
  return made;
}

secret::secret(secret const& other) : secret(copy_of(other.reveal())) {}

secret& secret::operator=(secret other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

secret::~secret() {
  if (data_)
    secret_memory::release(data_, size_);
}

bool operator==(secret const& left, secret const& right) noexcept {
  if (left.size_ != right.size_)
    return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < left.size_; ++i)
    difference = static_cast<unsigned char>(difference | (left.data_[i] ^ right.data_[i]));
  return difference == 0;
}

void secret::shorten(std::size_t size) {
  if (size < size_)
    *this = copy_of(reveal().substr(0, size));
}

std::string secret::hint() const {
  constexpr std::size_t shown = 4;
  return size_ < 4 * shown ? "…" : "…" + std::string(reveal().substr(size_ - shown));
}

} // namespace claudio
