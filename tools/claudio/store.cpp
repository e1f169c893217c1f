#include "command_group.hpp"
#include "commands.hpp"
#include "terminal.hpp"

#include <iostream>

namespace claudio::tool {

namespace {

class store_arguments {
public:
  store_arguments() = default;

  std::string from;
  std::string to;
  std::vector<std::string> to_keys;
  bool merge = false;
  bool yes = false;
};

std::string counted(std::size_t count, std::string const& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string summary(store_content const& content) {
  return counted(content.providers.size(), "provider") + ", " + counted(content.models.size(), "model") + " and " +
         counted(content.secrets.size(), "secret");
}

result<void> upgrade(store_arguments const& arguments, opened_store& opened, store_content const& content) {
  std::cerr << "claudio: the database is of format " << content.format << " and becomes one of format "
            << content.newest_format << ". Versions of claudio that know format " << content.format
            << " only can't use it any more, running processes included; let all machines have this version first\n";
  // SQLite's file is copied.
  if (opened.is_on_server() && !arguments.yes &&
      !confirm("There is no way back but a backup (pg_dump --schema=claudio). Go on?"))
    return error(errc::configuration, "nothing was changed; at a terminal answer y, elsewhere give --yes");
  auto const report = opened.run(opened.store().migrate());
  if (!report)
    return report.error();
  if (!report->backup.empty())
    std::cerr << "claudio: as it was before, the database is in " << report->backup
              << "; remove it when all is well, since it is under the same keys\n";
  for (auto const& known : report->failed)
    std::cerr << "claudio: note: the secret " << known.provider << " " << known.field
              << " could not be decrypted before either; set it again\n";
  for (auto const& name : report->refused)
    std::cerr << "claudio: note: the provider " << name
              << " was changed by something else than claudio, and stays unusable: claudio provider accept " << name
              << "\n";
  return {};
}

// Opening makes it.
int run_create(store_choice const& choice) {
  auto const url = url_of(choice);
  if (!url)
    return report_line(url.error());
  bool const is_file = url->starts_with("sqlite:");
  if (is_file && !is_missing(*url))
    return report_line(
        error(errc::configuration, "the database " + url->substr(url->find(':') + 1) + " is there already"));
  auto const tell = [](opened_store& opened) -> result<void> {
    auto const content = opened.run(opened.store().content());
    if (!content)
      return content.error();
    std::cerr << "claudio: the database is ready; it has " << summary(*content)
              << (content->providers.empty() ? "; add one: claudio provider add anthropic\n" : "\n");
    return {};
  };
  return with_store(choice, tell, missing_database::make);
}

result<void> migrate(store_arguments const& arguments, opened_store& opened) {
  auto const content = opened.run(opened.store().content());
  if (!content)
    return content.error();
  if (content->format < content->newest_format)
    if (auto const upgraded = upgrade(arguments, opened, *content); !upgraded)
      return upgraded;
  std::cerr << "the database's tables are this version's; it has " << summary(*content) << "\n";
  return {};
}

result<void> copy(store_arguments const& arguments, opened_store& from, opened_store& to) {
  auto const there = to.run(to.store().content());
  if (!there)
    return there.error();
  if (!arguments.merge && !(there->providers.empty() && there->models.empty()))
    return error(errc::configuration, "the database that is copied to has " + summary(*there) +
                                          " already; --merge adds to them, and replaces those of the same name");
  auto exported = from.run(from.store().export_configuration(true));
  if (!exported)
    return exported.error();
  if (exported->at("providers").as_array().empty() && exported->at("models").as_array().empty())
    return error(errc::configuration, "there is nothing to copy: the database has no providers and no models");
  if (auto const imported = to.run(to.store().import_configuration(std::move(*exported))); !imported)
    return imported.error();
  auto const content = to.run(to.store().content());
  if (!content)
    return content.error();
  std::cerr << "copied; the database has " << summary(*content) << "\n";
  return {};
}

int run_copy(store_choice const& choice, store_arguments const& arguments) {
  store_choice source = choice;
  source.url = arguments.from;
  store_choice target = choice;
  target.url = arguments.to;
  if (!arguments.to_keys.empty())
    target.keys = arguments.to_keys;
  if (is_missing(arguments.from))
    return report_line(
        error(errc::configuration, "there is no database " + arguments.from.substr(arguments.from.find(':') + 1)));
  opened_store from(source);
  opened_store to(target);
  auto done = from.open();
  if (done)
    done = to.open(missing_database::make);
  if (done)
    done = copy(arguments, from, to);
  return done ? success : report_line(done.error());
}

} // namespace

void add_store(CLI::App& app, store_choice const& choice, int& exit_status) {
  command_group<store_arguments> group(app, "store", "The database itself", choice, exit_status);
  auto& arguments = group.arguments();
  group.add_own("create", "Makes the database; of SQLite also its key file, if --key names no other key",
                [&choice](store_arguments const&) { return run_create(choice); });
  group
      .add("migrate",
           "Brings the tables of an older version to this version's format, as no other command does; of a file it "
           "makes a copy first, on a server it asks",
           &migrate)
      ->add_flag("--yes", arguments.yes, "Do not ask");
  auto* copying =
      group.add_own("copy", "Copies all providers, models and keys to another database, encrypted with that one's key",
                    [&choice](store_arguments const& given) { return run_copy(choice, given); });
  copying->add_option("FROM", arguments.from, "The database that is copied, as in --store")->required()->type_name("");
  copying->add_option("TO", arguments.to, "The database that is copied to")->required()->type_name("");
  copying
      ->add_option("--to-key", arguments.to_keys,
                   "Where the keys of TO are, as in --key, which are those of FROM. Default: as for FROM")
      ->allow_extra_args(false)
      ->type_name("SOURCE");
  copying->add_flag(
      "--merge", arguments.merge,
      "Copy though TO has entries; those of the same name are replaced, but keep keys that FROM has none for");
}

} // namespace claudio::tool
