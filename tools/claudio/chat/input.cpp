#include "input.hpp"

#include "core/utf8.hpp"

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <poll.h>
#include <system_error>
#include <unistd.h>

namespace claudio::tool {
namespace {

constexpr int patience_ms = 3000;

error unreadable(std::string const& name, int why) {
  return error(errc::configuration, "can't read " + name + ": " + std::generic_category().message(why));
}

// A pipe that nobody closes would be waited for in silence.
void explain_silence() {
  struct pollfd input {
    STDIN_FILENO, POLLIN, 0
  };
  if (::poll(&input, 1, patience_ms) == 0)
    std::cerr << "claudio: waiting for standard input to end; without any input: claudio chat PROMPT < /dev/null"
              << std::endl;
}

} // namespace

result<std::string> read_all(int descriptor, std::string const& name) {
  std::string text;
  std::size_t size = 0;
  while (size <= largest_input) {
    if (size == text.size())
      text.resize(std::min(largest_input + 1, std::max<std::size_t>(std::size_t{64} << 10, 2 * size)));
    auto const got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return unreadable(name, errno);
    if (got == 0) {
      text.resize(size);
      return text;
    }
    size += static_cast<std::size_t>(got);
  }
  return error(errc::configuration, name + " has more than 32 MiB, the most that a request may have");
}

result<void> require_text(std::string_view text, std::string const& name) {
  std::size_t at = 0;
  while (at < text.size() && text[at] != '\0') {
    auto const next = first_utf8_sequence(text.substr(at));
    if (!next.valid)
      break;
    at += next.size;
  }
  if (at == text.size())
    return {};
  return error(errc::configuration, name + " is not text in UTF-8 (see its byte " + std::to_string(at + 1) +
                                        "); images and PDF are attached with -f FILE");
}

result<std::string> read_standard_input() {
  std::string const name = "standard input";
  explain_silence();
  auto text = read_all(STDIN_FILENO, name);
  if (!text)
    return text.error();
  if (auto const checked = require_text(*text, name); !checked)
    return checked.error();
  return text;
}

} // namespace claudio::tool
