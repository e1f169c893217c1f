#include "core/secret_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace claudio {
namespace {

error unreadable(std::string const& name, int reason) {
  return error(errc::configuration, "can't read " + name + ": " + std::generic_category().message(reason));
}

} // namespace

result<secret> read_secret(int descriptor, std::string const& name, std::size_t most) {
  secret text = secret::of_size(1024);
  std::size_t size = 0;
  while (true) {
    if (size == text.size()) {
      if (size >= most)
        return error(errc::configuration, name + " is larger than " + std::to_string(most >> 10) + " KiB");
      secret larger = secret::of_size(2 * size);
      std::copy_n(text.data(), size, larger.data());
      text = std::move(larger);
    }
    auto const got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return unreadable(name, errno);
    if (got == 0)
      break;
    size += static_cast<std::size_t>(got);
  }
  text.shorten(size);
  return text;
}

result<secret> read_secret_file(std::string const& path) {
  int const descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return unreadable("the file \"" + path + "\"", errno);
  auto text = read_secret(descriptor, "the file \"" + path + "\"");
  ::close(descriptor);
  return text;
}

result<secret> without_trailing_space(secret text, std::string const& name) {
  auto const last = text.reveal().find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos)
    return error(errc::configuration, name + " is empty");
  text.shorten(last + 1);
  return text;
}

} // namespace claudio
