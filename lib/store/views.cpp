#include "store/views.hpp"

#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "core/wiping_memory.hpp"
#include "runtime/configuration_reader.hpp"
#include "store/documents.hpp"
#include "store/sealing.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace claudio::views {
namespace json = boost::json;

namespace {

using secrets_of_provider = std::map<std::string_view, secret_row const*>;
using secrets_by_provider = std::unordered_map<std::string_view, secrets_of_provider>;

secrets_by_provider index(snapshot const& now) {
  secrets_by_provider found;
  for (auto const& row : now.secrets)
    found[row.provider_name][row.field] = &row;
  return found;
}

std::chrono::system_clock::time_point time_of(std::int64_t milliseconds) {
  // What was written by something else may be no time at all.
  constexpr std::int64_t most = std::int64_t{1} << 42;
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(std::clamp(milliseconds, -most, most)));
}

result<secret> find_secret(snapshot const& now, std::string const& provider, std::string const& field,
                           secrets_of_provider const& stored, vault const& keys) {
  auto const found = stored.find(field);
  if (found == stored.end())
    return error(errc::configuration, "no secret is stored for it yet; set it: claudio secret set " + provider +
                                          (field == "api_key" ? "" : " --field " + field));
  return keys.unseal(found->second->sealed, sealing::place_of(now, *found->second));
}

result<provider_configuration> load_provider(snapshot const& now, provider_row const& row,
                                             secrets_of_provider const& stored, vault const& keys,
                                             sealing::own_keys const& own) {
  if (auto const checked = sealing::check_authentic(row, now, own); !checked)
    return checked.error();
  auto const document = documents::of(row);
  if (!document)
    return document.error();
  return read_provider(*document, documents::path_of("provider", row.name),
                       [&](std::string const& field, secret given) {
                         return given.reveal() == in_vault ? find_secret(now, row.name, field, stored, keys)
                                                           : look_up_secret(field, std::move(given));
                       });
}

// Another program may have removed the provider.
result<void> check_provider_of(model_row const& row, std::set<std::string_view> const& providers) {
  if (providers.contains(row.provider_name))
    return {};
  return configuration_fault(documents::path_of("model", row.name) + ".provider_name",
                             "no provider is named \"" + row.provider_name +
                                 "\"; add it, or give the model another one (claudio model update)");
}

std::set<std::string_view> names_of(std::vector<provider_row> const& rows) {
  std::set<std::string_view> names;
  for (auto const& row : rows)
    names.insert(row.name);
  return names;
}

result<model_configuration> load_model(model_row const& row, std::set<std::string_view> const& providers) {
  if (auto const checked = check_provider_of(row, providers); !checked)
    return checked.error();
  auto const document = documents::of(row);
  if (!document)
    return document.error();
  return read_model(*document, documents::path_of("model", row.name));
}

// One that can't be read has its fault in the place of its fields.
template <class Row>
std::vector<stored_entry> entries_of(std::vector<Row> const& rows) {
  std::vector<stored_entry> entries;
  for (auto const& row : rows) {
    auto document = documents::of(row);
    stored_entry entry;
    entry.name = row.name;
    if (document) {
      entry.document = std::move(*document);
    } else {
      entry.document["name"] = row.name;
      entry.fault = document.error();
    }
    entry.created = time_of(row.created);
    entry.updated = time_of(row.updated);
    entries.push_back(std::move(entry));
  }
  return entries;
}

} // namespace

