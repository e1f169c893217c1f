#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace claudio::fuzz {

/// Takes decisions, then bytes, from a fuzzer's input. What is missing is 0.
class fuzz_input {
public:
  fuzz_input(std::uint8_t const* bytes, std::size_t size) : rest_(reinterpret_cast<char const*>(bytes), size) {}

  std::size_t number() {
    auto const byte = take(1);
    return byte.empty() ? 0 : static_cast<unsigned char>(byte.front());
  }
  std::size_t long_number() {
    auto const high = number();
    return high * 256 + number();
  }
  std::string_view take(std::size_t size) {
    auto const taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

private:
  std::string_view rest_;
};

inline void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace claudio::fuzz
