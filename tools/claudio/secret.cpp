#include "command_group.hpp"
#include "commands.hpp"
#include "key_file.hpp"
#include "terminal.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <iostream>
#include <optional>
#include <set>

namespace claudio::tool {
namespace json = boost::json;

namespace {

class secret_arguments {
public:
  secret_arguments() = default;

  std::string provider;
  std::string field = "api_key";
  secret_input from;
  bool json = false;
  bool new_key = false;
  bool forget_old = false;
};

std::string joined(std::vector<std::string> const& places) {
  std::string text;
  for (auto const& place : places)
    text.append(text.empty() ? "" : ", ").append(place);
  return text;
}

std::string place_of(stored_secret const& known) { return known.provider + " " + known.field; }

error failed(std::size_t count, std::string const& what) {
  return error(errc::storage, std::to_string(count) + (count == 1 ? " secret " : " secrets ") + what);
}

void show_faults(std::vector<stored_secret> const& faulty) {
  for (auto const& known : faulty)
    std::cerr << "claudio: " << place_of(known) << ": " << known.fault->message() << "\n";
}

result<void> set(secret_arguments const& arguments, opened_store& opened) {
  // Before anybody types a key in vain.
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  if (auto const provider = require_entry("provider", all->providers, arguments.provider); !provider)
    return provider.error();
  auto text = read_input(arguments.from, arguments.field + " for " + arguments.provider + " (not shown): ");
  if (!text)
    return text.error();
  auto const hint = text->hint();
  auto const same_as =
      opened.run(opened.store().set_secret(arguments.provider, named_secret(arguments.field, std::move(*text))));
  if (!same_as)
    return same_as.error();
  std::cerr << "claudio: set " << arguments.field << " of " << arguments.provider << " to " << hint << "\n";
  if (!same_as->empty())
    std::cerr << "claudio: note: the same is stored for " << joined(*same_as) << "\n";
  return {};
}

json::object as_json(stored_secret const& known) {
  json::object out;
  out["provider"] = known.provider;
  out["field"] = known.field;
  out["hint"] = known.hint;
  out["version"] = known.version;
  out["key_id"] = known.key_id;
  out["created_at"] = date_of(known.created);
  out["updated_at"] = date_of(known.updated);
  out["same_as"] = json::array(known.same_as.begin(), known.same_as.end());
  out["fault"] = known.fault ? json::value(json::string_view(known.fault->message())) : json::value(nullptr);
  return out;
}

result<void> list(secret_arguments const& arguments, opened_store& opened) {
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  if (arguments.json) {
    json::array out;
    for (auto const& known : all->secrets)
      out.push_back(as_json(known));
    print_json(out);
    return {};
  }
  if (all->secrets.empty()) {
    std::cerr << "claudio: no secret yet; set one: claudio secret set PROVIDER\n";
    return {};
  }
  table shown({"PROVIDER", "FIELD", "SECRET", "VERSION", "ENCRYPTED WITH", "UPDATED (UTC)", "SAME AS"});
  for (auto const& known : all->secrets)
    shown.add({known.provider, known.field, known.fault ? "(can't be decrypted)" : known.hint,
               std::to_string(known.version), known.key_id.empty() ? "?" : known.key_id, minute_of(known.updated),
               joined(known.same_as)});
  shown.print(std::cout);
  return {};
}

result<void> check(secret_arguments const&, opened_store& opened) {
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  std::vector<stored_secret> faulty;
  std::copy_if(all->secrets.begin(), all->secrets.end(), std::back_inserter(faulty),
               [](stored_secret const& known) { return known.fault.has_value(); });
  show_faults(faulty);
  print_faults(all->providers);
  if (!secrets_are_locked())
    std::cerr << "claudio: note: this process may lock too little memory (ulimit -l) to keep secrets out of swap "
                 "space\n";
  if (!faulty.empty())
    return failed(faulty.size(), "of " + std::to_string(all->secrets.size()) + " can't be decrypted");
  auto const refused = std::count_if(all->providers.begin(), all->providers.end(),
                                     [](stored_entry const& provider) { return provider.fault.has_value(); });
  if (refused > 0)
    return error(errc::storage, std::to_string(refused) + " of " + std::to_string(all->providers.size()) +
                                    " providers can't be used; what is wrong stands above");
  std::cout << all->secrets.size() << (all->secrets.size() == 1 ? " secret, it" : " secrets, all of them")
            << " can be decrypted\n";
  return {};
}

result<void> rotate(std::optional<std::string> const& forgetful_file, opened_store& opened) {
  auto const rotated = opened.run(opened.store().rotate());
  if (!rotated)
    return rotated.error();
  std::cout << rotated->rewrapped << " re-encrypted with the current key, " << rotated->current << " were so before\n";
  show_faults(rotated->failed);
  for (auto const& name : rotated->refused)
    std::cerr << "claudio: note: the provider " << name
              << " was changed by something else than claudio, and stays unusable: claudio provider accept " << name
              << "\n";
  if (!rotated->failed.empty())
    return failed(rotated->failed.size(), "can't be re-encrypted; keep the old keys until that is mended");
  if (!forgetful_file)
    return {};
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  std::set<std::string> in_use;
  for (auto const& known : all->secrets)
    in_use.insert(known.key_id);
  if (auto const forgotten = forget_old_keys(*forgetful_file, rotated->key_id, in_use); !forgotten)
    return forgotten;
  std::cerr << "claudio: took the older keys out of " << *forgetful_file << "; copies of them are of no use any more\n";
  return {};
}

// The first step of a rotation where several machines have the key file.
int run_add_key(store_choice const& choice) {
  auto const file = key_file_of(choice);
  if (!file)
    return report_line(file.error());
  if (auto const added = add_key(*file); !added)
    return report_line(added.error());
  std::cerr << "claudio: put a new key in front in " << *file
            << "; nothing is encrypted with it yet. Copy the file to all machines, then run claudio secret rotate\n";
  return success;
}

int run_rotate(store_choice const& choice, secret_arguments const& arguments) {
  auto const file = key_file_of(choice);
  if (!file && (arguments.new_key || arguments.forget_old))
    return report_line(file.error());
  if (arguments.new_key) {
    opened_store before(choice);
    if (auto const ready = before.open(); !ready)
      return report_line(ready.error());
    // It is on the disk before anything is encrypted with it.
    if (auto const added = add_key(*file); !added)
      return report_line(added.error());
    std::cerr << "claudio: put a new key in front in " << *file << "; keep a copy of the file\n";
  }
  std::optional<std::string> forgetful_file;
  if (arguments.forget_old)
    forgetful_file = *file;
  return with_store(choice, [&](opened_store& opened) { return rotate(forgetful_file, opened); });
}

} // namespace

void add_secret(CLI::App& app, store_choice const& choice, int& exit_status) {
  command_group<secret_arguments> group(
      app, "secret", "API keys and other secrets of providers, encrypted in the database", choice, exit_status);
  auto& arguments = group.arguments();
  auto* setting = group.add("set", "Stores a secret, read from standard input; at a terminal asks for it", &set);
  setting->add_option("PROVIDER", arguments.provider, "The provider's name")->required()->type_name("");
  setting
      ->add_option("--field", arguments.field,
                   "Of provider_config: api_key (default), api_keys[N].api_key, proxy, headers.NAME")
      ->type_name("FIELD");
  auto* variable =
      setting->add_option("--from-env", arguments.from.variable, "Take it from this variable")->type_name("NAME");
  setting->add_option("--from-file", arguments.from.file, "Take it from this file")
      ->type_name("PATH")
      ->excludes(variable);
  group.add("list", "Lists the secrets, of each its last four characters", &list)
      ->add_flag("--json", arguments.json, "Print an array of them as JSON");
  group.add("check", "Decrypts all secrets and names those that can't be", &check);
  group.add_own("add-key",
                "Puts a new key in front in the key file, and changes nothing else: to be copied to all machines "
                "before secret rotate",
                [&choice](secret_arguments const&) { return run_add_key(choice); });
  auto* rotating = group.add_own(
      "rotate", "Re-encrypts all secrets with the first key-encryption key. It may be ended at any time and run again",
      [&choice](secret_arguments const& given) { return run_rotate(choice, given); });
  rotating->add_flag("--new-key", arguments.new_key, "First make a new key and put it in front in the key file");
  rotating->add_flag(
      "--forget-old", arguments.forget_old,
      "When all are re-encrypted, take the older keys out of the key file, which is for no other database then");
}

} // namespace claudio::tool
