#include "core/process_id.hpp"

#include <atomic>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

namespace claudio {
namespace {

using cached_id = std::atomic<::pid_t>;

// Null where the kernel cannot clear memory at a fork (Linux before 4.14). The page is never unmapped, because
// destructors of global objects ask as well.
cached_id* make_cache() noexcept {
  auto const size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    return nullptr;
  if (::madvise(page, size, MADV_WIPEONFORK) != 0) {
    ::munmap(page, size);
    return nullptr;
  }
  return ::new (page) cached_id(0);
}

} // namespace

::pid_t process_id() noexcept {
  static cached_id* const cache = make_cache();
  if (!cache)
    return ::getpid();
  auto id = cache->load(std::memory_order_relaxed);
  if (id == 0) {
    id = ::getpid();
    cache->store(id, std::memory_order_relaxed);
  }
  return id;
}

} // namespace claudio
