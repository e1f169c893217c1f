#pragma once

#include <claudio/error.hpp>

#include <string>

namespace CLI {
class App;
}

/// The subcommands of the program. Each adds itself to the command line; its callback sets the exit status:
/// 0, 1 (the work failed) or 2 (usage or configuration).
namespace claudio::tool {

constexpr int success = 0;
constexpr int work_failed = 1;
constexpr int usage_error = 2;

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

} // namespace claudio::tool
