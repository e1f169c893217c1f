#pragma once

#include <cstddef>

namespace claudio::test {

/// How often this thread has taken memory from the heap. In test_core only, whose operator new counts.
std::size_t allocations() noexcept;

} // namespace claudio::test
