#include "command_group.hpp"
#include "commands.hpp"
#include "core/json_access.hpp"
#include "documentation.hpp"
#include "terminal.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <iostream>
#include <unistd.h>

namespace claudio::tool {
namespace json = boost::json;

namespace {

class provider_arguments : public entry_arguments {
public:
  provider_arguments() = default;

  std::string api_base;
  secret_input key;
  bool yes = false;
};

// All fields that options set are under provider_config.
result<json::object> patch_of(provider_arguments const& arguments) {
  auto const below = [](std::vector<std::string> fields) {
    for (auto& field : fields)
      field.insert(0, "provider_config.");
    return fields;
  };
  auto patch = make_patch(below(arguments.set), below(arguments.unset));
  if (patch && !arguments.api_base.empty()) {
    auto& config = (*patch)["provider_config"];
    if (!config.is_object())
      config.emplace_object();
    config.get_object()["api_base"] = arguments.api_base;
  }
  return patch;
}

result<void> add(provider_arguments const& arguments, opened_store& opened) {
  auto provider = patch_of(arguments);
  if (!provider)
    return provider.error();
  (*provider)["name"] = arguments.name;
  (*provider)["provider_type"] = "anthropic";
  (*provider)["support_model_type"] = json::array{"LLM"};
  auto const* const config = find_object(*provider, "provider_config");
  bool const names_key = config && (config->contains("api_key") || config->contains("api_keys"));
  // Before anybody types a key in vain.
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  bool const is_new = !find_entry(all->providers, arguments.name);
  std::vector<named_secret> secrets;
  if (arguments.key.is_given() || (is_new && !names_key && ::isatty(STDIN_FILENO) == 1)) {
    auto key = read_input(arguments.key, "API key for " + arguments.name + " (not shown; Enter for none yet): ");
    if (!key && arguments.key.is_given())
      return key.error();
    if (key)
      secrets.emplace_back("api_key", std::move(*key));
  }
  bool const has_key = names_key || !secrets.empty();
  if (auto const added = opened.run(opened.store().add_provider(std::move(*provider), std::move(secrets))); !added)
    return added;
  std::cerr << "claudio: added the provider " << arguments.name
            << (has_key ? std::string() : "; it has no key yet: claudio secret set " + arguments.name) << "\n";
  return {};
}

std::string keys_of(stored_entry const& provider, std::vector<stored_secret> const& secrets) {
  std::string hints;
  for (auto const& known : secrets)
    if (known.provider == provider.name && known.field.find("api_key") != std::string::npos)
      hints.append(hints.empty() ? "" : " ").append(known.fault ? "(can't be decrypted)" : known.hint);
  auto const* const config = find_object(provider.document, "provider_config");
  if (config && hints.empty())
    if (auto const key = find_string(*config, "api_key"); !key.empty() && key != "vault:")
      hints = std::string(key);
  return hints.empty() ? "(none yet)" : hints;
}

result<void> list(provider_arguments const& arguments, opened_store& opened) {
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  if (arguments.json) {
    print_list(all->providers);
    return {};
  }
  if (all->providers.empty()) {
    std::cerr << "claudio: no provider yet; add one: claudio provider add anthropic\n";
    return {};
  }
  table shown({"NAME", "API BASE", "KEY", "MODELS", "UPDATED (UTC)"});
  for (auto const& provider : all->providers) {
    auto const* const config = find_object(provider.document, "provider_config");
    auto const base = config ? find_string(*config, "api_base") : std::string_view();
    auto const models = std::count_if(all->models.begin(), all->models.end(), [&](stored_entry const& model) {
      return find_string(model.document, "provider_name") == provider.name;
    });
    auto address = base.empty() ? provider_options().api_base : std::string(base);
    shown.add({provider.name, address + (provider.fault ? " (not used, see below)" : ""),
               keys_of(provider, all->secrets), std::to_string(models), minute_of(provider.updated)});
  }
  shown.print(std::cout);
  print_faults(all->providers);
  return {};
}

result<void> show(provider_arguments const& arguments, opened_store& opened) {
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  auto provider = require_entry("provider", all->providers, arguments.name);
  if (!provider)
    return provider.error();
  print_entry(*provider, all->secrets, arguments.json);
  return {};
}

result<void> update(provider_arguments const& arguments, opened_store& opened) {
  auto patch = patch_of(arguments);
  if (!patch)
    return patch.error();
  if (patch->empty())
    return error(errc::configuration, "nothing to change; give --api-base, --set or --unset");
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  auto const provider = require_entry("provider", all->providers, arguments.name);
  if (!provider)
    return provider.error();
  auto const* const config = find_object(provider->document, "provider_config");
  if (auto const checked = require_fields(config ? *config : json::object(), arguments.unset); !checked)
    return checked;
  if (auto const updated = opened.run(opened.store().update_provider(arguments.name, std::move(*patch))); !updated)
    return updated;
  std::cerr << "claudio: updated the provider " << arguments.name << "\n";
  return {};
}

// Nothing is known of a row before it was changed: what a store has signed is not kept twice.
result<void> accept(provider_arguments const& arguments, opened_store& opened) {
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  auto const provider = require_entry("provider", all->providers, arguments.name);
  if (!provider)
    return provider.error();
  if (!provider->fault) {
    std::cerr << "claudio: the provider " << arguments.name
              << " is as claudio has written it; nothing is to be accepted\n";
    return {};
  }
  std::cerr
      << "claudio: the provider " << arguments.name
      << " was changed by something else than claudio. What it was before is not known; its keys were entered for "
         "the address of that time. If you accept it, they are sent to the api_base that follows:\n";
  print_entry(*provider, all->secrets, false);
  std::cout.flush();
  if (!arguments.yes && !confirm("Is all of this as it should be?"))
    return error(errc::configuration, "nothing was accepted; at a terminal answer y, elsewhere give --yes");
  if (auto const accepted = opened.run(opened.store().accept_provider(arguments.name, provider->document)); !accepted)
    return accepted;
  std::cerr << "claudio: accepted the provider " << arguments.name << " as it is\n";
  return {};
}

result<void> remove(provider_arguments const& arguments, opened_store& opened) {
  if (auto const removed = opened.run(opened.store().remove_provider(arguments.name)); !removed)
    return removed;
  std::cerr << "claudio: removed the provider " << arguments.name << " with its keys\n";
  return {};
}

} // namespace

void add_provider(CLI::App& app, store_choice const& choice, int& exit_status) {
  command_group<provider_arguments> group(app, "provider", "Providers in the database", choice, exit_status);
  auto& arguments = group.arguments();
  std::string const name = "The provider's name";
  auto const with_fields = [&](CLI::App* command) {
    command->add_option("--api-base", arguments.api_base, "Address of the API. Default: " + provider_options().api_base)
        ->type_name("URL");
    return with_set(command, arguments,
                    "provider_config" + see_page("configuration.md") +
                        ", such as retry.max_retries=5, limits.rpm=1000 or "
                        "api_key=env:NAME");
  };
  auto* adding = with_fields(
      with_name(group.add("add", "Adds a provider; at a terminal asks for its API key", &add, missing_database::ask),
                arguments, name));
  auto* variable =
      adding->add_option("--key-env", arguments.key.variable, "Take the API key from this variable")->type_name("NAME");
  auto* file = adding->add_option("--key-file", arguments.key.file, "Take the API key from this file")
                   ->type_name("PATH")
                   ->excludes(variable);
  adding->add_flag("--key-stdin", arguments.key.standard_input, "Take the API key from standard input")
      ->excludes(variable)
      ->excludes(file);
  group.add("list", "Lists the providers", &list)->add_flag("--json", arguments.json, "Print an array of them as JSON");
  with_name(group.add("show", "Shows all fields of a provider; of keys the last four characters", &show), arguments,
            name)
      ->add_flag("--json", arguments.json, "Print it as JSON, without secrets");
  with_unset(with_fields(with_name(group.add("update", "Changes fields of a provider", &update), arguments, name)),
             arguments);
  with_name(group.add("accept", "Accepts a provider that something else than claudio has changed; shows it, and asks",
                      &accept),
            arguments, name)
      ->add_flag("--yes", arguments.yes, "Do not ask");
  with_name(group.add("remove", "Removes a provider that no model uses, with its keys", &remove), arguments, name);
}

} // namespace claudio::tool
