#include "core/secret_memory.hpp"

#include "core/wipe_traces.hpp"

#include <claudio/secret.hpp>

#include <atomic>
#include <memory_resource>
#include <mutex>
#include <new>
#include <string.h> // explicit_bzero is not in <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace claudio {
namespace {

std::atomic<bool> all_locked{true};

class secret_pages final : public std::pmr::memory_resource {
private:
  static std::size_t whole_pages(std::size_t size) {
    static auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (size + page - 1) / page * page;
  }

  void* do_allocate(std::size_t size, std::size_t) override {
    auto const length = whole_pages(size);
    void* const pages = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
      throw std::bad_alloc();
#ifdef MADV_DONTDUMP
    ::madvise(pages, length, MADV_DONTDUMP);
#endif
    if (::mlock(pages, length) != 0)
      all_locked.store(false, std::memory_order_relaxed);
    return pages;
  }

  void do_deallocate(void* pages, std::size_t size, std::size_t) override {
    ::explicit_bzero(pages, size);
    ::munmap(pages, whole_pages(size));
  }

  bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override { return this == &other; }
};

class secret_pool {
public:
  secret_pool() : blocks_(sizes(), &pages_) {}

  char* allocate(std::size_t size) {
    std::scoped_lock const lock(mutex_);
    return static_cast<char*>(blocks_.allocate(size, 1));
  }

  void release(char* memory, std::size_t size) {
    std::scoped_lock const lock(mutex_);
    blocks_.deallocate(memory, size, 1);
  }

private:
  // Chunks of about a page: a process may lock little, 64 KiB on older systems.
  static std::pmr::pool_options sizes() {
    std::pmr::pool_options options;
    options.max_blocks_per_chunk = 64;
    options.largest_required_pool_block = 1024;
    return options;
  }

  std::mutex mutex_;
  secret_pages pages_;
  std::pmr::unsynchronized_pool_resource blocks_;
};

// Never destroyed, since secrets may be, with whatever holds them, after all statics.
secret_pool& pool() {
  static auto* const shared = new secret_pool;
  return *shared;
}

} // namespace

char* secret_memory::allocate(std::size_t size) { return pool().allocate(size); }

void secret_memory::release(char* memory, std::size_t size) noexcept {
  ::explicit_bzero(memory, size);
  wipe_registers();
  pool().release(memory, size);
}

bool secrets_are_locked() noexcept { return all_locked.load(std::memory_order_relaxed); }

} // namespace claudio
