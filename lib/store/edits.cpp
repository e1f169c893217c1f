#include "store/edits.hpp"

#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "core/secret_file.hpp"
#include "core/wiping_memory.hpp"
#include "runtime/configuration_reader.hpp"
#include "store/documents.hpp"
#include "store/sealing.hpp"

#include <claudio/models.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <functional>

namespace claudio::edits {
namespace json = boost::json;

namespace {

template <class Row>
Row const* find_row(std::vector<Row> const& rows, std::string_view name) {
  auto const found = std::find_if(rows.begin(), rows.end(), [&](Row const& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

template <class Row>
std::string none_is_named(std::string_view kind, std::string_view name, std::vector<Row> const& rows) {
  std::vector<std::string> names;
  for (auto const& row : rows)
    names.push_back(row.name);
  auto const near = nearest_name(name, names);
  return "no " + std::string(kind) + " is named \"" + std::string(name) + "\"" +
         (near ? "; did you mean \"" + *near + "\"?" : std::string());
}

// An entry that is named by its name alone: the message needs no path.
error name_fault(std::string message) {
  error_details details;
  details.message = std::move(message);
  details.param = "name";
  return error(errc::configuration, 0, std::move(details));
}

template <class Row>
error no_such(std::string_view kind, std::string_view name, std::vector<Row> const& rows) {
  return name_fault(none_is_named(kind, name, rows));
}

template <class Row>
result<void> require_new(std::string_view kind, std::string_view name, std::vector<Row> const& rows) {
  if (!find_row(rows, name))
    return {};
  return name_fault(documents::path_of(kind, name) + " is there already; change it with " + std::string(kind) +
                    " update, or choose another name");
}

// "a, b and 3 more"
std::string listed(std::vector<std::string> const& names) {
  constexpr std::size_t shown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i)
    text.append(i == 0 ? "" : ", ").append(names[i]);
  return names.size() <= shown ? text : text + " and " + std::to_string(names.size() - shown) + " more";
}

json::object wiped_copy(json::object const& document) { return {document, wiping_memory()}; }

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

// `document` lies in memory that is wiped.
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

// What is there already is not signed, or taken over into something that is, unless a store has written it.
result<void> require_authentic(snapshot const& now, std::string_view provider, sealer const& with) {
  auto const* const row = find_row(now.providers, provider);
  return row ? sealing::check_authentic(*row, now, with.own) : result<void>();
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

// Whether what the new models refer to will be there.
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

result<changes> with_one_model(snapshot const& now, json::object const& document, sealer const& with) {
  changes decided;
  auto const path = documents::path_of("model", find_string(document, "name"));
  if (auto const put = put_model(now, document, path, with, decided); !put)
    return put.error();
  if (auto const checked = check_new_models(now, decided, [&](std::size_t) { return path; }); !checked)
    return checked.error();
  return decided;
}

template <class Row>
result<json::object> patched(std::string_view kind, std::vector<Row> const& rows, std::string const& name,
                             json::object const& patch) {
  auto const* const row = find_row(rows, name);
  if (!row)
    return no_such(kind, name, rows);
  auto document = documents::of(*row);
  if (!document)
    return document.error();
  auto changed = wiped_copy(*document);
  documents::merge(changed, patch);
  if (find_string(changed, "name") != name)
    return configuration_fault("name",
                               "the name of a " + std::string(kind) + " stays; add another and remove this one");
  return changed;
}

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

result<changes> add_provider(snapshot const& now, json::object document, std::vector<named_secret> const& secrets,
                             sealer const& with) {
  auto added = wiped_copy(document);
  std::string const name(find_string(added, "name"));
  if (auto const checked = require_new("provider", name, now.providers); !checked)
    return checked.error();
  for (auto const& given : secrets) {
    auto& config = added["provider_config"];
    if (!config.is_object())
      config.emplace_object();
    if (auto const set = documents::set_secret_field(config.get_object(), given.field, given.text.reveal()); !set)
      return set.error();
  }
  changes decided;
  if (auto const put = put_provider(now, std::move(added), documents::path_of("provider", name), with, decided); !put)
    return put.error();
  return decided;
}

result<changes> add_model(snapshot const& now, json::object const& document, sealer const& with) {
  if (auto const checked = require_new("model", find_string(document, "name"), now.models); !checked)
    return checked.error();
  return with_one_model(now, document, with);
}

result<changes> update_provider(snapshot const& now, std::string const& name, json::object const& patch,
                                sealer const& with) {
  if (auto const checked = require_authentic(now, name, with); !checked)
    return checked.error();
  auto document = patched("provider", now.providers, name, patch);
  if (!document)
    return document.error();
  auto const* const fields = find_object(*document, "provider_config");
  bool const key_was_removed = fields && !fields->contains("api_key");
  changes decided;
  if (auto const put = put_provider(now, std::move(*document), documents::path_of("provider", name), with, decided);
      !put)
    return put.error();
  auto& removed = decided.remove_secrets;
  if (auto const* const row = sealing::find_secret(now, name, "api_key"); row && key_was_removed)
    if (std::find(removed.begin(), removed.end(), row->id) == removed.end())
      removed.push_back(row->id);
  return decided;
}

result<changes> accept_provider(snapshot const& now, std::string const& name, json::object const& seen,
                                sealer const& with) {
  auto const* const row = find_row(now.providers, name);
  if (!row)
    return no_such("provider", name, now.providers);
  auto const document = documents::of(*row);
  if (!document)
    return document.error();
  if (*document != seen)
    return error(errc::vault,
                 documents::path_of("provider", name) + " was changed again since it was shown; look at it once more");
  // One that is wrong can be mended when it is accepted, and is not used before.
  changes decided;
  if (sealing::is_authentic(*row, now, with.own))
    return decided;
  decided.put_providers.push_back(*row);
  decided.put_providers.back().updated = with.now;
  sealing::sign(decided.put_providers.back(), now, with.own);
  return decided;
}

result<changes> update_model(snapshot const& now, std::string const& name, json::object const& patch,
                             sealer const& with) {
  auto const document = patched("model", now.models, name, patch);
  if (!document)
    return document.error();
  return with_one_model(now, *document, with);
}

result<changes> remove_provider(snapshot const& now, std::string const& name) {
  if (!find_row(now.providers, name))
    return no_such("provider", name, now.providers);
  std::vector<std::string> users;
  for (auto const& model : now.models)
    if (model.provider_name == name)
      users.push_back(model.name);
  if (!users.empty())
    return name_fault(documents::path_of("provider", name) + " is used by " +
                      (users.size() == 1 ? "the model " : "the models ") + listed(users) +
                      "; remove them first, or give them another provider");
  changes decided;
  for (auto const& row : now.secrets)
    if (row.provider_name == name)
      decided.remove_secrets.push_back(row.id);
  decided.remove_providers.push_back(name);
  return decided;
}

result<changes> remove_model(snapshot const& now, std::string const& name) {
  if (!find_row(now.models, name))
    return no_such("model", name, now.models);
  std::vector<std::string> users;
  for (auto const& model : now.models) {
    auto const fallbacks = fallbacks_of(model);
    if (model.name != name && std::find(fallbacks.begin(), fallbacks.end(), name) != fallbacks.end())
      users.push_back(model.name);
  }
  if (!users.empty())
    return name_fault(documents::path_of("model", name) + " is a fallback of " + listed(users) +
                      "; change their fallbacks first");
  changes decided;
  decided.remove_models.push_back(name);
  return decided;
}

result<changes> set_secret(snapshot const& now, std::string const& provider, named_secret const& given,
                           sealer const& with, std::vector<std::string>& same_as) {
  auto const refuse = [&](std::string const& why) { return configuration_fault(given.field, why); };
  if (is_blank(given.text.reveal()))
    return refuse("the secret is empty, or nothing but white space");
  if (is_reference(given.text.reveal()) || given.text.reveal() == in_vault)
    return refuse("that is a reference, not a secret; set it with provider update --set " + given.field + "=…");
  if (auto const checked = require_authentic(now, provider, with); !checked)
    return checked.error();
  auto document = patched("provider", now.providers, provider, json::object());
  if (!document)
    return document.error();
  if (auto const set =
          documents::set_secret_field((*document)["provider_config"].get_object(), given.field, given.text.reveal());
      !set)
    return set.error();
  changes decided;
  if (auto const put = put_provider(now, std::move(*document), documents::path_of("provider", provider), with, decided);
      !put)
    return put.error();
  auto const fingerprint = sealing::fingerprint_of(given.text, with);
  same_as.clear();
  for (auto const& row : now.secrets)
    if (row.fingerprint == fingerprint && (row.provider_name != provider || row.field != given.field))
      same_as.push_back(row.provider_name + " " + row.field);
  return decided;
}

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
