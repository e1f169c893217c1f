#include "terminal.hpp"

#include "core/printable.hpp"
#include "visible_text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <termios.h>
#include <unistd.h>

namespace claudio::tool {
namespace {

volatile std::sig_atomic_t interrupted_by = 0;

// The terminal does not echo while this lives. A signal then ends a read instead of the program, which would leave the
// terminal so.
class no_echo {
public:
  no_echo() : is_set_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    auto silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (is_set_)
      ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    interrupted_by = 0;
    struct sigaction note {};
    note.sa_handler = [](int number) { interrupted_by = number; };
    for (std::size_t i = 0; i < signals.size(); ++i)
      ::sigaction(signals[i], &note, &actions_before_[i]);
  }
  no_echo(no_echo const&) = delete;
  no_echo& operator=(no_echo const&) = delete;
  ~no_echo() {
    for (std::size_t i = 0; i < signals.size(); ++i)
      ::sigaction(signals[i], &actions_before_[i], nullptr);
    if (is_set_)
      ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

  termios before_{};
  std::array<struct sigaction, signals.size()> actions_before_{};
  bool is_set_;
};

// One line of standard input; false when it was interrupted.
bool read_line(secret& line) {
  no_echo const hidden;
  std::size_t size = 0;
  while (size < line.size()) {
    auto const got = ::read(STDIN_FILENO, line.data() + size, line.size() - size);
    if (got < 0 && errno == EINTR)
      return false;
    if (got <= 0)
      break;
    size += static_cast<std::size_t>(got);
    if (line.reveal()[size - 1] == '\n')
      break;
  }
  line.shorten(size);
  return true;
}

std::size_t width(std::string_view text) {
  // Of UTF-8 each byte but those that go on with a character.
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

} // namespace

result<secret> ask_secretly(std::string const& question) {
  if (::isatty(STDIN_FILENO) == 0)
    return error(errc::configuration, "there is no terminal to ask for it");
  std::cerr << question << std::flush;
  constexpr std::size_t longest = 4095; // of a terminal's line
  auto line = secret::of_size(longest + 1);
  bool const answered = read_line(line);
  std::cerr << "\n";
  if (!answered) {
    std::raise(interrupted_by);
    return error(errc::configuration, "nothing was entered");
  }
  if (line.size() >= longest)
    return error(errc::configuration, "a terminal takes at most 4,094 characters in a line; use a file");
  return line;
}

bool confirm(std::string const& question) {
  if (::isatty(STDIN_FILENO) == 0)
    return false;
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::string printable(std::string_view text) { return visible(printable_line(text, '?')); }

void table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  for (auto const& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths.resize(std::max(widths.size(), i + 1));
      widths[i] = std::max(widths[i], width(row[i]));
    }
  for (auto const& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += printable(row[i]);
      if (i + 1 < row.size())
        line.append(widths[i] - width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
}

} // namespace claudio::tool
