#pragma once

#include <cstddef>

namespace claudio {

/// The memory that all secrets of the process lie in: pages that are not swapped out, as far as the system lets us lock
/// them, and not part of core dumps. What is given back is wiped. Thread-safe.
class secret_memory {
public:
  secret_memory() = delete;

  static char* allocate(std::size_t size);
  static void release(char* memory, std::size_t size) noexcept;
};

} // namespace claudio
