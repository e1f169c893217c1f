#pragma once

#include <fstream>
#include <string>
#include <sys/resource.h>

namespace bench {

/// What this process has used so far.
struct process_usage {
  double user_microseconds = 0;
  double system_microseconds = 0;

  static process_usage now() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    auto const microseconds = [](timeval time) {
      return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
    };
    return {microseconds(used.ru_utime), microseconds(used.ru_stime)};
  }

  double cpu_microseconds() const { return user_microseconds + system_microseconds; }
};

/// A line of /proc/self/status in KiB, e.g. "VmRSS" or "VmHWM"; 0 when there is none.
inline long status_kib(std::string const& name) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with(name + ":"))
      return std::stol(line.substr(name.size() + 1));
  return 0;
}

/// As many open files as the system allows.
inline void raise_file_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

} // namespace bench
