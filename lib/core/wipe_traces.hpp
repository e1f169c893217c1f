#pragma once

#include <cstddef>

namespace claudio {

/// Clears the registers that hold parts of what was copied or encrypted last: a core dump has them, for each thread.
void wipe_registers() noexcept;

/// Clears the registers, and so many bytes of the stack below the caller, where functions that have returned, and the
/// loader when it bound them, left what they worked with.
void wipe_traces(std::size_t stack = 8 * 1024) noexcept;

} // namespace claudio
