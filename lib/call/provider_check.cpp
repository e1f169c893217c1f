#include "call/provider_check.hpp"

#include "call/request_writer.hpp"
#include "core/object_reader.hpp"
#include "core/proxy.hpp"
#include "core/secret_file.hpp"

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
  if (is_blank(key.reveal()))
    return configuration_fault(path, "the key is nothing but white space; give the key, \"env:NAME\" or \"file:PATH\"");
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

// What a file's reader has checked may have been set in code.
result<void> check_rates(rate_limits const& rates, std::string const& path) {
  auto const check = [&](std::optional<std::uint64_t> const& limit, char const* name) -> result<void> {
    if (limit == 0u)
      return configuration_fault(path + "." + name, "expected an integer ≥ 1, got 0");
    return {};
  };
  for (auto const& checked : {check(rates.rpm, "rpm"), check(rates.itpm, "itpm"), check(rates.otpm, "otpm")})
    if (!checked)
      return checked;
  return {};
}

result<void> check_time(std::chrono::milliseconds time, char const* path) {
  constexpr std::chrono::hours longest(24 * 365);
  if (time.count() < 0 || time > longest)
    return configuration_fault(path, "expected a time from 0 to a year");
  return {};
}

result<void> check_share(double share, char const* path) {
  if (!(share > 0 && share <= 1))
    return configuration_fault(path, "expected a number above 0, at most 1");
  return {};
}

result<void> check_limits(provider_options const& options) {
  auto const& breaker = options.breaker;
  bool const probes = breaker.probes >= 1 && breaker.min_attempts >= 1;
  bool const budget = options.retry_budget_tokens >= 0 && options.retry_budget_tokens <= 1e9;
  for (auto const& checked : {
           check_rates(options.rates, "limits"),
           check_time(options.pacing.max_wait, "pacing.max_wait_ms"),
           check_time(options.pacing.ramp, "pacing.ramp_ms"),
           check_time(breaker.window, "circuit_breaker.window_ms"),
           check_time(breaker.open, "circuit_breaker.open_ms"),
           check_share(breaker.failure_ratio, "circuit_breaker.failure_ratio"),
           check_share(options.retry_budget_ratio, "retry.budget.ratio"),
       })
    if (!checked)
      return checked;
  if (!probes)
    return configuration_fault("circuit_breaker", "expected probes and min_attempts ≥ 1");
  if (!budget)
    return configuration_fault("retry.budget.tokens", "expected a number from 0 to 1000000000");
  for (std::size_t i = 0; i < options.api_keys.size(); ++i)
    if (auto const checked = check_rates(options.api_keys[i].limits, "api_keys[" + std::to_string(i) + "].limits");
        !checked)
      return checked;
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
  if (auto const checked = check_limits(options); !checked)
    return checked.error();
  if (options.pool.max_sessions == 0)
    return configuration_fault("pool.max_sessions", "expected an integer ≥ 1, got 0");
  if (options.max_answer_bytes == 0)
    return configuration_fault("max_answer_bytes", "expected an integer ≥ 1, got 0");
  return base;
}

} // namespace claudio
