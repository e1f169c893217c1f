#include "command_group.hpp"
#include "commands.hpp"
#include "configuration_file.hpp"
#include "terminal.hpp"

#include <boost/json/serializer.hpp>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace claudio::tool {
namespace json = boost::json;

namespace {

class config_arguments {
public:
  config_arguments() = default;

  std::string file;
  bool with_secrets = false;
  bool yes = false;
  bool force = false;
};

std::string counted(std::size_t added, std::size_t updated, std::string const& what) {
  return std::to_string(added) + " " + what + (added == 1 ? "" : "s") + " added, " + std::to_string(updated) +
         " updated";
}

result<void> import(config_arguments const& arguments, opened_store& opened) {
  auto config = read_configuration_file(arguments.file);
  if (!config)
    return config.error();
  auto const report = opened.run(opened.store().import_configuration(std::move(*config)));
  if (!report)
    return in_file(arguments.file, report.error());
  std::cerr << "claudio: " << counted(report->providers_added, report->providers_updated, "provider") << "; "
            << counted(report->models_added, report->models_updated, "model") << "\n";
  if (report->secrets_removed > 0)
    std::cerr << "claudio: note: stored secrets whose fields the file does not have were removed: "
              << report->secrets_removed << "\n";
  return {};
}

// Writes to a file through memory that is wiped.
class file_writer {
public:
  explicit file_writer(int file) : file_(file) {}

  void put(std::string_view piece) {
    while (!piece.empty()) {
      auto const part = std::min(piece.size(), buffer_.size() - used_);
      std::copy_n(piece.begin(), part, buffer_.data() + used_);
      used_ += part;
      piece.remove_prefix(part);
      if (used_ == buffer_.size())
        flush();
    }
  }

  void flush() {
    std::size_t done = 0;
    while (done < used_ && failure_ == 0) {
      auto const written = ::write(file_, buffer_.data() + done, used_ - done);
      if (written < 0 && errno != EINTR)
        failure_ = errno;
      done += written > 0 ? static_cast<std::size_t>(written) : 0;
    }
    used_ = 0;
  }

  /// 0, or the first failure's errno.
  int failure() const noexcept { return failure_; }

private:
  int file_;
  secret buffer_ = secret::of_size(4096);
  std::size_t used_ = 0;
  int failure_ = 0;
};

result<void> write_json(int file, json::value const& value, std::string const& name) {
  file_writer writer(file);
  write_pretty(value, [&](std::string_view piece) { writer.put(piece); });
  writer.put("\n");
  writer.flush();
  if (writer.failure() != 0)
    return error(errc::storage, "can't write " + name + ": " + std::generic_category().message(writer.failure()));
  return {};
}

error unwritable(std::string const& name) {
  return error(errc::storage, "can't write " + name + ": " + std::generic_category().message(errno));
}

// What is no regular file, such as a pipe, is written to as it is.
result<void> write_into(std::string const& path, json::value const& value, std::string const& name) {
  int const file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return unwritable(name);
  auto const written = write_json(file, value, name);
  ::close(file);
  return written;
}

result<void> write_file(std::string const& path, json::value const& value, bool force) {
  auto const name = "the file \"" + path + "\"";
  struct stat status {};
  bool const is_there = ::lstat(path.c_str(), &status) == 0;
  if (is_there && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
    return write_into(path, value, name);
  if (is_there && !force)
    return error(errc::configuration, name + " is there already; give --force to replace it");
  // Whole or not at all, and for its owner only.
  std::string temporary = path + ".XXXXXX";
  int const file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0)
    return unwritable(name);
  auto written = write_json(file, value, name);
  if (written && (::fsync(file) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0))
    written = unwritable(name);
  ::close(file);
  if (!written)
    ::unlink(temporary.c_str());
  return written;
}

result<void> export_to(config_arguments const& arguments, opened_store& opened) {
  if (arguments.with_secrets && !arguments.yes && !confirm("The file will have all keys in plain text. Write it?"))
    return error(errc::configuration, "nothing was written; at a terminal answer y, elsewhere give --yes");
  auto exported = opened.run(opened.store().export_configuration(arguments.with_secrets));
  if (!exported)
    return exported.error();
  json::value const config(std::move(*exported));
  if (arguments.file == "-")
    return write_json(STDOUT_FILENO, config, "to standard output");
  return write_file(arguments.file, config, arguments.force);
}

} // namespace

void add_config(CLI::App& app, store_choice const& choice, int& exit_status) {
  command_group<config_arguments> group(app, "config", "The database's providers and models as a configuration file",
                                        choice, exit_status);
  auto& arguments = group.arguments();
  group
      .add("import", "Adds the providers and models of a file, and replaces those of the same name; keys are encrypted",
           &import, missing_database::ask)
      ->add_option("FILE", arguments.file, "A configuration file, or - for standard input")
      ->required()
      ->type_name("");
  auto* exporting = group.add("export", "Writes all providers and models, without keys, to a file", &export_to);
  exporting->add_option("FILE", arguments.file, "The file to be made, or - for standard output")
      ->required()
      ->type_name("");
  exporting->add_flag("--with-secrets", arguments.with_secrets, "Write the keys too, in plain text; asks first");
  exporting->add_flag("--yes", arguments.yes, "Do not ask");
  exporting->add_flag("--force", arguments.force, "Replace the file if it is there");
}

} // namespace claudio::tool
