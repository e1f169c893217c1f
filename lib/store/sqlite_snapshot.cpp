#include "store/sqlite_snapshot.hpp"

#include <cstdlib>
#include <sys/stat.h>

namespace claudio {
namespace files = std::filesystem;

namespace {

error unreadable(std::string const& path, std::string const& why) {
  return error(errc::storage, "the database \"" + path + "\" can't be read: " + why);
}

// /dev/shm has room when the disks are full.
std::array<std::string, 3> temporary_folders() {
  char const* const configured = std::getenv("TMPDIR");
  return {"/dev/shm", configured && *configured == '/' ? configured : "/tmp", "/var/tmp"};
}

} // namespace

file_state::file_state(std::string const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  size_ = static_cast<std::uint64_t>(status.st_size);
  modified_ns_ = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  is_regular_ = S_ISREG(status.st_mode);
}

class sqlite_snapshot::private_folder {
public:
  explicit private_folder(std::string const& parent) {
    std::string pattern = parent + "/claudio-XXXXXX";
    if (::mkdtemp(pattern.data()))
      path_ = pattern;
  }
  private_folder(private_folder const&) = delete;
  private_folder& operator=(private_folder const&) = delete;
  ~private_folder() {
    std::error_code ignored;
    if (!path_.empty())
      files::remove_all(path_, ignored);
  }

  std::string file(std::string const& suffix) const { return path_ + "/copy.db" + suffix; }

  bool take(std::string const& from, std::string const& suffix) const {
    std::error_code failure;
    if (path_.empty() || !files::copy_file(from + suffix, file(suffix), failure))
      return false;
    // A copy has the mode of what it is made of, which may be read-only.
    files::permissions(file(suffix), files::perms::owner_read | files::perms::owner_write, failure);
    return !failure;
  }

private:
  std::string path_;
};

sqlite_snapshot::file_states sqlite_snapshot::states_of(std::string const& path) {
  file_states states;
  for (std::size_t i = 0; i < states.size(); ++i)
    states[i] = file_state(path + suffixes[i]);
  return states;
}

bool sqlite_snapshot::is_current() const { return states_of(path_) == files_; }

result<void> sqlite_snapshot::open_copy() {
  for (auto const& parent : temporary_folders()) {
    auto const folder = std::make_shared<private_folder const>(parent);
    bool is_whole = true;
    for (std::size_t i = 0; i < files_.size(); ++i)
      is_whole = is_whole && (!files_[i].exists() || folder->take(path_, suffixes[i]));
    if (!is_whole)
      continue;
    if (!is_current())
      return unreadable(path_, "another process is changing it");
    auto opened = sqlite_database::open_copy(path_, folder->file(""));
    if (!opened)
      return opened.error();
    folder_ = folder;
    database_ = std::move(*opened);
    return {};
  }
  return unreadable(path_, "it has a pending journal, and no copy can be made in /dev/shm or $TMPDIR");
}

result<sqlite_snapshot> sqlite_snapshot::open(std::string const& path) {
  sqlite_snapshot made;
  std::error_code failure;
  made.path_ = files::canonical(path, failure).string();
  made.files_ = states_of(made.path_);
  auto const& [file, log, journal] = made.files_;
  if (failure || !file.is_regular() || file.size() == 0)
    return unreadable(path, "it is no database");
  if (log.size() > 0 || journal.size() > 0) {
    if (auto const copied = made.open_copy(); !copied)
      return copied.error();
    return made;
  }
  auto opened = sqlite_database::open_immutable(made.path_);
  if (!opened)
    return opened.error();
  made.database_ = std::move(*opened);
  return made;
}

} // namespace claudio
