#include <claudio/call_info.hpp>

namespace claudio {

call_info const& call_info::none() noexcept {
  static call_info const nothing;
  return nothing;
}

} // namespace claudio
