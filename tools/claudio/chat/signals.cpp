#include "signals.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <stdexcept>
#include <unistd.h>

namespace claudio::tool {
namespace {

int volatile written_end = -1;

void note(int number) {
  int const error_before = errno;
  auto const byte = static_cast<unsigned char>(number);
  // A full pipe has enough of them.
  [[maybe_unused]] auto const written = ::write(written_end, &byte, 1);
  errno = error_before;
}

} // namespace

signal_pipe::signal_pipe(std::initializer_list<int> numbers) {
  if (::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::runtime_error("no pipe can be made: too many open files");
  written_end = ends_[1];
  struct sigaction noting {};
  noting.sa_handler = note;
  noting.sa_flags = SA_RESTART;
  for (int const number : numbers) {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    // Whoever started the program with a signal ignored (nohup, a background job) wants it so.
    if (before.sa_handler == SIG_IGN)
      continue;
    ::sigaction(number, &noting, nullptr);
    before_.emplace_back(number, before);
  }
}

signal_pipe::~signal_pipe() {
  for (auto const& [number, before] : before_)
    ::sigaction(number, &before, nullptr);
  written_end = -1;
  ::close(ends_[0]);
  ::close(ends_[1]);
}

int signal_pipe::take() noexcept {
  unsigned char byte = 0;
  return ::read(ends_[0], &byte, 1) == 1 ? byte : 0;
}

void die_by(int signal_number) {
  std::cout.flush();
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
  // Where the signal is blocked.
  std::_Exit(128 + signal_number);
}

} // namespace claudio::tool
