#include "core/secret_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
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

std::string_view without_trailing_space(std::string_view text) noexcept {
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

result<secret> without_trailing_space(secret text, std::string const& name) {
  auto const size = without_trailing_space(text.reveal()).size();
  if (size == 0)
    return error(errc::configuration, name + " is empty");
  text.shorten(size);
  return text;
}

result<secret> read_secret_variable(std::string const& name) {
  char const* const value = std::getenv(name.c_str());
  auto const described = "the environment variable \"" + name + "\"";
  if (!value || *value == '\0')
    return error(errc::configuration, described + " is not set");
  return without_trailing_space(secret::copy_of(value), described);
}

} // namespace claudio
