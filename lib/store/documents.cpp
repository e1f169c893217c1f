#include "store/documents.hpp"

#include "core/credential_header.hpp"
#include "core/json_access.hpp"
#include "core/lower_case.hpp"
#include "core/object_reader.hpp"
#include "runtime/configuration_reader.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace claudio::documents {
namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 5> model_columns{"name", "type", "provider_name", "max_tokens", "model_params"};

result<json::value> parse_column(std::string const& text, std::string const& where) {
  auto value = parse_json(text);
  if (!value)
    return error(errc::storage, where + " in the database is " + value.error().message());
  return value;
}

result<json::object> parse_object(std::string const& text, std::string const& where) {
  auto value = parse_column(text, where);
  if (!value)
    return value.error();
  if (!value->is_object())
    return error(errc::storage, where + " in the database is no JSON object");
  return std::move(value->get_object());
}

std::string text_of(json::object const& document, std::string_view field) {
  return std::string(find_string(document, field));
}

std::string serialized(json::object const& document, std::string_view field, std::string_view otherwise) {
  auto const* const value = find_value(document, field);
  return value ? json::serialize(*value) : std::string(otherwise);
}

// Nothing is looked up while an entry is checked: the variable or file may be another machine's.
result<secret> stand_in(std::string const& field, secret given) {
  if (given.reveal() != in_vault && !is_reference(given.reveal()))
    return given;
  return secret(field == "proxy" ? "" : "stand-in");
}

json::object* find_headers(json::object& config) {
  auto* const headers = find_value(config, "headers");
  return headers ? headers->if_object() : nullptr;
}

// Names of headers are the same in any case.
std::string spelling_of(std::string const& name, json::object const& headers) {
  for (auto const& header : headers)
    if (lower_case(header.key()) == lower_case(name))
      return std::string(header.key());
  return name;
}

json::array* find_keys(json::object& config) {
  auto* const keys = find_value(config, "api_keys");
  return keys ? keys->if_array() : nullptr;
}

std::string key_field(std::size_t index) { return element("api_keys", index) + ".api_key"; }

} // namespace

std::string path_of(std::string_view kind, std::string_view name) {
  return std::string(kind) + " \"" + std::string(name) + "\"";
}

result<json::object> of(provider_row const& row) {
  auto const where = path_of("provider", row.name);
  auto const kinds = parse_column(row.support_model_type, where + ".support_model_type");
  if (!kinds)
    return kinds.error();
  auto config = parse_object(row.provider_config, where + ".provider_config");
  if (!config)
    return config.error();
  json::object document;
  document["name"] = row.name;
  document["provider_type"] = row.provider_type;
  document["support_model_type"] = *kinds;
  document["provider_config"] = std::move(*config);
  return document;
}

result<json::object> of(model_row const& row) {
  auto const where = path_of("model", row.name);
  auto parameters = parse_object(row.model_params, where + ".model_params");
  if (!parameters)
    return parameters.error();
  auto const settings = parse_object(row.settings, where + ".settings");
  if (!settings)
    return settings.error();
  json::object document;
  document["name"] = row.name;
  document["type"] = row.type;
  document["provider_name"] = row.provider_name;
  if (row.max_tokens)
    document["max_tokens"] = *row.max_tokens;
  if (!parameters->empty())
    document["model_params"] = std::move(*parameters);
  for (auto const& [field, value] : *settings)
    document[field] = value;
  return document;
}

result<void> check_provider(json::object const& document, std::string const& path) {
  auto checked = read_provider(document, path, &stand_in);
  if (!checked)
    return checked.error();
  for (auto& header : checked->options.headers)
    wipe(header.second);
  return {};
}

result<void> check_model(json::object const& document, std::string const& path) {
  auto const checked = read_model(document, path);
  return checked ? result<void>() : checked.error();
}

provider_row provider_row_of(json::object const& document) {
  provider_row row;
  row.name = text_of(document, "name");
  row.provider_type = text_of(document, "provider_type");
  row.support_model_type = serialized(document, "support_model_type", R"(["LLM"])");
  row.provider_config = serialized(document, "provider_config", "{}");
  return row;
}

model_row model_row_of(json::object const& document) {
  model_row row;
  row.name = text_of(document, "name");
  row.type = text_of(document, "type");
  row.provider_name = text_of(document, "provider_name");
  row.max_tokens = find_integer(document, "max_tokens");
  row.model_params = serialized(document, "model_params", "{}");
  json::object settings;
  for (auto const& [field, value] : document)
    if (std::find(model_columns.begin(), model_columns.end(), field) == model_columns.end())
      settings.emplace(field, value);
  row.settings = json::serialize(settings);
  return row;
}

void merge(json::object& document, json::object const& patch) {
  for (auto const& [field, value] : patch) {
    if (value.is_null()) {
      document.erase(field);
      continue;
    }
    auto& target = document[field];
    if (auto const* const part = value.if_object()) {
      if (!target.is_object())
        target.emplace_object();
      merge(target.get_object(), *part);
    } else {
      target = value;
    }
  }
}

void for_each_secret(json::object& config, secret_visitor const& visit) {
  if (auto* const key = find_value(config, "api_key"))
    visit("api_key", *key);
  if (auto* const keys = find_keys(config))
    for (std::size_t i = 0; i < keys->size(); ++i)
      if (auto* const entry = (*keys)[i].if_object())
        if (auto* const key = find_value(*entry, "api_key"))
          visit(key_field(i), *key);
  if (auto* const proxy = find_value(config, "proxy"))
    visit("proxy", *proxy);
  if (auto* const headers = find_headers(config))
    for (auto& header : *headers)
      if (names_credential(header.key()) || header.value() == json::string_view(in_vault))
        visit("headers." + std::string(header.key()), header.value());
}

result<void> set_secret_field(json::object& config, std::string const& field, std::string_view text) {
  constexpr std::string_view headers = "headers.";
  json::value const value(json::string_view(text.data(), text.size()), config.storage());
  if (field == "api_key" || field == "proxy") {
    config[field] = value;
    return {};
  }
  if (field.starts_with(headers)) {
    auto const name = field.substr(headers.size());
    if (!names_credential(name))
      return configuration_fault(field, "the name of this header does not tell that it is a credential, so that it is "
                                        "not stored as a secret; set it with provider update");
    if (!find_headers(config))
      config["headers"] = json::object();
    (*find_headers(config))[spelling_of(name, *find_headers(config))] = value;
    return {};
  }
  if (auto* const keys = find_keys(config))
    for (std::size_t i = 0; i < keys->size(); ++i)
      if (field == key_field(i) && (*keys)[i].is_object()) {
        (*keys)[i].get_object()["api_key"] = value;
        return {};
      }
  return configuration_fault(field, field.starts_with("api_keys[")
                                        ? "the provider has no such key; add it to api_keys with provider update"
                                        : "no secret belongs there; expected api_key, api_keys[N].api_key, proxy or "
                                          "headers.NAME");
}

} // namespace claudio::documents
