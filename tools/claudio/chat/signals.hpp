#pragma once

#include <initializer_list>
#include <signal.h>
#include <utility>
#include <vector>

namespace claudio::tool {

/// While it lives, these signals become bytes in a pipe, so that a program that waits for input or for an answer can
/// wait for them too, and none comes between two waits. One at a time.
class signal_pipe {
public:
  explicit signal_pipe(std::initializer_list<int> numbers);
  signal_pipe(signal_pipe const&) = delete;
  signal_pipe& operator=(signal_pipe const&) = delete;
  ~signal_pipe();

  /// Readable when a signal has come; to be waited for only.
  int descriptor() const noexcept { return ends_[0]; }
  /// The signal that came first, and is not taken yet; 0: none.
  int take() noexcept;

private:
  int ends_[2] = {-1, -1};
  std::vector<std::pair<int, struct sigaction>> before_;
};

/// Ends the program as the signal would have, so that a shell sees it.
[[noreturn]] void die_by(int signal_number);

} // namespace claudio::tool
