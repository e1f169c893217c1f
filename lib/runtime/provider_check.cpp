#include "runtime/provider_check.hpp"

#include "core/object_reader.hpp"
#include "core/proxy.hpp"
#include "net/request_writer.hpp"

namespace claudio {

namespace {

// What is loosened for loopback must not leave this machine by way of a proxy.
result<void> check_proxy(provider_options const& options, api_base const& base) {
  if (!options.proxy || options.proxy->empty())
    return {};
  auto const proxy = proxy_address::parse(options.proxy->reveal(), "proxy");
  if (!proxy)
    return proxy.error();
  if (is_loopback_host(proxy->host))
    return {};
  if (!base.tls && !options.allow_http)
    return configuration_fault("proxy", "with the http:// of api_base the key would go unencrypted to " + proxy->host +
                                            "; use https://, or set allow_http");
  if (!options.verify_tls)
    return configuration_fault("proxy", "verify_tls can be false for loopback addresses only, and a proxy leads to " +
                                            proxy->host + "; name the server's authority in ca_file instead");
  return {};
}

result<void> check_key(secret const& key, std::string const& path) {
  if (key.empty())
    return configuration_fault(path, "missing; give the key, \"env:NAME\" or \"file:PATH\"");
  if (!check_header("x-api-key", key.reveal()))
    return configuration_fault(path, "the key has a line break or another control character");
  return {};
}

result<void> check_keys(provider_options const& options) {
  if (options.api_keys.empty())
    return check_key(options.api_key, "api_key");
  if (!options.api_key.empty())
    return configuration_fault("api_keys", "give api_key or api_keys, not both");
  for (std::size_t i = 0; i < options.api_keys.size(); ++i) {
    auto const path = "api_keys[" + std::to_string(i) + "]";
    if (auto const checked = check_key(options.api_keys[i].api_key, path + ".api_key"); !checked)
      return checked;
    if (options.api_keys[i].weight == 0)
      return configuration_fault(path + ".weight", "expected an integer ≥ 1, got 0");
  }
  return {};
}

} // namespace

result<api_base> check_provider(provider_options const& options) {
  if (auto const checked = check_keys(options); !checked)
    return checked.error();
  auto base = api_base::parse(options.api_base);
  if (!base)
    return configuration_fault("api_base", base.error().message());
  if (!base->tls && !base->is_loopback() && !options.allow_http)
    return configuration_fault("api_base", "http:// would send the key unencrypted to " + base->host +
                                               "; use https://, or set allow_http");
  if (!options.verify_tls && !base->is_loopback())
    return configuration_fault("verify_tls", "can be false for loopback addresses only, not for " + base->host +
                                                 "; name the server's authority in ca_file instead");
  if (auto const checked = check_proxy(options, *base); !checked)
    return checked.error();
  if (!check_header("anthropic-version", options.anthropic_version))
    return configuration_fault("anthropic_version", "has a line break or another control character");
  for (auto const& [name, value] : options.headers)
    if (auto const checked = check_header(name, value); !checked)
      return configuration_fault("headers." + name, checked.error().message());
  if (options.pool.max_sessions == 0)
    return configuration_fault("pool.max_sessions", "expected an integer ≥ 1, got 0");
  return base;
}

} // namespace claudio
