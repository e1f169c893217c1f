#include "chat/signals.hpp"
#include "commands.hpp"
#include "mistakes.hpp"
#include "store_access.hpp"

#include <claudio/log.hpp>
#include <claudio/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <unistd.h>

namespace {

std::optional<claudio::log_level> find_level(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  std::map<std::string, claudio::log_level> const levels{
      {"debug", claudio::log_level::debug},     {"info", claudio::log_level::info},
      {"warning", claudio::log_level::warning}, {"warn", claudio::log_level::warning},
      {"error", claudio::log_level::error},     {"off", claudio::log_level::off}};
  auto const found = levels.find(name);
  return found == levels.end() ? std::nullopt : std::optional(found->second);
}

// A file or a socket that takes the number of a closed standard stream would be read or written for it. Reading then
// gives nothing, and writing fails.
void open_standard_streams() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number)
    if (::fcntl(number, F_GETFD) < 0)
      ::open("/dev/null", O_RDONLY);
}

} // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  CLI::App app("Talks to Anthropic's Claude models.", "claudio");
  app.set_version_flag("--version", "claudio " CLAUDIO_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(34);
  app.failure_message(
      [](CLI::App const* at, CLI::Error const& failure) { return claudio::tool::explain_mistake(*at, failure); });

  std::string level;
  app.add_option("--log-level", level, "What to log on standard error: debug, info, warning (default), error, off")
      ->check([](std::string const& given) {
        return find_level(given) ? std::string()
                                 : claudio::tool::no_such("level", given, "debug, info, warning, error, off");
      })
      ->type_name("LEVEL");
  app.parse_complete_callback([&] {
    // Else the environment says.
    if (auto const given = find_level(level))
      claudio::set_log_level(*given);
    claudio::tool::take_variables();
  });

  int exit_status = claudio::tool::success;
  claudio::tool::store_choice choice;
  claudio::tool::add_store_options(app, choice);
  claudio::tool::add_chat(app, choice, exit_status);
  claudio::tool::add_provider(app, choice, exit_status);
  claudio::tool::add_model(app, choice, exit_status);
  claudio::tool::add_secret(app, choice, exit_status);
  claudio::tool::add_config(app, choice, exit_status);
  claudio::tool::add_store(app, choice, exit_status);
  claudio::tool::add_translate(app, exit_status);
  claudio::tool::add_fake_server(app, exit_status);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& stop) {
    // Help and version end the parse too, with status 0.
    return app.exit(stop) == 0 ? claudio::tool::success : claudio::tool::usage_error;
  } catch (std::exception const& unexpected) {
    std::cerr << "claudio: " << unexpected.what() << "\n";
    return claudio::tool::work_failed;
  }
  if (exit_status > claudio::tool::by_signal)
    claudio::tool::die_by(exit_status - claudio::tool::by_signal);
  return exit_status;
}
