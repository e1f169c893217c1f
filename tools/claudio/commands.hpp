#pragma once

#include <claudio/error.hpp>

#include <string>

namespace CLI {
class App;
}

/// The subcommands of the program. Each adds itself to the command line; its callback sets the exit status, one of
/// those below (docs/command-line.md).
namespace claudio::tool {

constexpr int success = 0;
constexpr int work_failed = 1;
constexpr int usage_error = 2; ///< or a wrong configuration
constexpr int incomplete = 3;  ///< an answer is there, but not all of it: cut off, refused, filtered, paused
constexpr int by_signal = 128; ///< and the signal's number; the program then ends by that signal

class store_choice;

void add_chat(CLI::App& app, store_choice const& choice, int& exit_status);
void add_config(CLI::App& app, store_choice const& choice, int& exit_status);
void add_fake_server(CLI::App& app, int& exit_status);
void add_model(CLI::App& app, store_choice const& choice, int& exit_status);
void add_provider(CLI::App& app, store_choice const& choice, int& exit_status);
void add_secret(CLI::App& app, store_choice const& choice, int& exit_status);
void add_store(CLI::App& app, store_choice const& choice, int& exit_status);
void add_translate(CLI::App& app, int& exit_status);

/// Prints an error and what to do about it on standard error, and gives the exit status for it.
int report(error const& failure);
/// The same without advice, in one line.
int report_line(error const& failure);

} // namespace claudio::tool
