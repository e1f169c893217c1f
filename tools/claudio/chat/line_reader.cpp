#include "line_reader.hpp"

#include <cerrno>
#include <csignal>
#include <iostream>
#include <poll.h>
#include <unistd.h>

namespace claudio::tool {
namespace {

// Reads what the terminal gives in its canonical mode: whole lines, of which Linux keeps the first 4,095 characters.
class plain_reader : public line_reader {
public:
  explicit plain_reader(signal_pipe& signals) : signals_(signals) {}

  line read(std::string const& prompt) override {
    std::cerr << prompt << std::flush;
    while (true) {
      if (auto const end = read_.find('\n'); end != std::string::npos) {
        line entered(end < longest ? line_end::entered : line_end::cut_off, read_.substr(0, end));
        read_.erase(0, end + 1);
        return entered;
      }
      if (int const number = wait()) {
        read_.clear();
        line ended(number == SIGINT ? line_end::interrupted : line_end::terminated);
        ended.signal_number = number;
        return ended;
      }
      char piece[4096];
      auto const got = ::read(STDIN_FILENO, piece, sizeof piece);
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return line(line_end::end_of_input);
      read_.append(piece, static_cast<std::size_t>(got));
    }
  }

  void remember(std::string const&) override {}
  void suspend() override { ::raise(SIGSTOP); }

private:
  static constexpr std::size_t longest = 4095;

  // Until there is input: 0, or until a signal came that ends the line.
  int wait() {
    while (true) {
      struct pollfd both[] = {{STDIN_FILENO, POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}};
      ::poll(both, 2, -1);
      while (int const number = signals_.take()) {
        if (number == SIGINT || number == SIGTERM || number == SIGHUP)
          return number;
        if (number == SIGTSTP)
          suspend();
      }
      if (both[0].revents != 0)
        return 0;
    }
  }

  signal_pipe& signals_;
  std::string read_;
};

} // namespace

#ifndef CLAUDIO_HAS_LIBEDIT
std::unique_ptr<line_reader> make_editing_reader(signal_pipe&) { return nullptr; }
#endif

std::unique_ptr<line_reader> make_line_reader(signal_pipe& signals) {
  if (auto editing = make_editing_reader(signals))
    return editing;
  return std::make_unique<plain_reader>(signals);
}

} // namespace claudio::tool
