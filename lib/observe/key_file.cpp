#include "observe/key_file.hpp"

#include "core/secret_file.hpp"
#include "observe/loggers.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace claudio {
namespace {

constexpr std::size_t most = std::size_t{1} << 20; // bytes
constexpr uid_t root = 0;

error refused(std::string const& name, std::string const& why) { return error(errc::configuration, name + " " + why); }

error unreadable(std::string const& name, int reason) {
  return error(errc::configuration, "can't read " + name + ": " + std::generic_category().message(reason));
}

result<secret> read_opened(int file, std::string const& path, std::string const& name) {
  struct stat status {};
  if (::fstat(file, &status) != 0)
    return unreadable(name, errno);
  if (S_ISDIR(status.st_mode))
    return unreadable(name, EISDIR);
  // A pipe or device may give no end, or nothing for ever.
  if (!S_ISREG(status.st_mode))
    return refused(name, "is not a regular file; to take keys from another program, use command:COMMAND or standard "
                         "input");
  auto const rule = check_key_file(status.st_uid, status.st_mode, ::geteuid(), path);
  if (!rule.fault.empty())
    return refused(name, rule.fault);
  if (rule.is_readable_by_others)
    call_log().warn("key_file_readable_by_others path=\"{}\" mode={:04o}", path,
                    static_cast<unsigned>(status.st_mode & 07777));
  return read_secret(file, name, most);
}

} // namespace

key_file_rule check_key_file(uid_t owner, mode_t mode, uid_t self, std::string const& path) {
  key_file_rule rule;
  if (owner == self) {
    if ((mode & 077) != 0)
      rule.fault = "may be used by others than its owner; run: chmod 600 " + path;
  } else if (owner != root) {
    rule.fault = "belongs to another user (uid " + std::to_string(owner) +
                 "), who could replace the keys; run: chown " + std::to_string(self) + " " + path;
  } else if ((mode & 022) != 0) {
    rule.fault = "belongs to root, and others may write it; run: chmod go-w " + path;
  } else {
    rule.is_readable_by_others = (mode & 044) != 0;
  }
  return rule;
}

result<secret> read_key_file(std::string const& path, std::string const& name) {
  // Without O_NONBLOCK opening a pipe waits for a writer.
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0)
    return unreadable(name, errno);
  auto text = read_opened(file, path, name);
  ::close(file);
  return text;
}

} // namespace claudio
