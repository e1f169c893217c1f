#pragma once

#include <sys/types.h>

namespace claudio {

/// The id of the calling process, as getpid() gives it, but without a system call: the kernel clears a page of memory
/// in every forked child (madvise(2), MADV_WIPEONFORK), so each process asks once. Thread-safe.
///
/// An object that owns descriptors compares it with the id it was created under: after a fork without exec, both
/// processes share the connections behind those descriptors, and only the one that made them may use them.
::pid_t process_id() noexcept;

} // namespace claudio
