#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace claudio {

/// The memory through which bytes pass on their way between socket and session. It belongs to the thread, not to a
/// session: nothing may stay there when a coroutine suspends, and no coroutine may hold a reference across that.
class thread_buffers {
public:
  /// Room for several TLS records.
  static constexpr std::size_t size = 64 * 1024;

  std::array<char, size> received; // from the socket
  std::array<char, size> plain;    // decrypted
  std::string to_send;             // to the socket
};

/// Those of the current thread.
thread_buffers& this_threads_buffers();

} // namespace claudio
