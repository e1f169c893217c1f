#include "kept_conversation.hpp"

#include "core/json_access.hpp"
#include "input.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace claudio::tool {
namespace json = boost::json;

namespace {

constexpr char const* file_name = "conversation.json";

error fault(std::string const& what) { return error(errc::configuration, "the kept conversation: " + what); }

error system_fault(std::string const& path) { return fault(path + ": " + std::generic_category().message(errno)); }

class descriptor {
public:
  explicit descriptor(int opened) : opened_(opened) {}
  descriptor(descriptor&& other) noexcept : opened_(std::exchange(other.opened_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (opened_ >= 0)
      ::close(opened_);
  }
  int get() const noexcept { return opened_; }

private:
  int opened_;
};

result<std::string> folder_path() {
  char const* const state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/')
    return std::string(state) + "/claudio";
  char const* const home = std::getenv("HOME");
  if (home && *home == '/')
    return std::string(home) + "/.local/state/claudio";
  return fault("neither HOME nor XDG_STATE_HOME is set, so there is no place for it");
}

// A folder of this user's that nobody else can write into; all else goes by its descriptor, which no symbolic link that
// is made meanwhile leads astray. Nothing: it is not there, and was not to be made.
result<std::optional<descriptor>> open_folder(bool make) {
  auto const path = folder_path();
  if (!path)
    return path.error();
  if (make)
    for (std::size_t end = path->find('/', 1);; end = path->find('/', end + 1)) {
      ::mkdir(path->substr(0, end).c_str(), 0700);
      if (end == std::string::npos)
        break;
    }
  descriptor folder(::open(path->c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.get() < 0 && errno == ENOENT && !make)
    return std::optional<descriptor>();
  struct stat status {};
  if (folder.get() < 0 || ::fstat(folder.get(), &status) != 0)
    return system_fault(*path);
  if (status.st_uid != ::geteuid())
    return fault(*path + " is another user's");
  if ((status.st_mode & 077) != 0 && ::fchmod(folder.get(), 0700) != 0)
    return system_fault(*path);
  return std::optional<descriptor>(std::move(folder));
}

result<void> write_all(int file, std::string_view text, std::string const& name) {
  while (!text.empty()) {
    auto const written = ::write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return error(errc::configuration, "can't write " + name + ": " + std::generic_category().message(errno));
    text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
  }
  return {};
}

bool is_message(json::value const& value) {
  auto const* const object = value.if_object();
  return object && !find_string(*object, "role").empty();
}

} // namespace

result<bool> load_conversation(conversation& into) {
  auto const folder = open_folder(false);
  if (!folder)
    return folder.error();
  if (!*folder)
    return false;
  descriptor const file(
      ::openat((*folder)->get(), file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT)
    return false;
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
    return system_fault(file_name);
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || status.st_nlink != 1)
    return fault(std::string(file_name) + " is not a file of this user's");
  auto const text = read_all(file.get(), "the kept conversation");
  if (!text)
    return text.error();
  auto const value = parse_json(*text);
  auto const* const object = value ? value->if_object() : nullptr;
  auto const* const messages = object ? find_array(*object, "messages") : nullptr;
  if (!messages || !std::all_of(messages->begin(), messages->end(), is_message))
    return fault(std::string(file_name) + " is damaged; remove it, or begin without -c");
  into.messages = *messages;
  into.model = find_string(*object, "model");
  into.system = find_string(*object, "system");
  return true;
}

result<void> keep_conversation(conversation const& now) {
  auto const folder = open_folder(true);
  if (!folder)
    return folder.error();
  int const at = (*folder)->get();
  json::object kept;
  kept["model"] = now.model;
  kept["system"] = now.system;
  kept["messages"] = now.messages;
  std::string const temporary = std::string(file_name) + "." + std::to_string(::getpid());
  // One that a process of this number left behind.
  ::unlinkat(at, temporary.c_str(), 0);
  descriptor const file(::openat(at, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0)
    return system_fault(temporary);
  auto written = write_all(file.get(), json::serialize(kept), temporary);
  if (written && (::fsync(file.get()) != 0 || ::renameat(at, temporary.c_str(), at, file_name) != 0))
    written = system_fault(file_name);
  if (!written)
    ::unlinkat(at, temporary.c_str(), 0);
  return written;
}

result<bool> forget_conversation() {
  auto const folder = open_folder(false);
  if (!folder)
    return folder.error();
  if (!*folder || (::unlinkat((*folder)->get(), file_name, 0) != 0 && errno == ENOENT))
    return false;
  struct stat status {};
  if (::fstatat((*folder)->get(), file_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
    return fault(std::string(file_name) + " can't be removed");
  return true;
}

result<void> write_new_file(std::string const& path, std::string_view text) {
  descriptor const file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0)
    return error(errc::configuration,
                 "can't make the file \"" + path + "\": " + std::generic_category().message(errno));
  return write_all(file.get(), text, "the file \"" + path + "\"");
}

} // namespace claudio::tool
