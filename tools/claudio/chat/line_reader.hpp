#pragma once

#include "signals.hpp"

#include <memory>
#include <string>

namespace claudio::tool {

/// How the reading of a line ended.
enum class line_end {
  entered,
  end_of_input, ///< Ctrl-D in an empty line
  interrupted,  ///< Ctrl-C; the text is what was given up
  terminated,   ///< SIGTERM or SIGHUP
  cut_off       ///< the terminal has kept only the line's begin
};

/// A line that was read from a terminal.
class line {
public:
  explicit line(line_end how, std::string entered = std::string()) : end(how), text(std::move(entered)) {}

  line_end end;
  std::string text;        ///< in UTF-8, without its end; may have several lines, when it was pasted
  bool is_literal = false; ///< a text for the model, whatever it begins with
  int signal_number = 0;   ///< of `terminated`
};

/// Reads lines from the terminal that standard input is.
class line_reader {
public:
  line_reader() = default;
  line_reader(line_reader const&) = delete;
  line_reader& operator=(line_reader const&) = delete;
  virtual ~line_reader() = default;

  /// Shows the prompt on standard error and reads a line.
  virtual line read(std::string const& prompt) = 0;
  /// Offers an entry when the user goes back by Up.
  virtual void remember(std::string const& entry) = 0;
  /// Stops the program, as Ctrl-Z asks for, and puts the terminal in order before and after.
  virtual void suspend() = 0;
};

/// One that edits and remembers, where libedit was there at build time and the terminal can do it, else one that reads
/// lines as the terminal gives them. `signals` has SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT and SIGWINCH.
std::unique_ptr<line_reader> make_line_reader(signal_pipe& signals);

/// The one that edits; null where there is none.
std::unique_ptr<line_reader> make_editing_reader(signal_pipe& signals);

} // namespace claudio::tool
