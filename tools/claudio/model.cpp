#include "command_group.hpp"
#include "commands.hpp"
#include "core/json_access.hpp"
#include "documentation.hpp"
#include "terminal.hpp"

#include <iostream>
#include <optional>

namespace claudio::tool {
namespace json = boost::json;

namespace {

class model_arguments : public entry_arguments {
public:
  model_arguments() = default;

  std::string provider;
  std::optional<std::int64_t> max_tokens;
};

result<json::object> patch_of(model_arguments const& arguments) {
  auto patch = make_patch(arguments.set, arguments.unset);
  if (!patch)
    return patch;
  if (!arguments.provider.empty())
    (*patch)["provider_name"] = arguments.provider;
  if (arguments.max_tokens)
    (*patch)["max_tokens"] = *arguments.max_tokens;
  return patch;
}

// The only provider, if there is just one.
result<std::string> choose_provider(opened_store& opened) {
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  if (all->providers.empty())
    return error(errc::configuration, "no provider yet; add one first: claudio provider add anthropic");
  if (all->providers.size() > 1)
    return error(errc::configuration, "there are several providers; name the model's with --provider");
  return all->providers.front().name;
}

result<void> add(model_arguments const& arguments, opened_store& opened) {
  auto model = patch_of(arguments);
  if (!model)
    return model.error();
  if (!model->contains("provider_name")) {
    auto const provider = choose_provider(opened);
    if (!provider)
      return provider.error();
    (*model)["provider_name"] = *provider;
  }
  (*model)["name"] = arguments.name;
  (*model)["type"] = "LLM";
  auto const provider = std::string(find_string(*model, "provider_name"));
  if (auto const added = opened.run(opened.store().add_model(std::move(*model))); !added)
    return added;
  std::cerr << "claudio: added the model " << arguments.name << " of the provider " << provider << "\n";
  if (!find_catalogue_entry(arguments.name))
    std::cerr << "claudio: note: the catalogue does not have that model; its capabilities are assumed\n";
  return {};
}

std::string fallbacks_of(json::object const& document) {
  std::string names;
  if (auto const* const fallbacks = find_array(document, "fallbacks"))
    for (auto const& fallback : *fallbacks)
      if (auto const* const entry = fallback.if_object())
        names.append(names.empty() ? "" : ", ").append(find_string(*entry, "model"));
  return names;
}

result<void> list(model_arguments const& arguments, opened_store& opened) {
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  if (arguments.json) {
    print_list(all->models);
    return {};
  }
  if (all->models.empty()) {
    std::cerr << "claudio: no model yet; add one: claudio model add claude-sonnet-4-6\n";
    return {};
  }
  table shown({"NAME", "PROVIDER", "MAX TOKENS", "FALLBACKS", "UPDATED (UTC)"});
  for (auto const& model : all->models) {
    auto const most = find_integer(model.document, "max_tokens");
    shown.add({model.name, std::string(find_string(model.document, "provider_name")),
               most ? std::to_string(*most) : "-", fallbacks_of(model.document), minute_of(model.updated)});
  }
  shown.print(std::cout);
  print_faults(all->models);
  return {};
}

result<void> show(model_arguments const& arguments, opened_store& opened) {
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  auto const model = require_entry("model", all->models, arguments.name);
  if (!model)
    return model.error();
  print_entry(*model, all->secrets, arguments.json);
  return {};
}

result<void> update(model_arguments const& arguments, opened_store& opened) {
  auto patch = patch_of(arguments);
  if (!patch)
    return patch.error();
  if (patch->empty())
    return error(errc::configuration, "nothing to change; give --provider, --max-tokens, --set or --unset");
  auto const all = opened.run(opened.store().content());
  if (!all)
    return all.error();
  auto const model = require_entry("model", all->models, arguments.name);
  if (!model)
    return model.error();
  if (auto const checked = require_fields(model->document, arguments.unset); !checked)
    return checked;
  if (auto const updated = opened.run(opened.store().update_model(arguments.name, std::move(*patch))); !updated)
    return updated;
  std::cerr << "claudio: updated the model " << arguments.name << "\n";
  return {};
}

result<void> remove(model_arguments const& arguments, opened_store& opened) {
  if (auto const removed = opened.run(opened.store().remove_model(arguments.name)); !removed)
    return removed;
  std::cerr << "claudio: removed the model " << arguments.name << "\n";
  return {};
}

} // namespace

void add_model(CLI::App& app, store_choice const& choice, int& exit_status) {
  command_group<model_arguments> group(app, "model", "Models in the database", choice, exit_status);
  auto& arguments = group.arguments();
  std::string const name = "The model's name, such as claude-sonnet-4-6";
  auto const with_fields = [&](CLI::App* command) {
    command->add_option("--provider", arguments.provider, "Its provider. Default of add: the only one there is")
        ->type_name("NAME");
    command->add_option("--max-tokens", arguments.max_tokens, "The most tokens of an answer, for requests without it")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
    return with_set(command, arguments,
                    "the model" + see_page("configuration.md") + ", such as model_params.temperature=0.7");
  };
  with_fields(with_name(group.add("add", "Adds a model", &add), arguments, name));
  group.add("list", "Lists the models", &list)->add_flag("--json", arguments.json, "Print an array of them as JSON");
  with_name(group.add("show", "Shows all fields of a model", &show), arguments, name)
      ->add_flag("--json", arguments.json, "Print it as JSON");
  with_unset(with_fields(with_name(group.add("update", "Changes fields of a model", &update), arguments, name)),
             arguments);
  with_name(group.add("remove", "Removes a model that is no other's fallback", &remove), arguments, name);
}

} // namespace claudio::tool