result<configuration> load(snapshot const& now, vault const& keys) {
  auto const own = sealing::open_own_keys(now, keys);
  if (!own)
    return own.error();
  configuration config;
  config.revision = static_cast<std::uint64_t>(now.revision);
  auto const stored = index(now);
  secrets_of_provider const none;
  config.providers.reserve(now.providers.size());
  for (auto const& row : now.providers) {
    auto const secrets = stored.find(row.name);
    auto provider = load_provider(now, row, secrets == stored.end() ? none : secrets->second, keys, *own);
    if (provider) {
      config.providers.push_back(std::move(*provider));
      continue;
    }
    provider_configuration faulty;
    faulty.name = row.name;
    faulty.fault = provider.error();
    config.providers.push_back(std::move(faulty));
  }
  auto const providers = names_of(now.providers);
  config.models.reserve(now.models.size());
  for (auto const& row : now.models) {
    auto model = load_model(row, providers);
    if (!model) {
      model_configuration faulty;
      faulty.name = row.name;
      faulty.provider_name = row.provider_name;
      faulty.fault = model.error();
      model = std::move(faulty);
    }
    config.models.push_back(std::move(*model));
  }
  return config;
}

stored_secret describe(secret_row const& row, snapshot const& now, vault const& keys) {
  stored_secret known;
  known.provider = row.provider_name;
  known.field = row.field;
  known.version = static_cast<std::uint64_t>(row.version);
  known.created = time_of(row.created);
  known.updated = time_of(row.updated);
  if (auto const id = vault::key_id_of(row.sealed))
    known.key_id = *id;
  auto const text = keys.unseal(row.sealed, sealing::place_of(now, row));
  if (text)
    known.hint = text->hint();
  else
    known.fault = text.error();
  for (auto const& other : now.secrets)
    if (&other != &row && other.fingerprint == row.fingerprint)
      known.same_as.push_back(other.provider_name + " " + other.field);
  return known;
}

result<store_content> content(snapshot const& now, vault const& keys) {
  store_content all;
  all.revision = static_cast<std::uint64_t>(now.revision);
  all.format = now.format;
  all.newest_format = newest_format;
  all.providers = entries_of(now.providers);
  auto const own = sealing::open_own_keys(now, keys);
  for (std::size_t i = 0; i < all.providers.size(); ++i) {
    auto const checked = own ? sealing::check_authentic(now.providers[i], now, *own) : own.error();
    if (!checked)
      all.providers[i].fault = checked.error();
  }
  all.models = entries_of(now.models);
  auto const providers = names_of(now.providers);
  for (std::size_t i = 0; i < now.models.size(); ++i)
    if (auto const checked = check_provider_of(now.models[i], providers); !checked && !all.models[i].fault)
      all.models[i].fault = checked.error();
  for (auto const& row : now.secrets)
    all.secrets.push_back(describe(row, now, keys));
  return all;
}

result<json::object> export_configuration(snapshot const& now, vault const& keys, bool with_secrets) {
  json::object config(wiping_memory());
  auto const stored = index(now);
  secrets_of_provider const none;
  auto const own = sealing::open_own_keys(now, keys);
  if (!own)
    return own.error();
  auto& providers = config["providers"].emplace_array();
  for (auto const& row : now.providers) {
    // An import of it would make it valid.
    if (auto const checked = sealing::check_authentic(row, now, *own); !checked)
      return checked.error();
    auto const document = documents::of(row);
    if (!document)
      return document.error();
    auto& exported = providers.emplace_back(*document).get_object();
    if (!with_secrets)
      continue;
    auto const found = stored.find(row.name);
    auto const& secrets = found == stored.end() ? none : found->second;
    result<void> outcome;
    documents::for_each_secret(
        exported["provider_config"].get_object(), [&](std::string const& field, json::value& value) {
          if (!outcome || !value.is_string() || value.get_string() != json::string_view(in_vault))
            return;
          auto const text = find_secret(now, row.name, field, secrets, keys);
          if (text)
            value = json::string_view(text->reveal());
          else if (secrets.contains(field))
            outcome = error(text.error().code(),
                            documents::path_of("provider", row.name) + "." + field + ": " + text.error().message());
        });
    if (!outcome)
      return outcome.error();
  }
  auto& models = config["models"].emplace_array();
  for (auto const& row : now.models) {
    auto const document = documents::of(row);
    if (!document)
      return document.error();
    models.emplace_back(*document);
  }
  return config;
}

} // namespace claudio::views
