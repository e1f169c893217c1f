#include "call/provider_check.hpp"
#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "core/secret_file.hpp"
#include "observe/loggers.hpp"
#include "runtime/configuration_reader.hpp"

#include <claudio/configuration.hpp>

#include <cstdlib>

namespace claudio {
namespace json = boost::json;

namespace {

bool has_text(char const* variable) {
  char const* const value = std::getenv(variable);
  return value && !is_blank(value);
}

// As in Anthropic's SDKs, the key is used where both are set.
result<void> read_credential(provider_options& options) {
  bool const has_key = has_text("ANTHROPIC_API_KEY");
  options.bearer = !has_key && has_text("ANTHROPIC_AUTH_TOKEN");
  if (has_key && has_text("ANTHROPIC_AUTH_TOKEN"))
    call_log().warn("ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN are both set; the key is used");
  char const* const key = std::getenv("ANTHROPIC_API_KEY");
  if (!options.bearer && (!key || *key == '\0'))
    return error(errc::configuration, "the environment variable ANTHROPIC_API_KEY is not set; set it to your API key, "
                                      "or ANTHROPIC_AUTH_TOKEN to a bearer token");
  auto read = read_secret_variable(options.bearer ? "ANTHROPIC_AUTH_TOKEN" : "ANTHROPIC_API_KEY");
  if (!read)
    return read.error();
  options.api_key = std::move(*read);
  return {};
}

} // namespace

result<configuration> configuration::from_json(json::object const& object) {
  configuration config;
  object_reader reader(object, "");
  auto const* providers = reader.array("providers");
  auto const* models = reader.array("models");
  if (!providers)
    reader.missing("providers", "an array of providers");
  if (!models)
    reader.missing("models", "an array of models");
  if (auto const done = reader.finish(); !done)
    return done.error();
  for (std::size_t i = 0; i < providers->size(); ++i) {
    auto provider = read_provider((*providers)[i], element("providers", i), &look_up_secret);
    if (!provider)
      return provider.error();
    config.providers.push_back(std::move(*provider));
  }
  for (std::size_t i = 0; i < models->size(); ++i) {
    auto model = read_model((*models)[i], element("models", i));
    if (!model)
      return model.error();
    config.models.push_back(std::move(*model));
  }
  if (auto const checked = check_references(config, &element); !checked)
    return checked.error();
  for (auto const& model : config.models)
    note_unknown_model(model);
  return config;
}

result<configuration> configuration::parse(std::string_view text) {
  auto value = parse_json_file(text);
  if (!value)
    return error(errc::configuration, value.error().message());
  if (!value->is_object())
    return error(errc::configuration, "expected an object with providers and models, got " + describe_value(*value));
  return from_json(value->get_object());
}

result<configuration> configuration::load(std::string const& path) {
  auto const text = read_secret_file(path);
  if (!text)
    return text.error();
  auto config = parse(text->reveal());
  if (!config) {
    auto const& fault = config.error();
    error_details details;
    details.message = path + ": " + fault.message();
    details.param = fault.param();
    return error(fault.code(), 0, std::move(details));
  }
  return config;
}

result<configuration> configuration::from_env() {
  provider_configuration provider;
  provider.name = "anthropic";
  auto credential = read_credential(provider.options);
  if (!credential)
    return credential.error();
  char const* const variable_of_key = provider.options.bearer ? "ANTHROPIC_AUTH_TOKEN" : "ANTHROPIC_API_KEY";
  char const* const variable = std::getenv("ANTHROPIC_BASE_URL");
  if (auto const base = without_trailing_space(variable ? variable : ""); !base.empty()) {
    provider.options.api_base = base;
    while (provider.options.api_base.ends_with('/'))
      provider.options.api_base.pop_back();
    // Anthropic's SDKs take the address without the version.
    if (!provider.options.api_base.ends_with("/v1"))
      provider.options.api_base += "/v1";
  }
  if (auto const checked = check_provider(provider.options); !checked) {
    bool const is_key = checked.error().param() == "api_key";
    return configuration_fault(is_key ? variable_of_key : "ANTHROPIC_BASE_URL",
                               checked.error().message() + "; a configuration file has more options");
  }
  configuration config;
  config.default_provider = provider.name;
  config.providers.push_back(std::move(provider));
  for (auto const& entry : model_catalogue()) {
    model_configuration model;
    model.name = std::string(entry.name);
    model.provider_name = "anthropic";
    config.models.push_back(std::move(model));
  }
  return config;
}

} // namespace claudio
