#include "store/sqlite_backup.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sqlite3.h>
#include <system_error>
#include <unistd.h>

namespace claudio {
namespace {

using connection = std::unique_ptr<sqlite3, decltype(&sqlite3_close_v2)>;

connection open(std::string const& path) {
  sqlite3* opened = nullptr;
  sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  return connection(opened, &sqlite3_close_v2);
}

error failed(std::string const& copy, std::string const& reason) {
  return error(errc::storage, "can't make the backup \"" + copy + "\": " + reason);
}

result<std::string> make_copy(std::string const& wanted) {
  constexpr int most = 1000;
  for (int number = 1; number < most; ++number) {
    auto const path = number == 1 ? wanted : wanted + "." + std::to_string(number);
    int const file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST)
      continue;
    if (file < 0)
      return failed(path, std::generic_category().message(errno));
    ::close(file);
    return path;
  }
  return failed(wanted, "there are too many already");
}

// An empty text: it was copied.
std::string copy_pages(std::string const& path, std::string const& copy) {
  auto const from = open(path);
  auto const to = open(copy);
  if (!from || !to)
    return "out of memory";
  sqlite3_exec(to.get(), "PRAGMA synchronous = FULL", nullptr, nullptr, nullptr);
  auto* const copying = sqlite3_backup_init(to.get(), "main", from.get(), "main");
  if (!copying)
    return sqlite3_errmsg(to.get());
  constexpr int all_pages = -1;
  int const status = sqlite3_backup_step(copying, all_pages);
  bool const is_done = sqlite3_backup_finish(copying) == SQLITE_OK && status == SQLITE_DONE;
  return is_done ? std::string() : sqlite3_errstr(status);
}

} // namespace

result<std::string> back_up(std::string const& path, std::string const& copy) {
  auto made = make_copy(copy);
  if (!made)
    return made;
  auto const reason = copy_pages(path, *made);
  if (reason.empty())
    return made;
  ::unlink(made->c_str());
  return failed(*made, reason);
}

} // namespace claudio
