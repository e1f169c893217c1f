#include "core/wiping_memory.hpp"

#include <boost/json/memory_resource.hpp>

#include <new>
#include <string.h> // explicit_bzero is not in <cstring>

namespace claudio {
namespace {

class wiping_resource final : public boost::json::memory_resource {
private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    return ::operator new(size, std::align_val_t(alignment));
  }

  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
    ::explicit_bzero(memory, size);
    ::operator delete(memory, std::align_val_t(alignment));
  }

  bool do_is_equal(boost::json::memory_resource const& other) const noexcept override { return this == &other; }
};

} // namespace

boost::json::storage_ptr wiping_memory() {
  static auto* const shared = new wiping_resource;
  return shared;
}

} // namespace claudio
