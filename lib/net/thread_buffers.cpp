#include "net/thread_buffers.hpp"

#include "core/thread_object.hpp"

namespace claudio {

// Inlined into a coroutine, the variable's address could be kept while the coroutine moves to another thread.
[[gnu::noinline]] thread_buffers& this_threads_buffers() { return this_threads_object<thread_buffers>(); }

} // namespace claudio
