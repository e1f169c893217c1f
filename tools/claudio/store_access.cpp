#include "store_access.hpp"

#include "core/lower_case.hpp"
#include "core/object_reader.hpp"
#include "core/secret_file.hpp"
#include "key_file.hpp"
#include "observe/key_file.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string.h> // explicit_bzero is not in <cstring>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace claudio::tool {
namespace {

constexpr std::string_view sqlite = "sqlite:";
constexpr char const* key_variable = "CLAUDIO_MASTER_KEY";
constexpr char const* store_variable = "CLAUDIO_STORE";

std::string default_folder() {
  char const* const configured = std::getenv("XDG_CONFIG_HOME");
  if (configured && *configured == '/')
    return std::string(configured) + "/claudio";
  char const* const home = std::getenv("HOME");
  return home && *home == '/' ? std::string(home) + "/.config/claudio" : std::string();
}

bool exists(std::string const& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

result<void> make_folder(std::string const& path) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
    ::mkdir(path.substr(0, end).c_str(), 0700);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return error(errc::storage, "can't make the folder \"" + path + "\": " + std::generic_category().message(errno));
  return {};
}

// Beside the database: claudio.db.key for claudio.db.
std::string key_file_beside(std::string const& url) { return url.substr(std::min(sqlite.size(), url.size())) + ".key"; }

// Taken out of the environment, whose memory a core dump shows and children inherit. It may be meant again, for another
// database.
secret take_variable(std::string const& name) {
  static std::map<std::string, secret> taken;
  if (char* const value = std::getenv(name.c_str())) {
    taken[name] = secret::copy_of(value);
    ::explicit_bzero(value, taken[name].size());
    ::unsetenv(name.c_str());
  }
  return taken[name];
}

result<key_source> from_variable(std::string const& name) {
  auto const keys = take_variable(name);
  if (keys.empty())
    return error(errc::configuration, "the environment variable " + name + " is not set");
  return key_source::text(keys, "the environment variable " + name);
}

result<key_source> read_passphrase(std::string_view from) {
  auto const trimmed = [](result<secret> text, std::string const& name) -> result<key_source> {
    if (text)
      text = without_trailing_space(std::move(*text), name);
    if (!text)
      return text.error();
    return key_source::passphrase(std::move(*text));
  };
  if (from.starts_with("env:")) {
    std::string const name(from.substr(4));
    return trimmed(take_variable(name), "the environment variable " + name);
  }
  if (from.starts_with("file:")) {
    std::string const path(from.substr(5));
    auto const name = "the file \"" + path + "\"";
    return trimmed(read_key_file(path, name), name);
  }
  if (!from.empty())
    return configuration_fault("--key", "expected passphrase, passphrase:env:NAME or passphrase:file:PATH");
  return trimmed(ask_secretly("Passphrase of the database: "), "the passphrase");
}

result<key_source> parse_source(std::string const& given) {
  auto const kind = given.substr(0, given.find(':'));
  auto const rest = given.substr(std::min(kind.size() + 1, given.size()));
  if (kind == "passphrase")
    return read_passphrase(rest);
  if (kind == "file" && !rest.empty())
    return key_source::file(rest);
  if (kind == "env" && !rest.empty())
    return from_variable(rest);
  if (kind == "command" && !rest.empty())
    return key_source::command(rest);
  return configuration_fault("--key", "expected file:PATH, env:NAME, command:COMMAND or passphrase");
}

result<std::vector<key_source>> given_sources(std::vector<std::string> const& given) {
  std::vector<key_source> sources;
  for (auto const& text : given) {
    auto source = parse_source(text);
    if (!source)
      return source.error();
    sources.push_back(std::move(*source));
  }
  return sources;
}

// A key of its own for a database that is new; one that is there has its key somewhere already.
result<std::vector<key_source>> default_sources(std::string const& url) {
  if (!take_variable(key_variable).empty())
    return given_sources({std::string("env:") + key_variable});
  if (!url.starts_with(sqlite))
    return error(errc::configuration,
                 "say where the keys of this database are with --key or " + std::string(key_variable) +
                     "; a new one is made by: (umask 077; head -c 32 /dev/urandom | base64 > claudio.key), "
                     "and given as --key file:claudio.key. All who use the database need it");
  auto const file = key_file_beside(url);
  auto const database = url.substr(sqlite.size());
  if (!exists(file)) {
    if (exists(database))
      return error(errc::vault, "the key file \"" + file +
                                    "\" of the database is not there; put it back, or name where " +
                                    "its keys are with --key or " + key_variable);
    auto const made = make_key_file(file);
    if (!made)
      return made.error();
    if (*made)
      std::cerr << "claudio: made the key file " << file
                << "; keep a copy of it: without it the stored API keys are lost\n";
  }
  return std::vector<key_source>{key_source::file(file)};
}

} // namespace

