#include "core/secret_file.hpp"
#include "observe/key_file.hpp"
#include "vault/cipher.hpp"

#include <claudio/vault.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace claudio {
namespace {

constexpr std::size_t most = 1024 * 1024; // bytes of keys
constexpr unsigned least_cost = 10;       // of scrypt
constexpr unsigned most_cost = 24;

class descriptor {
public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor const&) = delete;
  descriptor& operator=(descriptor const&) = delete;
  ~descriptor() { close(); }

  int number() const noexcept { return number_; }
  void close() noexcept {
    if (number_ >= 0)
      ::close(std::exchange(number_, -1));
  }

private:
  int number_;
};

error fault(std::string const& message) { return error(errc::vault, message); }
error system_fault(std::string const& what, int reason) {
  return fault(what + ": " + std::generic_category().message(reason));
}

result<std::vector<secret>> parse_keys(secret const& text, std::string const& name) {
  std::vector<secret> keys;
  auto rest = text.reveal();
  for (unsigned line = 1; !rest.empty(); ++line) {
    auto const end = std::min(rest.find('\n'), rest.size());
    auto words = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    words.remove_prefix(std::min(words.find_first_not_of(" \t\r"), words.size()));
    words = words.substr(0, words.find_last_not_of(" \t\r") + 1);
    if (words.empty() || words.front() == '#')
      continue;
    auto key = cipher::decode_key(words);
    if (!key)
      return fault(name + ", line " + std::to_string(line) + ": " + key.error().message());
    keys.push_back(std::move(*key));
  }
  if (keys.empty())
    return fault(name + " has no key in it; make one: head -c 32 /dev/urandom | base64");
  return keys;
}

result<std::vector<secret>> parse_keys(result<secret> const& text, std::string const& name) {
  return text ? parse_keys(*text, name) : fault(text.error().message());
}

result<std::vector<secret>> keys_of_file(std::string const& path) {
  auto const name = "the key file \"" + path + "\"";
  return parse_keys(read_key_file(path, name), name);
}

// Keys that the caller has are not the command's business.
std::vector<char*> environment_of_commands() {
  constexpr std::string_view master_key = "CLAUDIO_MASTER_KEY=";
  std::vector<char*> variables;
  for (char** variable = environ; variable && *variable; ++variable)
    if (!std::string_view(*variable).starts_with(master_key))
      variables.push_back(*variable);
  variables.push_back(nullptr);
  return variables;
}

result<std::vector<secret>> run_key_command(std::string const& command) {
  // Its arguments may have a credential among them.
  auto const end = std::min(command.find_first_of(" \t\n"), command.size());
  auto const name = "the key command \"" + command.substr(0, end) + (end < command.size() ? " …" : "") + "\"";
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return system_fault("can't run " + name, errno);
  descriptor output(ends[0]);
  descriptor input(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.number(), STDOUT_FILENO);
  // The thread of a store blocks all signals; a command has to end when it is told to.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::string shell = "sh";
  std::string option = "-c";
  std::string line = command;
  char* const arguments[] = {shell.data(), option.data(), line.data(), nullptr};
  auto const environment = environment_of_commands();
  pid_t child = 0;
  int const refused = ::posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (refused != 0)
    return system_fault("can't run " + name, refused);
  input.close();
  auto const text = read_secret(output.number(), "the output of " + name, most);
  // Else a command that says more would wait for ever.
  output.close();
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text)
    return fault(text.error().message());
  if (!WIFEXITED(status))
    return fault(name + " was ended by a signal");
  if (WEXITSTATUS(status) != 0)
    return fault(name + " failed with exit status " + std::to_string(WEXITSTATUS(status)));
  return parse_keys(text, "the output of " + name);
}

} // namespace

key_source key_source::file(std::string path) {
  return key_source([path = std::move(path)](std::string_view) { return keys_of_file(path); });
}

key_source key_source::environment(std::string name) {
  return key_source([name = std::move(name)](std::string_view) -> result<std::vector<secret>> {
    char const* const value = std::getenv(name.c_str());
    auto const described = "the environment variable " + name;
    if (!value || *value == '\0')
      return fault(described + " is not set");
    return parse_keys(secret::copy_of(value), described);
  });
}

key_source key_source::text(secret keys, std::string name) {
  return key_source(
      [keys = std::move(keys), name = std::move(name)](std::string_view) { return parse_keys(keys, name); });
}

key_source key_source::command(std::string command_line) {
  return key_source([command = std::move(command_line)](std::string_view) { return run_key_command(command); });
}

key_source key_source::passphrase(secret passphrase, unsigned own_cost) {
  reader derive = [passphrase = std::move(passphrase), own_cost](std::string_view salt,
                                                                 unsigned cost) -> result<std::vector<secret>> {
    if (passphrase.empty())
      return fault("the passphrase is empty");
    if (own_cost < least_cost || own_cost > most_cost)
      return fault("the cost of a passphrase is from 10 to 24, got " + std::to_string(own_cost));
    if (cost < least_cost || cost > std::max(own_cost, default_cost))
      return fault("the database says that its passphrase has the cost " + std::to_string(cost) + "; from " +
                   std::to_string(least_cost) + " to " + std::to_string(std::max(own_cost, default_cost)) +
                   " is accepted, and somebody may have changed it");
    if (salt.size() < 16)
      return fault("a passphrase needs a salt of at least 16 bytes");
    auto key = cipher::derive_key(passphrase, salt, cost);
    if (!key)
      return key.error();
    std::vector<secret> keys;
    keys.push_back(std::move(*key));
    return keys;
  };
  return key_source(std::move(derive), own_cost);
}

secret make_encryption_key() {
  secret key = secret::of_size(cipher::key_size);
  cipher::fill_random({key.data(), key.size()});
  return cipher::encode_key(key);
}

} // namespace claudio
