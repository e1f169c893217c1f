#include "net/thread_buffers.hpp"

#include <memory>

namespace claudio {

// Inlined into a coroutine, the variable's address could be kept while the coroutine moves to another thread.
[[gnu::noinline]] thread_buffers& this_threads_buffers() {
  thread_local std::unique_ptr<thread_buffers> const buffers(new thread_buffers);
  return *buffers;
}

} // namespace claudio