void add_store_options(CLI::App& app, store_choice& choice) {
  app.add_option(
         "--store", choice.url,
         "The database of providers, models and keys: sqlite:PATH or postgresql://USER@HOST/DATABASE. Default: "
         "$XDG_CONFIG_HOME/claudio/claudio.db (~/.config), which is made on first use; others are made by store "
         "create")
      ->envname(store_variable)
      ->type_name("URL");
  app.add_option("--key", choice.keys,
                 "Where its key-encryption keys are: file:PATH, env:NAME, command:COMMAND, passphrase (asks), "
                 "passphrase:env:NAME or passphrase:file:PATH. May be repeated: a rotation goes to the first. "
                 "Default: CLAUDIO_MASTER_KEY, else, of SQLite, the database's name with .key behind it")
      ->allow_extra_args(false)
      ->type_name("SOURCE");
}

result<std::string> url_of(store_choice const& choice) {
  if (!choice.url.empty())
    return with_lower_scheme(without_trailing_space(choice.url)); // which may come from the environment
  auto const folder = default_folder();
  if (folder.empty())
    return error(errc::configuration,
                 "neither HOME nor XDG_CONFIG_HOME is set, so there is no default database; name one with --store");
  return std::string(sqlite) + folder + "/claudio.db";
}

opened_store::opened_store(store_choice const& choice) : choice_(choice) {}

result<void> opened_store::open(missing_database when_missing) {
  auto const url = url_of(choice_);
  if (!url)
    return url.error();
  if (url->starts_with(sqlite) ? url->size() == sqlite.size() || (*url)[sqlite.size()] == ':'
                               : !url->starts_with("postgresql://") && !url->starts_with("postgres://"))
    return configuration_fault("--store", "expected sqlite:PATH or postgresql://USER@HOST/DATABASE");
  if (!choice_.url.empty() && is_missing(*url) && when_missing != missing_database::make) {
    auto const fault = missing_fault(*url);
    if (when_missing == missing_database::refuse || !confirm(fault.message() + "\nMake it now?"))
      return fault;
  }
  if (choice_.url.empty())
    if (auto const made = make_folder(default_folder()); !made)
      return made;
  auto sources = choice_.keys.empty() ? default_sources(*url) : given_sources(choice_.keys);
  if (!sources)
    return sources.error();
  auto opened = run(claudio::store::open(context_.get_executor(), *url, std::move(*sources)));
  if (!opened)
    return opened.error();
  store_ = std::move(*opened);
  is_on_server_ = !url->starts_with(sqlite);
  return {};
}

void take_variables() {
  take_variable(store_variable);
  take_variable(key_variable);
}

bool is_missing(std::string const& given) {
  auto const url = with_lower_scheme(without_trailing_space(given));
  return url.starts_with(sqlite) && !exists(url.substr(sqlite.size()));
}

error missing_fault(std::string const& url) {
  bool const is_plain = url.find_first_of(" \t'\"$&;|<>()*?[]#~`\\!{}") == std::string::npos;
  return error(errc::configuration, "there is no database " + url.substr(sqlite.size()) +
                                        "; if the name is right, make it: claudio --store " + (is_plain ? url : "URL") +
                                        " store create");
}

bool has_default_store() {
  auto const folder = default_folder();
  return !folder.empty() && exists(folder + "/claudio.db");
}

result<std::string> key_file_of(store_choice const& choice) {
  constexpr std::string_view file = "file:";
  if (choice.keys.size() == 1 && choice.keys.front().starts_with(file))
    return choice.keys.front().substr(file.size());
  auto const url = url_of(choice);
  if (!url)
    return url.error();
  auto const beside = url->starts_with(sqlite) ? key_file_beside(*url) : std::string();
  if (choice.keys.empty() && take_variable(key_variable).empty() && exists(beside))
    return beside;
  return error(errc::configuration,
               "the keys do not come from one key file; put a new key in front where they are, give "
               "the old one too, and run secret rotate");
}

} // namespace claudio::tool
