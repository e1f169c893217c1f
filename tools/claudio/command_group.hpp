#pragma once

#include "commands.hpp"
#include "entries.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

namespace claudio::tool {

/// A command with subcommands that all work on an open store, and share their arguments.
template <class Arguments>
class command_group {
public:
  using action = result<void> (*)(Arguments const& arguments, opened_store& opened);

  command_group(CLI::App& app, std::string const& name, std::string const& what, store_choice const& choice,
                int& exit_status)
      : group_(app.add_subcommand(name, what)), choice_(choice), exit_status_(exit_status),
        arguments_(std::make_shared<Arguments>()) {
    group_->require_subcommand(1);
  }

  Arguments& arguments() noexcept { return *arguments_; }

  CLI::App* add(std::string const& name, std::string const& what, action act,
                missing_database when_missing = missing_database::refuse) {
    return add_own(name, what, [act, when_missing, &choice = choice_](Arguments const& given) {
      return with_store(
          choice, [&](opened_store& opened) { return act(given, opened); }, when_missing);
    });
  }
  /// One that opens the store itself; `run` gives the exit status.
  template <class Run>
  CLI::App* add_own(std::string const& name, std::string const& what, Run run) {
    auto* const made = group_->add_subcommand(name, what);
    made->callback([run, arguments = arguments_, &exit_status = exit_status_] { exit_status = run(*arguments); });
    return made;
  }

private:
  CLI::App* group_;
  store_choice const& choice_;
  int& exit_status_;
  std::shared_ptr<Arguments> arguments_;
};

/// What the commands on providers and on models are given.
class entry_arguments {
public:
  entry_arguments() = default;

  std::string name;
  std::vector<std::string> set;
  std::vector<std::string> unset;
  bool json = false;
};

inline CLI::App* with_name(CLI::App* command, entry_arguments& arguments, std::string const& what) {
  command->add_option("NAME", arguments.name, what)->required()->type_name("");
  return command;
}

inline CLI::App* with_set(CLI::App* command, entry_arguments& arguments, std::string const& fields) {
  command
      ->add_option("--set", arguments.set, "A field of " + fields + "; VALUE is JSON, or else a text. May be repeated")
      ->allow_extra_args(false)
      ->type_name("FIELD=VALUE");
  return command;
}

inline CLI::App* with_unset(CLI::App* command, entry_arguments& arguments) {
  command->add_option("--unset", arguments.unset, "A field to be removed. May be repeated")
      ->allow_extra_args(false)
      ->type_name("FIELD");
  return command;
}

} // namespace claudio::tool
