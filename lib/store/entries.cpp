#include "store/entries.hpp"

#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "core/secret_file.hpp"
#include "core/wiping_memory.hpp"
#include "runtime/configuration_reader.hpp"
#include "store/documents.hpp"

#include <boost/json/serialize.hpp>

#include <set>

namespace claudio::edits {
namespace json = boost::json;

namespace {

// A proxy without credentials is no secret.
bool is_open(std::string const& field, std::string_view text) {
  bool const has_credentials = text == in_vault || text.find('@') != std::string_view::npos;
  return text.empty() || is_reference(text) || (field == "proxy" && !has_credentials);
}

// Takes the plain secrets out of a document, and decides what becomes of those that are stored.
result<void> take_secrets(snapshot const& now, json::object& document, std::string const& path, sealer const& with,
                          changes& decided) {
  std::string const name(find_string(document, "name"));
  std::set<std::string> kept;
  result<void> outcome;
  documents::for_each_secret(
      document["provider_config"].get_object(), [&](std::string const& field, json::value& value) {
        auto const text = value.is_string() ? std::string_view(value.get_string()) : std::string_view();
        if (!outcome || is_open(field, text))
          return;
        kept.insert(field);
        if (text == in_vault) {
          // A provider may be there before its key.
          if (field != "api_key" && !sealing::find_secret(now, name, field))
            outcome = configuration_fault(path + ".provider_config." + field,
                                          "\"vault:\" stands for a stored secret, and none is stored for this field");
          return;
        }
        auto sealed = sealing::seal(now, name, field, secret::copy_of(text), with);
        if (!sealed)
          outcome = sealed.error();
        else
          decided.put_secrets.push_back(std::move(*sealed));
        value = json::string_view(in_vault);
      });
  for (auto const& row : now.secrets)
    if (row.provider_name == name && !kept.contains(row.field))
      decided.remove_secrets.push_back(row.id);
  return outcome;
}

// A row that can't be read again would be in the way of all others: what a program made may have any bytes in it.
result<void> check_writable(json::object const& document, std::string const& path) {
  if (auto const written = parse_json(json::serialize(document)); !written)
    return configuration_fault(path, "can't be stored, since written as JSON it is " + written.error().message() +
                                         "; is each text UTF-8?");
  return {};
}

} // namespace

json::object wiped_copy(json::object const& document) { return {document, wiping_memory()}; }

result<void> require_authentic(snapshot const& now, std::string_view provider, sealer const& with) {
  auto const* const row = find_row(now.providers, provider);
  return row ? sealing::check_authentic(*row, now, with.own) : result<void>();
}

result<void> put_provider(snapshot const& now, json::object document, std::string const& path, sealer const& with,
                          changes& decided) {
  auto& config = document["provider_config"];
  if (config.is_null())
    config.emplace_object();
  if (auto* const fields = config.if_object(); fields && !fields->contains("api_key") && !fields->contains("api_keys"))
    fields->emplace("api_key", json::string_view(in_vault));
  if (auto const checked = documents::check_provider(document, path); !checked)
    return checked;
  if (auto const taken = take_secrets(now, document, path, with, decided); !taken)
    return taken;
  if (auto const checked = check_writable(document, path); !checked)
    return checked;
  auto row = documents::provider_row_of(document);
  auto const* const before = find_row(now.providers, row.name);
  row.created = before ? before->created : with.now;
  row.updated = with.now;
  sealing::sign(row, now, with.own);
  decided.put_providers.push_back(std::move(row));
  return {};
}

result<void> put_model(snapshot const& now, json::object const& document, std::string const& path, sealer const& with,
                       changes& decided) {
  if (auto const checked = documents::check_model(document, path); !checked)
    return checked;
  if (auto const checked = require_authentic(now, find_string(document, "provider_name"), with); !checked)
    return checked;
  if (auto const checked = check_writable(document, path); !checked)
    return checked;
  auto row = documents::model_row_of(document);
  auto const* const before = find_row(now.models, row.name);
  row.created = before ? before->created : with.now;
  row.updated = with.now;
  decided.put_models.push_back(std::move(row));
  return {};
}

std::vector<std::string> fallbacks_of(model_row const& row) {
  std::vector<std::string> names;
  auto const settings = parse_json(row.settings);
  auto const* const fields = settings ? settings->if_object() : nullptr;
  auto const* const fallbacks = fields ? find_array(*fields, "fallbacks") : nullptr;
  if (fallbacks)
    for (auto const& fallback : *fallbacks)
      if (auto const* const entry = fallback.if_object())
        names.emplace_back(find_string(*entry, "model"));
  return names;
}

result<void> check_new_models(snapshot const& now, changes const& decided,
                              std::function<std::string(std::size_t)> const& path_of_model) {
  auto providers = now.providers;
  providers.insert(providers.end(), decided.put_providers.begin(), decided.put_providers.end());
  auto models = now.models;
  models.insert(models.end(), decided.put_models.begin(), decided.put_models.end());
  std::set<std::string_view> provider_names;
  for (auto const& row : providers)
    provider_names.insert(row.name);
  std::set<std::string_view> model_names;
  for (auto const& row : models)
    model_names.insert(row.name);
  for (std::size_t i = 0; i < decided.put_models.size(); ++i) {
    auto const& row = decided.put_models[i];
    if (!provider_names.contains(row.provider_name))
      return configuration_fault(path_of_model(i) + ".provider_name",
                                 none_is_named("provider", row.provider_name, providers));
    auto const fallbacks = fallbacks_of(row);
    for (std::size_t j = 0; j < fallbacks.size(); ++j)
      if (!model_names.contains(fallbacks[j]))
        return configuration_fault(path_of_model(i) + "." + element("fallbacks", j) + ".model",
                                   none_is_named("model", fallbacks[j], models));
  }
  return {};
}

} // namespace claudio::edits
