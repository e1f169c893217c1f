#include "key_file.hpp"

#include "observe/key_file.hpp"

#include <claudio/vault.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace claudio::tool {
namespace {

error failed(std::string const& doing, std::string const& path) {
  return error(errc::storage,
               "can't " + doing + " the key file \"" + path + "\": " + std::generic_category().message(errno));
}

result<void> write_all(int file, std::string_view text) {
  while (!text.empty()) {
    auto const written = ::write(file, text.data(), text.size());
    if (written < 0)
      return error(errc::storage, std::string());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string folder_of(std::string const& path) {
  auto const end = path.rfind('/');
  return end == std::string::npos ? std::string(".") : path.substr(0, end + 1);
}

// Holds off others that change a key file in the same folder.
class folder_lock {
public:
  explicit folder_lock(std::string const& path)
      : folder_(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        is_held_(folder_ >= 0 && ::flock(folder_, LOCK_EX) == 0) {}
  folder_lock(folder_lock const&) = delete;
  folder_lock& operator=(folder_lock const&) = delete;
  ~folder_lock() {
    if (folder_ >= 0)
      ::close(folder_);
  }

  bool is_held() const noexcept { return is_held_; }
  // The rename of a file is on the disk only when its folder is.
  void sync() const { ::fsync(folder_); }

private:
  int folder_;
  bool is_held_;
};

// Puts a file with this content in the place of another, whose owner it gets.
result<void> put(std::string const& path, secret const& text, folder_lock const& lock, struct stat const* before) {
  auto const temporary = path + ".new";
  // One that was killed may have left it.
  ::unlink(temporary.c_str());
  int const file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0)
    return failed("make", path);
  struct stat made {};
  bool const is_owned = !before || (::fstat(file, &made) == 0 && made.st_uid == before->st_uid) ||
                        ::fchown(file, before->st_uid, before->st_gid) == 0;
  bool const is_put = is_owned && write_all(file, text.reveal()) && ::fsync(file) == 0 &&
                      ::rename(temporary.c_str(), path.c_str()) == 0;
  auto const failure = failed("write", path);
  ::close(file);
  if (!is_put) {
    ::unlink(temporary.c_str());
    return failure;
  }
  lock.sync();
  return {};
}

result<void> replace(std::string const& given, std::function<secret(secret const& before)> const& change) {
  // What a link points to is what others use.
  std::unique_ptr<char, decltype(&std::free)> const resolved(::realpath(given.c_str(), nullptr), &std::free);
  if (!resolved)
    return failed("open", given);
  std::string const path = resolved.get();
  folder_lock const lock(path);
  struct stat status {};
  if (!lock.is_held() || ::stat(path.c_str(), &status) != 0)
    return failed("lock", path);
  auto const before = read_key_file(path, "the key file \"" + path + "\"");
  if (!before)
    return before.error();
  return put(path, change(*before), lock, &status);
}

secret joined(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (auto const part : parts)
    size += part.size();
  auto whole = secret::of_size(size);
  char* end = whole.data();
  for (auto const part : parts)
    end = std::copy(part.begin(), part.end(), end);
  return whole;
}

constexpr std::string_view about =
    "# Key-encryption keys of a claudio database, one a line; `claudio secret rotate` goes to the first.\n"
    "# Without them the stored API keys can't be read: keep a copy in a safe place, apart from the database.\n";

// Empty for what is no key.
std::string id_of(std::string_view line) {
  auto const opened = vault::open({key_source::text(secret::copy_of(line), "a line")}, std::string_view());
  return opened ? opened->key_ids().front() : std::string();
}

} // namespace

result<bool> make_key_file(std::string const& path) {
  folder_lock const lock(path);
  if (!lock.is_held())
    return failed("make", path);
  // Whoever was faster has made the key.
  if (::access(path.c_str(), F_OK) == 0)
    return false;
  auto const made = put(path, joined({about, make_encryption_key().reveal(), "\n"}), lock, nullptr);
  if (!made)
    return made.error();
  return true;
}

result<void> add_key(std::string const& path) {
  return replace(path, [](secret const& before) {
    return joined({make_encryption_key().reveal(), "\n", before.reveal()});
  });
}

result<void> forget_old_keys(std::string const& path, std::string const& current, std::set<std::string> const& in_use) {
  return replace(path, [&](secret const& before) {
    auto kept = secret::of_size(before.size());
    char* end = kept.data();
    bool is_older = false;
    for (auto rest = before.reveal(); !rest.empty();) {
      auto const line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
      rest.remove_prefix(line.size());
      // What is no key is a comment, which stays.
      auto const id = id_of(line);
      if (!is_older || id.empty() || in_use.contains(id))
        end = std::copy(line.begin(), line.end(), end);
      is_older = is_older || id == current;
    }
    kept.shorten(static_cast<std::size_t>(end - kept.data()));
    return kept;
  });
}

} // namespace claudio::tool
