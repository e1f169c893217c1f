#pragma once

#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <string>
#include <sys/types.h>

namespace claudio {

/// Whether this process may take keys from a file, by OpenSSH's rule.
class key_file_rule {
public:
  key_file_rule() = default;

  std::string fault;                  ///< why the file is refused, and what to do; empty when it is accepted
  bool is_readable_by_others = false; ///< the owner should know of it
};

/// @param owner, mode of the file; @param self the effective user of the process; @param path for commands in messages
key_file_rule check_key_file(uid_t owner, mode_t mode, uid_t self, std::string const& path);

/// Reads a regular file that holds keys, at most 1 MiB; `name` is what messages call it. A file of this user must give
/// no permission to anybody else. One of root's, as containers are given them (0440, 0444), must not be writable for
/// others; the log says when others may read it. Files of other users are refused. Symbolic links are followed: the
/// file that was opened is what is checked. Errors: `errc::configuration`. Blocks as the disk does.
result<secret> read_key_file(std::string const& path, std::string const& name);

} // namespace claudio
