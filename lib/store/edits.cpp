#include "store/edits.hpp"

#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "core/secret_file.hpp"
#include "runtime/configuration_reader.hpp"
#include "store/documents.hpp"
#include "store/entries.hpp"

#include <algorithm>

namespace claudio::edits {
namespace json = boost::json;

namespace {

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

} // namespace claudio::edits
