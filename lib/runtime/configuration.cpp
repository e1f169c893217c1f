#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "observe/loggers.hpp"
#include "runtime/provider_check.hpp"

#include <claudio/configuration.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

namespace claudio {
namespace json = boost::json;

namespace {

std::string element(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

result<std::string> read_file(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return error(errc::configuration, "can't open the file \"" + path + "\"");
  std::string text;
  char block[4096];
  while (in.read(block, sizeof block) || in.gcount() > 0)
    text.append(block, static_cast<std::size_t>(in.gcount()));
  if (in.bad())
    return error(errc::configuration, "can't read the file \"" + path + "\"");
  return text;
}

// A secret as it stands, or where it is to be found.
result<secret> look_up_secret(std::string given) {
  if (given.starts_with("env:")) {
    std::string const name = given.substr(4);
    char const* const value = std::getenv(name.c_str());
    if (!value || *value == '\0')
      return error(errc::configuration, "the environment variable \"" + name + "\" is not set");
    return secret(value);
  }
  if (given.starts_with("file:")) {
    auto text = read_file(given.substr(5));
    if (!text)
      return text.error();
    std::string key = *text;
    wipe(*text);
    key.erase(key.find_last_not_of(" \t\r\n") + 1);
    if (key.empty())
      return error(errc::configuration, "the file \"" + given.substr(5) + "\" is empty");
    return secret(std::move(key));
  }
  return secret(std::move(given));
}

void read_retry_budget(json::object const& object, std::string path, object_reader& parent, provider_options& options) {
  object_reader reader(object, std::move(path));
  if (auto const tokens = reader.integer("tokens", 0))
    options.retry_budget_tokens = static_cast<double>(*tokens);
  reader.share("ratio", options.retry_budget_ratio);
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

void read_retry(json::object const& object, std::string path, object_reader& parent, provider_options& options) {
  object_reader reader(object, std::move(path));
  auto& policy = options.retry;
  if (auto const retries = reader.integer("max_retries", 0))
    policy.max_retries = static_cast<unsigned>(*retries);
  reader.milliseconds("base_delay_ms", policy.base_delay);
  reader.milliseconds("max_delay_ms", policy.max_delay);
  reader.boolean("jitter", policy.jitter);
  if (auto const* budget = reader.object("budget"))
    read_retry_budget(*budget, reader.path_of("budget"), reader, options);
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

void read_limits(json::object const& object, std::string path, object_reader& parent, time_limits& limits) {
  object_reader reader(object, std::move(path));
  reader.milliseconds("connect", limits.connect);
  reader.milliseconds("tls", limits.tls);
  reader.milliseconds("first_byte", limits.first_byte);
  reader.milliseconds("total", limits.total);
  reader.milliseconds("between_bytes", limits.between_bytes);
  reader.milliseconds("between_content", limits.between_content);
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

void read_pool(json::object const& object, std::string path, object_reader& parent, session_pool_options& pool) {
  object_reader reader(object, std::move(path));
  if (auto const most = reader.integer("max_sessions", 1))
    pool.max_sessions = static_cast<std::size_t>(*most);
  if (auto const most = reader.integer("max_idle", 0))
    pool.max_idle = static_cast<std::size_t>(*most);
  if (auto const most = reader.integer("max_handshakes", 0))
    pool.max_handshakes = static_cast<std::size_t>(*most);
  reader.milliseconds("idle_timeout_ms", pool.idle_timeout);
  reader.milliseconds("max_age_ms", pool.max_age);
  if (auto const most = reader.integer("max_requests", 0))
    pool.max_requests = static_cast<std::size_t>(*most);
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

void read_rates(json::object const& object, std::string path, object_reader& parent, rate_limits& rates) {
  object_reader reader(object, std::move(path));
  if (auto const most = reader.integer("rpm", 1))
    rates.rpm = static_cast<std::uint64_t>(*most);
  if (auto const most = reader.integer("itpm", 1))
    rates.itpm = static_cast<std::uint64_t>(*most);
  if (auto const most = reader.integer("otpm", 1))
    rates.otpm = static_cast<std::uint64_t>(*most);
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

void read_pacing(json::object const& object, std::string path, object_reader& parent, pacing_options& pacing) {
  object_reader reader(object, std::move(path));
  reader.boolean("enabled", pacing.enabled);
  if (auto const most = reader.integer("max_waiting", 0))
    pacing.max_waiting = static_cast<std::size_t>(*most);
  reader.milliseconds("max_wait_ms", pacing.max_wait);
  reader.milliseconds("ramp_ms", pacing.ramp);
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

void read_breaker(json::object const& object, std::string path, object_reader& parent,
                  circuit_breaker_options& breaker) {
  object_reader reader(object, std::move(path));
  reader.boolean("enabled", breaker.enabled);
  reader.milliseconds("window_ms", breaker.window);
  if (auto const least = reader.integer("min_attempts", 1))
    breaker.min_attempts = static_cast<unsigned>(*least);
  reader.share("failure_ratio", breaker.failure_ratio);
  reader.milliseconds("open_ms", breaker.open);
  if (auto const probes = reader.integer("probes", 1))
    breaker.probes = static_cast<unsigned>(*probes);
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

// A key is looked up once the whole object is known to be right.
void read_keys(json::array const& keys, std::string const& path, object_reader& parent, provider_options& options) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto const* object = keys[i].if_object();
    if (!object)
      return parent.fail(configuration_fault(element(path, i), "expected an object, got " + describe_value(keys[i])));
    object_reader reader(*object, element(path, i));
    api_key_options key;
    std::string given;
    reader.required_string("api_key", given);
    if (auto const weight = reader.integer("weight", 1))
      key.weight = static_cast<unsigned>(*weight);
    if (auto const* rates = reader.object("limits"))
      read_rates(*rates, reader.path_of("limits"), reader, key.limits);
    if (auto const done = reader.finish(); !done)
      return parent.fail(done.error());
    auto found = look_up_secret(std::move(given));
    if (!found)
      return parent.fail(configuration_fault(reader.path_of("api_key"), found.error().message()));
    key.api_key = std::move(*found);
    options.api_keys.push_back(std::move(key));
  }
}

// It may have a password in it, and be empty.
void read_proxy(json::object const& object, object_reader& reader, std::optional<secret>& proxy) {
  reader.known({"proxy"});
  auto const* given = object.if_contains("proxy");
  if (!given)
    return;
  if (!given->is_string())
    return reader.fail("proxy", "expected a string, got " + describe_value(*given));
  auto found = look_up_secret(std::string(given->get_string()));
  if (!found)
    return reader.fail("proxy", found.error().message());
  proxy = std::move(*found);
}

result<provider_options> read_provider_options(json::object const& object, std::string const& path) {
  provider_options options;
  object_reader reader(object, path);
  std::string key;
  reader.string("api_key", key);
  if (auto const* keys = reader.array("api_keys")) {
    if (keys->empty())
      reader.fail("api_keys", "expected at least one key");
    read_keys(*keys, reader.path_of("api_keys"), reader, options);
  } else if (key.empty()) {
    reader.fail("api_key", "missing; expected a non-empty string, or api_keys");
  }
  reader.string("api_base", options.api_base);
  reader.string("anthropic_version", options.anthropic_version);
  reader.string("ca_file", options.ca_file);
  read_proxy(object, reader, options.proxy);
  reader.boolean("verify_tls", options.verify_tls);
  reader.boolean("allow_http", options.allow_http);
  if (auto const* headers = reader.object("headers"))
    for (auto const& [name, value] : *headers) {
      if (value.is_string())
        options.headers.emplace_back(std::string(name), std::string(value.get_string()));
      else
        reader.fail("headers." + std::string(name), "expected a string, got " + describe_value(value));
    }
  if (auto const* retry = reader.object("retry"))
    read_retry(*retry, reader.path_of("retry"), reader, options);
  if (auto const* limits = reader.object("timeout_ms"))
    read_limits(*limits, reader.path_of("timeout_ms"), reader, options.limits);
  if (auto const* pool = reader.object("pool"))
    read_pool(*pool, reader.path_of("pool"), reader, options.pool);
  if (auto const* rates = reader.object("limits"))
    read_rates(*rates, reader.path_of("limits"), reader, options.rates);
  if (auto const* pacing = reader.object("pacing"))
    read_pacing(*pacing, reader.path_of("pacing"), reader, options.pacing);
  if (auto const* breaker = reader.object("circuit_breaker"))
    read_breaker(*breaker, reader.path_of("circuit_breaker"), reader, options.breaker);
  if (auto const done = reader.finish(); !done)
    return done.error();
  if (!key.empty()) {
    auto found = look_up_secret(std::move(key));
    if (!found)
      return configuration_fault(path + ".api_key", found.error().message());
    options.api_key = std::move(*found);
  }
  if (auto const checked = check_provider(options); !checked) {
    auto const& fault = checked.error();
    return configuration_fault(path + "." + fault.param(), fault.message().substr(fault.param().size() + 2));
  }
  return options;
}

result<provider_configuration> read_provider(json::value const& value, std::string const& path) {
  if (!value.is_object())
    return configuration_fault(path, "expected an object, got " + describe_value(value));
  provider_configuration provider;
  std::string type;
  object_reader reader(value.get_object(), path);
  reader.required_string("name", provider.name);
  reader.required_string("provider_type", type);
  if (!type.empty() && type != "anthropic")
    reader.fail("provider_type", "expected \"anthropic\"; claudio speaks to Claude models only");
  if (auto const* kinds = reader.array("support_model_type"))
    for (std::size_t i = 0; i < kinds->size(); ++i)
      if ((*kinds)[i] != "LLM")
        reader.fail(configuration_fault(path + "." + element("support_model_type", i),
                                        "only \"LLM\" is supported: Anthropic offers no embeddings or reranking API",
                                        errc::unsupported));
  auto const* options = reader.object("provider_config");
  if (!options)
    reader.fail("provider_config", "missing; expected an object with at least api_key");
  if (auto const done = reader.finish(); !done)
    return done.error();
  auto read = read_provider_options(*options, path + ".provider_config");
  if (!read)
    return read.error();
  provider.options = std::move(*read);
  return provider;
}

bool is_text_or_texts(json::value const& value) {
  auto const* list = value.if_array();
  return value.is_string() ||
         (list && std::all_of(list->begin(), list->end(), [](json::value const& item) { return item.is_string(); }));
}

void check_model_params(json::object const& parameters, std::string const& path, object_reader& parent) {
  object_reader reader(parameters, path);
  for (std::string_view const name : {"temperature", "top_p"})
    if (auto const* value = parameters.if_contains(name))
      if (double const number = value->is_number() ? value->to_number<double>() : -1; !(number >= 0 && number <= 1))
        reader.fail(name, "expected a number from 0 to 1, got " + describe_value(*value));
  reader.integer("max_tokens", 1);
  reader.integer("max_completion_tokens", 1);
  reader.integer("top_k", 0);
  if (auto const* stop = parameters.if_contains("stop"); stop && !is_text_or_texts(*stop))
    reader.fail("stop", "expected a string or an array of strings");
  reader.known({"temperature", "top_p", "stop"});
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

// Those that another model may not meet. What is wrong with the call, or ended it, meets each.
constexpr std::array fallback_kinds{
    errc::authentication, errc::permission,   errc::billing,         errc::model_not_found,   errc::rate_limited,
    errc::overloaded,     errc::server_error, errc::timeout,         errc::connect,           errc::tls,
    errc::protocol,       errc::circuit_open, errc::invalid_request, errc::request_too_large, errc::stream_truncated};

void read_fallback_kinds(json::array const& names, object_reader& reader, std::vector<errc>& kinds) {
  kinds.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const* found = std::find_if(fallback_kinds.begin(), fallback_kinds.end(),
                                     [&](errc kind) { return names[i] == json::string_view(to_string(kind)); });
    if (found != fallback_kinds.end()) {
      kinds.push_back(*found);
      continue;
    }
    std::string known;
    for (auto const kind : fallback_kinds)
      known.append(known.empty() ? "" : ", ").append(to_string(kind));
    reader.fail(element("on", i), "expected one of " + known);
  }
  if (names.empty())
    reader.fail("on", "expected at least one kind of error");
}

void read_fallbacks(json::array const& list, object_reader& parent, model_configuration& model) {
  for (std::size_t i = 0; i < list.size() && !parent.failed(); ++i) {
    auto const field = element("fallbacks", i);
    if (!list[i].is_object())
      return parent.fail(field, "expected an object, got " + describe_value(list[i]));
    model_fallback fallback;
    object_reader reader(list[i].get_object(), parent.path_of(field));
    reader.required_string("model", fallback.model);
    if (fallback.model == model.name)
      reader.fail("model", "a model can't be a fallback of its own");
    for (std::size_t other = 0; other < i; ++other)
      if (model.fallbacks[other].model == fallback.model)
        reader.fail("model", "the model stands in " + element("fallbacks", other) + " already");
    if (auto const* kinds = reader.array("on"))
      read_fallback_kinds(*kinds, reader, fallback.on);
    if (auto const done = reader.finish(); !done)
      return parent.fail(done.error());
    model.fallbacks.push_back(std::move(fallback));
  }
}

result<model_configuration> read_model(json::value const& value, std::string const& path) {
  if (!value.is_object())
    return configuration_fault(path, "expected an object, got " + describe_value(value));
  model_configuration model;
  std::string type;
  object_reader reader(value.get_object(), path);
  reader.required_string("name", model.name);
  reader.required_string("type", type);
  if (!type.empty() && type != "LLM")
    reader.fail(configuration_fault(path + ".type",
                                    "only \"LLM\" is supported: Anthropic offers no embeddings or reranking API",
                                    errc::unsupported));
  reader.required_string("provider_name", model.provider_name);
  model.max_tokens = reader.integer("max_tokens", 1);
  if (auto const* parameters = reader.object("model_params")) {
    check_model_params(*parameters, reader.path_of("model_params"), reader);
    model.model_params = *parameters;
  }
  std::string mode = "lenient";
  reader.string("translation", mode);
  if (mode != "lenient" && mode != "strict")
    reader.fail("translation", "expected \"lenient\" or \"strict\"");
  model.mode = mode == "strict" ? translation_mode::strict : translation_mode::lenient;
  reader.boolean("system_in_place", model.system_in_place);
  if (auto const* fallbacks = reader.array("fallbacks"))
    read_fallbacks(*fallbacks, reader, model);
  model.capabilities = capabilities_of(model.name);
  if (auto const* overrides = reader.object("capabilities")) {
    auto const overridden = override_capabilities(model.capabilities, *overrides);
    if (overridden)
      model.capabilities = *overridden;
    else
      reader.fail("capabilities." + overridden.error().param(), overridden.error().message());
  }
  if (auto const done = reader.finish(); !done)
    return done.error();
  return model;
}

std::vector<std::string> catalogue_names() {
  std::vector<std::string> names;
  for (auto const& entry : model_catalogue())
    names.emplace_back(entry.name);
  return names;
}

// A name that is not in the catalogue is the user's right, and more often a slip.
void note_unknown_model(model_configuration const& model) {
  if (find_model(model.name))
    return;
  auto const near = nearest_name(model.name, catalogue_names());
  call_log().warn("model \"{}\" is not in the catalogue{}; its capabilities are assumed", model.name,
                  near ? ", did you mean \"" + *near + "\"?" : std::string());
}

result<void> check_fallbacks(std::vector<model_configuration> const& models) {
  std::vector<std::string> names;
  for (auto const& model : models)
    names.push_back(model.name);
  for (std::size_t i = 0; i < models.size(); ++i)
    for (std::size_t j = 0; j < models[i].fallbacks.size(); ++j) {
      auto const& name = models[i].fallbacks[j].model;
      if (std::find(names.begin(), names.end(), name) != names.end())
        continue;
      auto const near = nearest_name(name, names);
      return configuration_fault(element("models", i) + "." + element("fallbacks", j) + ".model",
                                 "no model is named \"" + name + "\"" +
                                     (near ? "; did you mean \"" + *near + "\"?" : std::string()));
    }
  return {};
}

template <class Named>
std::optional<std::size_t> find_duplicate(std::vector<Named> const& entries) {
  auto const& last = entries.back();
  for (std::size_t i = 0; i + 1 < entries.size(); ++i)
    if (entries[i].name == last.name)
      return i;
  return std::nullopt;
}

} // namespace

result<configuration> configuration::from_json(json::object const& object) {
  configuration config;
  object_reader reader(object, "");
  auto const* providers = reader.array("providers");
  auto const* models = reader.array("models");
  if (!providers)
    reader.fail("providers", "missing; expected an array of providers");
  if (!models)
    reader.fail("models", "missing; expected an array of models");
  if (auto const done = reader.finish(); !done)
    return done.error();
  for (std::size_t i = 0; i < providers->size(); ++i) {
    auto provider = read_provider((*providers)[i], element("providers", i));
    if (!provider)
      return provider.error();
    config.providers.push_back(std::move(*provider));
    if (auto const first = find_duplicate(config.providers))
      return configuration_fault(element("providers", i) + ".name",
                                 "the name stands in " + element("providers", *first) + " already");
  }
  for (std::size_t i = 0; i < models->size(); ++i) {
    auto model = read_model((*models)[i], element("models", i));
    if (!model)
      return model.error();
    config.models.push_back(std::move(*model));
    auto const& added = config.models.back();
    if (auto const first = find_duplicate(config.models))
      return configuration_fault(element("models", i) + ".name",
                                 "the name stands in " + element("models", *first) + " already");
    if (std::none_of(config.providers.begin(), config.providers.end(),
                     [&](provider_configuration const& provider) { return provider.name == added.provider_name; }))
      return configuration_fault(element("models", i) + ".provider_name",
                                 "no provider is named \"" + added.provider_name + "\"");
    note_unknown_model(added);
  }
  if (auto const checked = check_fallbacks(config.models); !checked)
    return checked.error();
  return config;
}

result<configuration> configuration::parse(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  auto value = parse_json(text);
  if (!value)
    return error(errc::configuration, value.error().message());
  if (!value->is_object())
    return error(errc::configuration, "expected an object with providers and models, got " + describe_value(*value));
  return from_json(value->get_object());
}

result<configuration> configuration::load(std::string const& path) {
  auto text = read_file(path);
  if (!text)
    return text.error();
  auto config = parse(*text);
  wipe(*text);
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
  char const* const key = std::getenv("ANTHROPIC_API_KEY");
  if (!key || *key == '\0')
    return error(errc::configuration, "the environment variable ANTHROPIC_API_KEY is not set; set it to your API key");
  provider.options.api_key = secret(key);
  if (char const* const base = std::getenv("ANTHROPIC_BASE_URL"); base && *base != '\0') {
    provider.options.api_base = base;
    while (provider.options.api_base.ends_with('/'))
      provider.options.api_base.pop_back();
    // Anthropic's SDKs take the address without the version.
    if (!provider.options.api_base.ends_with("/v1"))
      provider.options.api_base += "/v1";
  }
  if (auto const checked = check_provider(provider.options); !checked) {
    bool const is_key = checked.error().param() == "api_key";
    return configuration_fault(is_key ? "ANTHROPIC_API_KEY" : "ANTHROPIC_BASE_URL",
                               checked.error().message() + "; a configuration file has more options");
  }
  configuration config;
  config.providers.push_back(std::move(provider));
  for (auto const& entry : model_catalogue()) {
    model_configuration model;
    model.name = std::string(entry.name);
    model.provider_name = "anthropic";
    model.capabilities = entry.capabilities;
    config.models.push_back(std::move(model));
  }
  return config;
}

} // namespace claudio
