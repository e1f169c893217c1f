#pragma once

#include <claudio/call_options.hpp>
#include <claudio/error.hpp>
#include <claudio/headers.hpp>
#include <claudio/limiter.hpp>
#include <claudio/models.hpp>
#include <claudio/prices.hpp>
#include <claudio/retry_policy.hpp>
#include <claudio/secret.hpp>
#include <claudio/session_pool.hpp>
#include <claudio/translate.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// How to reach one provider endpoint: what the guide calls `provider_config`. `docs/configuration.md` has every field.
class provider_options {
public:
  provider_options() = default;

  secret api_key;
  std::vector<api_key_options> api_keys; ///< instead of `api_key`: several, each with its own pacing
  bool bearer = false; ///< the keys are tokens: sent as `authorization: Bearer …`, not as `x-api-key`
  std::string api_base = "https://api.anthropic.com/v1";
  std::string anthropic_version = "2023-06-01";
  std::string ca_file;     ///< PEM file of the trusted authorities; empty: the system's
  bool verify_tls = true;  ///< may be false for loopback addresses only
  bool allow_http = false; ///< permits `http://` to other than loopback addresses
  header_list headers;     ///< sent with every request
  /// `http://[user:password@]host[:port]`, the credentials percent-encoded; set and empty: no proxy. Not set: what
  /// `https_proxy` (for an `http://` address `http_proxy`) and `no_proxy` say when the client is made.
  std::optional<secret> proxy;
  retry_policy retry;
  time_limits limits;
  session_pool_options pool;
  /// How much of an answer is held in memory: a whole body, one event of a stream, and what a stream has sent so far. A
  /// larger answer fails with `errc::protocol` and is not tried again.
  std::uint64_t max_answer_bytes = 32 * 1024 * 1024;
  rate_limits rates; ///< what may be used each minute; `limits` in the file
  pacing_options pacing;
  double retry_budget_tokens = 1000; ///< see `retry_budget`; 0: retries are not bounded together
  double retry_budget_ratio = 0.1;
  circuit_breaker_options breaker;
  price_table prices = price_table::published(); ///< what calls cost

  bool operator==(provider_options const&) const = default;
};

/// One entry of `providers`.
class provider_configuration {
public:
  provider_configuration() = default;

  std::string name;
  provider_options options;
  std::optional<error> fault; ///< why it can't be used, while others can: its models answer with this
};

/// One entry of `fallbacks`: who answers where a model fails.
class model_fallback {
public:
  model_fallback() = default;

  std::string model; ///< one of the configured
  /// The kinds of the error, of the model tried last, that the call goes on for.
  std::vector<errc> on{errc::overloaded, errc::rate_limited, errc::server_error, errc::circuit_open,
                       errc::stream_truncated};
};

/// One entry of `models`.
class model_configuration {
public:
  model_configuration() = default;

  std::string name;
  std::string provider_name;
  std::optional<std::int64_t> max_tokens;
  boost::json::object model_params;               ///< defaults in OpenAI's format for what a request leaves out
  std::optional<model_capabilities> capabilities; ///< not set: what the catalogue has for the name
  translation_mode mode = translation_mode::lenient;
  system_placement system_messages = system_placement::hoist; ///< of instructions inside a conversation
  std::vector<model_fallback> fallbacks; ///< asked in this order when the model fails; their own are not followed
  std::optional<error> fault;            ///< why it can't be used, while others can
};

/// Providers and models in the guide's JSON form: `{"providers": […], "models": […]}`.
class configuration {
public:
  configuration() = default;

  std::vector<provider_configuration> providers;
  std::vector<model_configuration> models;
  /// The provider of models that are not in `models`; empty: these answer `errc::model_not_found`.
  std::string default_provider;
  std::uint64_t revision = 0; ///< of the database that it was loaded from: another one says that it has changed

  /// Reads and checks a configuration. API keys given as `env:NAME` or `file:PATH` are looked up here.
  /// Errors: `errc::configuration`; the message begins with the path of the field at fault, as does `param()`, and
  /// never shows a key. `errc::unsupported` for embedding and reranking models.
  static result<configuration> parse(std::string_view json);
  static result<configuration> from_json(boost::json::object const& json);
  static result<configuration> load(std::string const& path);

  /// One provider, `anthropic`, with `ANTHROPIC_API_KEY`, or else the bearer token `ANTHROPIC_AUTH_TOKEN`, and
  /// optionally `ANTHROPIC_BASE_URL` (without or with `/v1`); and all models of the catalogue. It is the default
  /// provider: models that the catalogue does not have are called, too, with a warning. Errors: `errc::configuration`
  /// when neither the key nor the token is set.
  static result<configuration> from_env();
};

} // namespace claudio
