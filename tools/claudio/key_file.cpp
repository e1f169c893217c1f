#include "key_file.hpp"

#include "core/secret_file.hpp"

#include <claudio/vault.hpp>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <functional>
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

// A file beside the key file with the new content, for its owner only.
result<std::string> write_beside(std::string const& path, secret const& text) {
  std::string temporary = path + ".XXXXXX";
  int const file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0)
    return failed("make", path);
  bool const written = write_all(file, text.reveal()) && ::fsync(file) == 0;
  auto const failure = failed("write", path);
  ::close(file);
  if (!written) {
    ::unlink(temporary.c_str());
    return failure;
  }
  return temporary;
}

// The rename of a file is on the disk only when its folder is.
void sync_folder(std::string const& path) {
  auto const end = path.rfind('/');
  auto const folder = end == std::string::npos ? std::string(".") : path.substr(0, end + 1);
  int const file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file >= 0) {
    ::fsync(file);
    ::close(file);
  }
}

// Opens the file and locks it against others that change it; what they put in its place is opened again.
int open_locked(std::string const& path) {
  while (true) {
    int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || ::flock(file, LOCK_EX) != 0)
      return file;
    struct stat opened {};
    struct stat current {};
    if (::fstat(file, &opened) == 0 && ::stat(path.c_str(), &current) == 0 && opened.st_ino == current.st_ino)
      return file;
    ::close(file);
  }
}

result<void> replace(std::string const& path, std::function<secret(secret const& before)> const& change) {
  int const file = open_locked(path);
  if (file < 0)
    return failed("open", path);
  auto const before = read_secret(file, "the key file \"" + path + "\"");
  auto temporary = before ? write_beside(path, change(*before)) : result<std::string>(before.error());
  result<void> outcome;
  if (!temporary)
    outcome = temporary.error();
  else if (::rename(temporary->c_str(), path.c_str()) != 0)
    outcome = failed("replace", path);
  sync_folder(path);
  ::close(file);
  return outcome;
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
    "# Key-encryption keys of a claudio database, one a line; the first encrypts what is new.\n"
    "# Without them the stored API keys can't be read: keep a copy in a safe place, apart from the database.\n";

// Empty for what is no key.
std::string id_of(std::string_view line) {
  auto const opened = vault::open({key_source::text(secret::copy_of(line), "a line")}, std::string_view());
  return opened ? opened->key_ids().front() : std::string();
}

bool is_key(std::string_view line) { return !line.empty() && line.front() != '#' && line.front() != '\r'; }

} // namespace

result<bool> make_key_file(std::string const& path) {
  auto const temporary = write_beside(path, joined({about, make_encryption_key().reveal(), "\n"}));
  if (!temporary)
    return temporary.error();
  // Whoever was faster has made the key.
  bool const made = ::link(temporary->c_str(), path.c_str()) == 0;
  auto const failure = failed("make", path);
  bool const is_there = made || errno == EEXIST;
  ::unlink(temporary->c_str());
  sync_folder(path);
  if (!is_there)
    return failure;
  return made;
}

result<void> add_key(std::string const& path) {
  return replace(path, [](secret const& before) {
    return joined({make_encryption_key().reveal(), "\n", before.reveal()});
  });
}

result<void> forget_old_keys(std::string const& path, std::string const& current, std::set<std::string> const& in_use) {
  return replace(path, [&](secret const& before) {
    auto kept = secret::copy_of(about);
    bool is_older = false;
    auto rest = before.reveal();
    while (!rest.empty()) {
      auto const line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (!is_key(line))
        continue;
      auto const id = id_of(line);
      if (!is_older || in_use.contains(id))
        kept = joined({kept.reveal(), line, "\n"});
      is_older = is_older || id == current;
    }
    return kept;
  });
}

} // namespace claudio::tool
