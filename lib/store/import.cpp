#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "runtime/configuration_reader.hpp"
#include "store/documents.hpp"
#include "store/edits.hpp"
#include "store/entries.hpp"

#include <boost/json/array.hpp>

#include <set>

namespace claudio::edits {
namespace json = boost::json;

namespace {

// An entry of an import, unless its name came before.
result<json::object const*> entry_of(json::array const& entries, std::size_t index, std::string_view list,
                                     std::set<std::string>& names) {
  auto const* const entry = entries[index].if_object();
  if (!entry)
    return configuration_fault(element(list, index), "expected an object, got " + describe_value(entries[index]));
  std::string name(find_string(*entry, "name"));
  if (!names.insert(name).second)
    return configuration_fault(element(list, index) + ".name",
                               "the name \"" + name + "\" stands twice in " + std::string(list));
  return entry;
}

// What is given without keys keeps those that are stored, be they one, several or references.
json::object with_stored_keys(snapshot const& now, json::object document) {
  auto const* const before = find_row(now.providers, find_string(document, "name"));
  auto& config = document["provider_config"];
  if (config.is_null())
    config.emplace_object();
  auto* const fields = config.if_object();
  if (!before || !fields || fields->contains("api_key") || fields->contains("api_keys"))
    return document;
  if (auto const stored = documents::of(*before))
    for (auto const* const field : {"api_key", "api_keys"})
      if (auto const* const keys = find_value(stored->at("provider_config").get_object(), field))
        fields->emplace(field, *keys);
  return document;
}

result<void> check_import(json::object const& config) {
  object_reader reader(config, "");
  for (auto const* const list : {"providers", "models"})
    if (!reader.array(list))
      reader.missing(list, std::string("an array of ") + list);
  return reader.finish();
}

} // namespace

result<changes> import_configuration(snapshot const& now, json::object const& config, sealer const& with,
                                     import_report& report) {
  if (auto const checked = check_import(config); !checked)
    return checked.error();
  report = import_report();
  changes decided;
  std::set<std::string> names;
  auto const& providers = *find_array(config, "providers");
  for (std::size_t i = 0; i < providers.size(); ++i) {
    auto const entry = entry_of(providers, i, "providers", names);
    if (!entry)
      return entry.error();
    if (auto const checked = require_authentic(now, find_string(**entry, "name"), with); !checked)
      return checked.error();
    auto document = with_stored_keys(now, wiped_copy(**entry));
    if (auto const put = put_provider(now, std::move(document), element("providers", i), with, decided); !put)
      return put.error();
    ++(find_row(now.providers, decided.put_providers.back().name) ? report.providers_updated : report.providers_added);
  }
  names.clear();
  auto const& models = *find_array(config, "models");
  for (std::size_t i = 0; i < models.size(); ++i) {
    auto const entry = entry_of(models, i, "models", names);
    if (!entry)
      return entry.error();
    if (auto const put = put_model(now, **entry, element("models", i), with, decided); !put)
      return put.error();
    ++(find_row(now.models, decided.put_models.back().name) ? report.models_updated : report.models_added);
  }
  report.secrets_removed = decided.remove_secrets.size();
  auto const path_of_model = [](std::size_t index) { return element("models", index); };
  if (auto const checked = check_new_models(now, decided, path_of_model); !checked)
    return checked.error();
  return decided;
}

} // namespace claudio::edits
