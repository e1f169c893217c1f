#include "runtime/configuration_reader.hpp"

#include "call/provider_check.hpp"
#include "core/credential_header.hpp"
#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "core/secret_file.hpp"
#include "observe/key_file.hpp"

#include <algorithm>

namespace claudio {
namespace json = boost::json;

std::string element(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

bool is_reference(std::string_view text) noexcept { return text.starts_with("env:") || text.starts_with("file:"); }

result<secret> look_up_secret(std::string const&, secret given) {
  if (given.reveal() == in_vault)
    return error(errc::configuration, "\"vault:\" stands for a secret in a database; this is a file");
  if (!is_reference(given.reveal()))
    return given;
  std::string const where(given.reveal());
  auto const name = where.substr(where.find(':') + 1);
  if (where.starts_with("env:"))
    return read_secret_variable(name);
  auto text = read_key_file(name, "the file \"" + name + "\"");
  return text ? without_trailing_space(std::move(*text), "the file \"" + name + "\"") : text;
}

void read_name(object_reader& reader, std::string& name) {
  reader.required_string("name", name);
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    reader.fail("name", "has a line break or another control character");
}

namespace {

error secret_fault(std::string path, error const& reason) {
  return configuration_fault(std::move(path), reason.message(), reason.code());
}

// Names are shown to people, and stand in messages.

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

void read_prices(json::object const& object, std::string const& path, object_reader& parent, price_table& prices) {
  auto read = price_table::parse(object, path);
  if (read)
    prices = std::move(*read);
  else
    parent.fail(read.error());
}

// Without a copy that would stay behind; empty when it is absent or faulty.
secret read_secret_text(json::object const& object, std::string_view field, object_reader& reader,
                        std::string const& expected = "a non-empty string") {
  reader.known({field});
  auto const* const given = find_value(object, field);
  if (!given)
    return secret();
  if (given->is_string())
    return secret::copy_of(given->get_string());
  reader.fail(field, "expected " + expected + ", got " + describe_value(*given));
  return secret();
}

// A key is looked up once the whole object is known to be right.
void read_keys(json::array const& keys, std::string const& path, object_reader& parent, secret_reader const& find,
               provider_options& options) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto const* object = keys[i].if_object();
    if (!object)
      return parent.fail(configuration_fault(element(path, i), "expected an object, got " + describe_value(keys[i])));
    object_reader reader(*object, element(path, i));
    api_key_options key;
    auto given = read_secret_text(*object, "api_key", reader);
    if (given.empty() && !reader.failed())
      reader.missing("api_key", "a non-empty string");
    if (auto const weight = reader.integer("weight", 1))
      key.weight = static_cast<unsigned>(*weight);
    if (auto const* rates = reader.object("limits"))
      read_rates(*rates, reader.path_of("limits"), reader, key.limits);
    if (auto const done = reader.finish(); !done)
      return parent.fail(done.error());
    auto found = find(element("api_keys", i) + ".api_key", std::move(given));
    if (!found)
      return parent.fail(secret_fault(reader.path_of("api_key"), found.error()));
    key.api_key = std::move(*found);
    options.api_keys.push_back(std::move(key));
  }
}

// It may have a password in it, and be empty.
void read_proxy(json::object const& object, object_reader& reader, secret_reader const& find,
                std::optional<secret>& proxy) {
  reader.known({"proxy"});
  auto const* given = object.if_contains("proxy");
  if (!given)
    return;
  auto text = read_secret_text(object, "proxy", reader, "a string");
  if (reader.failed())
    return;
  auto found = find("proxy", std::move(text));
  if (!found)
    return reader.fail(secret_fault(reader.path_of("proxy"), found.error()));
  proxy = std::move(*found);
}

void read_headers(json::object const& given, object_reader& reader, secret_reader const& find, header_list& headers) {
  for (auto const& [name, value] : given) {
    auto const field = "headers." + std::string(name);
    if (!value.is_string())
      return reader.fail(field, "expected a string, got " + describe_value(value));
    std::string_view const text = value.get_string();
    if (text != in_vault && !(is_reference(text) && names_credential(name))) {
      headers.emplace_back(std::string(name), std::string(text));
      continue;
    }
    auto const found = find(field, secret::copy_of(text));
    if (!found)
      return reader.fail(secret_fault(reader.path_of(field), found.error()));
    headers.emplace_back(std::string(name), std::string(found->reveal()));
  }
}

result<provider_options> read_provider_options(json::object const& object, std::string const& path,
                                               secret_reader const& find) {
  provider_options options;
  object_reader reader(object, path);
  auto key = read_secret_text(object, "api_key", reader);
  if (auto const* keys = reader.array("api_keys")) {
    if (keys->empty())
      reader.fail("api_keys", "expected at least one key");
    read_keys(*keys, reader.path_of("api_keys"), reader, find, options);
  } else if (key.empty()) {
    reader.missing("api_key", "a non-empty string, or api_keys");
  }
  reader.string("api_base", options.api_base);
  reader.string("anthropic_version", options.anthropic_version);
  reader.string("ca_file", options.ca_file);
  read_proxy(object, reader, find, options.proxy);
  reader.boolean("bearer", options.bearer);
  reader.boolean("verify_tls", options.verify_tls);
  reader.boolean("allow_http", options.allow_http);
  if (auto const* headers = reader.object("headers"))
    read_headers(*headers, reader, find, options.headers);
  if (auto const* retry = reader.object("retry"))
    read_retry(*retry, reader.path_of("retry"), reader, options);
  if (auto const* limits = reader.object("timeout_ms"))
    read_limits(*limits, reader.path_of("timeout_ms"), reader, options.limits);
  if (auto const* pool = reader.object("pool"))
    read_pool(*pool, reader.path_of("pool"), reader, options.pool);
  if (auto const most = reader.integer("max_answer_bytes", 1))
    options.max_answer_bytes = static_cast<std::uint64_t>(*most);
  if (auto const* rates = reader.object("limits"))
    read_rates(*rates, reader.path_of("limits"), reader, options.rates);
  if (auto const* pacing = reader.object("pacing"))
    read_pacing(*pacing, reader.path_of("pacing"), reader, options.pacing);
  if (auto const* breaker = reader.object("circuit_breaker"))
    read_breaker(*breaker, reader.path_of("circuit_breaker"), reader, options.breaker);
  if (auto const* prices = reader.object("prices"))
    read_prices(*prices, reader.path_of("prices"), reader, options.prices);
  if (auto const done = reader.finish(); !done)
    return done.error();
  if (!key.empty()) {
    auto found = find("api_key", std::move(key));
    if (!found)
      return secret_fault(path + ".api_key", found.error());
    options.api_key = std::move(*found);
  }
  if (auto const checked = check_provider(options); !checked) {
    auto const& fault = checked.error();
    return configuration_fault(path + "." + fault.param(), fault.message().substr(fault.param().size() + 2));
  }
  return options;
}

} // namespace

result<provider_configuration> read_provider(json::value const& value, std::string const& path,
                                             secret_reader const& find) {
  if (!value.is_object())
    return configuration_fault(path, "expected an object, got " + describe_value(value));
  provider_configuration provider;
  std::string type;
  object_reader reader(value.get_object(), path);
  read_name(reader, provider.name);
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
    reader.missing("provider_config", "an object with at least api_key");
  if (auto const done = reader.finish(); !done)
    return done.error();
  auto read = read_provider_options(*options, path + ".provider_config", find);
  if (!read)
    return read.error();
  provider.options = std::move(*read);
  return provider;
}

} // namespace claudio
