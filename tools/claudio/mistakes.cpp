#include "mistakes.hpp"

#include "terminal.hpp"

#include <claudio/models.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <vector>

namespace claudio::tool {
namespace {

// The command that the arguments lead to.
CLI::App const& reached(CLI::App const& app) {
  auto const* at = &app;
  for (auto next = at->get_subcommands(); !next.empty(); next = at->get_subcommands())
    at = next.front();
  return *at;
}

std::vector<std::string> commands_of(CLI::App const& app) {
  std::vector<std::string> names;
  for (auto const* command : app.get_subcommands([](CLI::App const*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

// A command takes the options of those above it too.
std::vector<std::string> options_of(CLI::App const* app) {
  std::vector<std::string> names;
  for (; app; app = app->get_parent())
    for (auto const* option : app->get_options())
      for (auto const& name : option->get_lnames())
        names.push_back("--" + name);
  return names;
}

std::string joined(std::vector<std::string> const& names) {
  std::string list;
  for (auto const& name : names)
    list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

std::string suggestion(std::string const& given, std::vector<std::string> const& names) {
  auto const near = nearest_name(given, names);
  return near ? "; did you mean " + *near + "?" : std::string();
}

std::string path_of(CLI::App const& app) {
  return app.get_parent() ? path_of(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

std::string describe(CLI::App const& app, CLI::Error const& failure) {
  bool const is_misfit = dynamic_cast<CLI::ExtrasError const*>(&failure) != nullptr ||
                         dynamic_cast<CLI::RequiredError const*>(&failure) != nullptr;
  if (!is_misfit)
    return failure.what();
  auto const& at = reached(app);
  auto const rest = app.remaining(true);
  auto const option =
      std::find_if(rest.begin(), rest.end(), [](auto const& text) { return text.size() > 1 && text[0] == '-'; });
  if (option != rest.end()) {
    auto const name = option->substr(0, option->find('='));
    return "there is no option " + name + suggestion(name, options_of(&at));
  }
  auto const commands = commands_of(at);
  if (commands.empty())
    return rest.empty() ? failure.what()
                        : "the argument \"" + rest.front() + "\" is one too many; a text with spaces needs quotes";
  if (rest.empty())
    return "A subcommand is required: " + joined(commands);
  auto const near = suggestion(rest.front(), commands);
  return "there is no command \"" + path_of(at) + " " + rest.front() + "\"" +
         (near.empty() ? "; the commands are " + joined(commands) : near);
}

} // namespace

std::string explain_mistake(CLI::App const& app, CLI::Error const& failure) {
  return "claudio: " + printable(describe(app, failure)) + "\nRun " + path_of(reached(app)) +
         " --help for more information.\n";
}

std::string no_such(std::string const& kind, std::string const& given, std::string const& names) {
  return "there is no " + kind + " \"" + given + "\"; it is one of " + names;
}

} // namespace claudio::tool
