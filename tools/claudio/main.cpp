#include "commands.hpp"
#include "store_access.hpp"

#include <claudio/log.hpp>
#include <claudio/version.hpp>

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>
#include <map>

int main(int argc, char** argv) {
  CLI::App app("Talks to Anthropic's Claude models.", "claudio");
  app.set_version_flag("--version", "claudio " CLAUDIO_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(34);

  auto level = claudio::log_level::warning;
  std::map<std::string, claudio::log_level> const levels{{"debug", claudio::log_level::debug},
                                                         {"info", claudio::log_level::info},
                                                         {"warning", claudio::log_level::warning},
                                                         {"error", claudio::log_level::error},
                                                         {"off", claudio::log_level::off}};
  auto* const level_option =
      app.add_option("--log-level", level, "What to log on standard error: debug, info, warning (default), error, off");
  level_option->transform(CLI::CheckedTransformer(levels, CLI::ignore_case).description(""))->type_name("LEVEL");
  app.parse_complete_callback([&] {
    // Else the environment says.
    if (level_option->count() > 0)
      claudio::set_log_level(level);
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
  return exit_status;
}
