#pragma once

#include "store/sqlite_database.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace claudio {

/// What tells that a file is the same as before, and unchanged.
class file_state {
public:
  file_state() = default;
  explicit file_state(std::string const& path);

  bool exists() const noexcept { return inode_ != 0; }
  bool is_regular() const noexcept { return is_regular_; }
  std::uint64_t size() const noexcept { return size_; }
  /// The same file, whatever is in it by now.
  bool is_same_file(file_state const& other) const noexcept {
    return inode_ == other.inode_ && device_ == other.device_;
  }
  bool operator==(file_state const&) const = default;

private:
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0; // 0: there is none
  std::uint64_t size_ = 0;
  std::int64_t modified_ns_ = 0;
  bool is_regular_ = false;
};

/// A SQLite database as its files are now, for who can write nothing beside them: a read-only medium, a full disk, the
/// folder of another user. Only a database without a pending journal is read in place, since SQLite then looks at its
/// file alone; else a private copy of the file and its journals is.
class sqlite_snapshot {
public:
  sqlite_snapshot() = default;

  /// Errors: `errc::storage`.
  static result<sqlite_snapshot> open(std::string const& path);

  /// Whether the files are still what they were when it was opened. What was read before they changed may be torn.
  bool is_current() const;
  sqlite_database& database() noexcept { return database_; }

private:
  class private_folder;
  // The database, and the journals that SQLite keeps beside it.
  static constexpr std::array<char const*, 3> suffixes{"", "-wal", "-journal"};
  using file_states = std::array<file_state, suffixes.size()>;

  static file_states states_of(std::string const& path);
  result<void> open_copy();

  std::string path_; // without symbolic links
  file_states files_;
  std::shared_ptr<private_folder const> folder_;
  sqlite_database database_;
};

} // namespace claudio
