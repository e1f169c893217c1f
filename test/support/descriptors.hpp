#pragma once

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <string>
#include <unistd.h>

namespace claudio::test {

/// The descriptors of this process that a child process would inherit, and what they are.
inline std::set<std::string> inheritable_descriptors() {
  std::set<std::string> found;
  for (auto const& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    int const descriptor = std::atoi(entry.path().filename().c_str());
    int const flags = ::fcntl(descriptor, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0)
      continue;
    std::error_code gone;
    found.insert(entry.path().filename().string() + " " + std::filesystem::read_symlink(entry.path(), gone).string());
  }
  return found;
}

} // namespace claudio::test
