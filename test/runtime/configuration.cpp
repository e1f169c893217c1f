#include "support/call.hpp"
#include "support/log_capture.hpp"
#include "support/test.hpp"

#include <claudio/configuration.hpp>
#include <claudio/model_manager.hpp>

#include <boost/json/serialize.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace claudio;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// The guide's two documents, with a key of the test's.
constexpr std::string_view guide = R"({
  "providers": [{
    "name": "anthropic", "provider_type": "anthropic", "support_model_type": ["LLM"],
    "provider_config": {"api_key": "sk-ant-literal-key-1234", "api_base": "https://api.anthropic.com/v1"}}],
  "models": [{
    "name": "claude-3-5-sonnet-20241022", "type": "LLM", "provider_name": "anthropic", "max_tokens": 4096,
    "model_params": {"temperature": 0.7, "max_tokens": 4096}}]})";

// The guide's configuration with one member of provider 0, or of model 0, replaced.
std::string with(std::string_view part, std::string_view field, std::string_view value) {
  auto json = test::json(guide).as_object();
  auto* object = &json.at(part == "models" ? "models" : "providers").as_array().at(0).as_object();
  if (part == "provider_config")
    object = &object->at("provider_config").as_object();
  (*object)[field] = test::json(value);
  return boost::json::serialize(json);
}

} // namespace

BOOST_AUTO_TEST_SUITE(configurations)

BOOST_AUTO_TEST_CASE(the_guides_documents) {
  auto const config = configuration::parse(guide);
  BOOST_REQUIRE(config.has_value());
  BOOST_TEST(config->providers.at(0).options.api_key.reveal() == "sk-ant-literal-key-1234");
  BOOST_TEST(config->models.at(0).max_tokens.value() == 4096);
  BOOST_TEST(config->models.at(0).model_params.at("temperature").as_double() == 0.7);
  asio::io_context context;
  model_manager const manager(context.get_executor(), *config, serial);
  BOOST_TEST(manager.get_model_instance("claude-3-5-sonnet-20241022").value().name() == "claude-3-5-sonnet-20241022");
  auto const slip = manager.get_model_instance("claude-3-5-sonet-20241022");
  BOOST_TEST(slip.error().code() == errc::model_not_found);
  BOOST_TEST(slip.error().message().find("did you mean \"claude-3-5-sonnet-20241022\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(all_options) {
  auto const config = configuration::parse(
      with("provider_config", "retry", R"({"max_retries":0,"base_delay_ms":5,"max_delay_ms":6,"jitter":false})"));
  BOOST_TEST(config->providers[0].options.retry.max_retries == 0u);
  BOOST_TEST((config->providers[0].options.retry.base_delay == 5ms));
  BOOST_TEST((config->providers[0].options.retry.max_delay == 6ms));
  BOOST_TEST(!config->providers[0].options.retry.jitter);
  auto const limits =
      configuration::parse(with("provider_config", "timeout_ms", R"({"connect":1,"tls":2,"first_byte":3,"total":4})"));
  BOOST_TEST((limits->providers[0].options.limits.connect == 1ms));
  BOOST_TEST((limits->providers[0].options.limits.tls == 2ms));
  BOOST_TEST((limits->providers[0].options.limits.first_byte == 3ms));
  BOOST_TEST((limits->providers[0].options.limits.total == 4ms));
  auto const pool = configuration::parse(
      with("provider_config", "pool", R"({"max_sessions":1,"max_idle":0,"max_handshakes":3,"idle_timeout_ms":9})"));
  BOOST_TEST(pool->providers[0].options.pool.max_sessions == 1u);
  BOOST_TEST(pool->providers[0].options.pool.max_idle == 0u);
  BOOST_TEST(pool->providers[0].options.pool.max_handshakes == 3u);
  BOOST_TEST((pool->providers[0].options.pool.idle_timeout == 9ms));
  BOOST_TEST(pool->providers[0].options.max_answer_bytes == 32u * 1024 * 1024);
  auto const answers = configuration::parse(with("provider_config", "max_answer_bytes", "1000"));
  BOOST_TEST(answers->providers[0].options.max_answer_bytes == 1000u);
  BOOST_TEST(!pool->providers[0].options.proxy.has_value());
  auto const direct = configuration::parse(with("provider_config", "proxy", R"("")"));
  BOOST_TEST(direct->providers[0].options.proxy.value().empty());
  auto const proxied = configuration::parse(with("provider_config", "proxy", R"("http://u:p@proxy.example:3128")"));
  BOOST_TEST(proxied->providers[0].options.proxy.value().reveal() == "http://u:p@proxy.example:3128");
  auto const strict = configuration::parse(with("models", "translation", R"("strict")"));
  BOOST_TEST((strict->models[0].mode == translation_mode::strict));
  auto const placed = [](char const* field, char const* value) {
    return configuration::parse(with("models", field, value))->models[0].system_messages;
  };
  BOOST_TEST((placed("system_in_place", "true") == system_placement::in_place));
  BOOST_TEST((placed("system_in_place", "false") == system_placement::hoist));
  BOOST_TEST((placed("system_messages", "\"user_turn\"") == system_placement::user_turn));
  auto const capable = configuration::parse(with("models", "capabilities", R"({"max_output_tokens":77})"));
  BOOST_TEST(capable->models[0].capabilities->max_output_tokens == 77);
  BOOST_TEST((capable->models[0].capabilities->lifecycle == model_lifecycle::retired));
}

BOOST_AUTO_TEST_CASE(limits_keys_and_outages) {
  auto const rates = configuration::parse(with("provider_config", "limits", R"({"rpm":1,"itpm":2,"otpm":3})"));
  BOOST_TEST(rates->providers[0].options.rates.rpm.value() == 1u);
  BOOST_TEST(rates->providers[0].options.rates.itpm.value() == 2u);
  BOOST_TEST(rates->providers[0].options.rates.otpm.value() == 3u);
  auto const pacing = configuration::parse(
      with("provider_config", "pacing", R"({"enabled":false,"max_waiting":5,"max_wait_ms":6,"ramp_ms":7})"));
  BOOST_TEST(!pacing->providers[0].options.pacing.enabled);
  BOOST_TEST(pacing->providers[0].options.pacing.max_waiting == 5u);
  BOOST_TEST((pacing->providers[0].options.pacing.max_wait == 6ms));
  BOOST_TEST((pacing->providers[0].options.pacing.ramp == 7ms));
  auto const breaker = configuration::parse(
      with("provider_config", "circuit_breaker",
           R"({"enabled":false,"window_ms":1,"min_attempts":2,"failure_ratio":0.75,"open_ms":3,"probes":4})"));
  BOOST_TEST(!breaker->providers[0].options.breaker.enabled);
  BOOST_TEST((breaker->providers[0].options.breaker.window == 1ms));
  BOOST_TEST(breaker->providers[0].options.breaker.min_attempts == 2u);
  BOOST_TEST(breaker->providers[0].options.breaker.failure_ratio == 0.75);
  BOOST_TEST((breaker->providers[0].options.breaker.open == 3ms));
  BOOST_TEST(breaker->providers[0].options.breaker.probes == 4u);
  auto const budget = configuration::parse(with("provider_config", "retry", R"({"budget":{"tokens":0,"ratio":0.5}})"));
  BOOST_TEST(budget->providers[0].options.retry_budget_tokens == 0);
  BOOST_TEST(budget->providers[0].options.retry_budget_ratio == 0.5);
  BOOST_TEST((budget->providers[0].options.prices == price_table::published()));
  auto const prices = configuration::parse(
      with("provider_config", "prices", R"({"mine":{"input":3,"output":15},"claude-opus-4-8":null})"));
  BOOST_TEST(prices->providers[0].options.prices.find("mine")->output == 15'000'000);
  BOOST_TEST(!prices->providers[0].options.prices.find("claude-opus-4-8"));
  BOOST_TEST(!(prices->providers[0].options == budget->providers[0].options));
  auto const keys = configuration::parse(R"({"models":[],"providers":[{"name":"p","provider_type":"anthropic",)"
                                         R"("provider_config":{"api_keys":[{"api_key":"sk-ant-a","weight":3,)"
                                         R"("limits":{"rpm":9}},{"api_key":"sk-ant-b"}]}}]})");
  BOOST_REQUIRE(keys.has_value());
  auto const& given = keys->providers[0].options.api_keys;
  BOOST_REQUIRE(given.size() == 2u);
  BOOST_TEST(given[0].api_key.reveal() == "sk-ant-a");
  BOOST_TEST(given[0].weight == 3u);
  BOOST_TEST(given[0].limits.rpm.value() == 9u);
  BOOST_TEST(given[1].weight == 1u);
}

BOOST_AUTO_TEST_CASE(faults_are_named_by_their_path) {
  struct row {
    std::string text;
    char const* message;
  };
  row const rows[] = {
      {with("provider_config", "retry", R"({"max_retries":-1})"),
       "providers[0].provider_config.retry.max_retries: expected an integer ≥ 0, got -1"},
      {with("provider_config", "retry", R"({"max_retires":1})"),
       "providers[0].provider_config.retry.max_retires: unknown field; did you mean \"max_retries\"?"},
      {with("provider_config", "retry", "7"), "providers[0].provider_config.retry: expected an object, got 7"},
      {with("provider_config", "timeout_ms", R"({"total":"1s"})"),
       "providers[0].provider_config.timeout_ms.total: expected an integer ≥ 0, got a string"},
      {with("provider_config", "max_answer_bytes", "0"),
       "providers[0].provider_config.max_answer_bytes: expected an integer ≥ 1, got 0"},
      {with("provider_config", "pool", R"({"max_sessions":0})"),
       "providers[0].provider_config.pool.max_sessions: expected an integer ≥ 1, got 0"},
      {with("provider_config", "limits", R"({"rpm":0})"),
       "providers[0].provider_config.limits.rpm: expected an integer ≥ 1, got 0"},
      {with("provider_config", "limits", R"({"tpm":1})"), "providers[0].provider_config.limits.tpm: unknown field"},
      {with("provider_config", "pacing", R"({"max_wait":1})"),
       "providers[0].provider_config.pacing.max_wait: unknown field; did you mean"},
      {with("provider_config", "circuit_breaker", R"({"failure_ratio":2})"),
       "providers[0].provider_config.circuit_breaker.failure_ratio: expected a number above 0, at most 1, got 2"},
      {with("provider_config", "retry", R"({"budget":{"ratio":0}})"),
       "providers[0].provider_config.retry.budget.ratio: expected a number above 0, at most 1, got 0"},
      {with("provider_config", "prices", R"({"mine":{"input":3}})"),
       "providers[0].provider_config.prices.mine.output: missing; expected dollars per million tokens"},
      {with("provider_config", "api_keys", "[]"), "providers[0].provider_config.api_keys: expected at least one key"},
      {with("provider_config", "api_keys", R"([{"api_key":"sk-ant-a"}])"),
       "providers[0].provider_config.api_keys: give api_key or api_keys, not both"},
      {with("provider_config", "api_keys", R"([{"weight":1}])"),
       "providers[0].provider_config.api_keys[0].api_key: missing"},
      {with("provider_config", "api_keys", R"([7])"),
       "providers[0].provider_config.api_keys[0]: expected an object, got 7"},
      {with("provider_config", "api_base", R"("http://example.com/v1")"),
       "providers[0].provider_config.api_base: http:// would send the key unencrypted"},
      {with("provider_config", "verify_tls", "false"),
       "providers[0].provider_config.verify_tls: can be false for loopback"},
      {with("provider_config", "headers", R"({"x":7})"),
       "providers[0].provider_config.headers.x: expected a string, got 7"},
      {with("provider_config", "headers", R"({"x":"a\nb"})"),
       "providers[0].provider_config.headers.x: the header's value"},
      {with("provider_config", "api_key", R"("env:CLAUDIO_TEST_NOT_SET")"),
       "providers[0].provider_config.api_key: the environment variable \"CLAUDIO_TEST_NOT_SET\" is not set"},
      {with("provider_config", "proxy", "7"), "providers[0].provider_config.proxy: expected a string, got 7"},
      {with("provider_config", "proxy", R"("socks5://user:literal-key@proxy.example")"),
       "providers[0].provider_config.proxy: socks5:// proxies are not supported"},
      {with("provider_config", "proxy", R"("http://user:literal-key@proxy.example:x")"),
       "providers[0].provider_config.proxy: expected http://[user:password@]host[:port], but"},
      {with("provider_config", "proxy", R"("env:CLAUDIO_TEST_NOT_SET")"),
       "providers[0].provider_config.proxy: the environment variable \"CLAUDIO_TEST_NOT_SET\" is not set"},
      {with("provider_config", "api_key", R"("file:/no/such/key")"),
       "providers[0].provider_config.api_key: can't read the file \"/no/such/key\": No such file or directory"},
      {with("provider_config", "api_key", "7"),
       "providers[0].provider_config.api_key: expected a non-empty string, got 7"},
      {with("providers", "provider_type", R"("openai")"), "providers[0].provider_type: expected \"anthropic\""},
      {with("providers", "support_model_type", R"(["LLM","TEXT_EMBEDDING"])"),
       "providers[0].support_model_type[1]: only"},
      {with("providers", "provider_config", "null"), "providers[0].provider_config: expected an object, got null"},
      {with("providers", "nmae", "1"), "providers[0].nmae: unknown field; did you mean \"name\"?"},
      {with("models", "type", R"("RERANK")"), "models[0].type: only \"LLM\" is supported"},
      {with("models", "provider_name", R"("other")"), "models[0].provider_name: no provider is named \"other\""},
      {with("models", "max_tokens", "0"), "models[0].max_tokens: expected an integer ≥ 1, got 0"},
      {with("models", "model_params", R"({"temperature":"hot"})"),
       "models[0].model_params.temperature: expected a number from 0 to 1"},
      {with("models", "model_params", R"({"temperature":7})"),
       "models[0].model_params.temperature: expected a number from"},
      {with("models", "model_params", R"({"stop":[1]})"), "models[0].model_params.stop: expected a string or an array"},
      {with("provider_config", "api_key", R"("file:/tmp")"),
       "providers[0].provider_config.api_key: can't read the file \"/tmp\": Is a directory"},
      {with("models", "model_params", R"({"seed":1})"), "models[0].model_params.seed: unknown field"},
      {with("models", "translation", R"("loose")"), "models[0].translation: expected \"lenient\" or \"strict\""},
      {with("models", "system_messages", R"("here")"),
       "models[0].system_messages: expected \"hoist\", \"in_place\" or \"user_turn\""},
      {with("models", "system_in_place", "1"), "models[0].system_in_place: expected true or false, got 1"},
      {with("models", "capabilities", R"({"prefill":1})"),
       "models[0].capabilities.prefill: expected true or false, got 1"},
      {with("models", "fallbacks", "7"), "models[0].fallbacks: expected an array, got 7"},
      {with("models", "fallbacks", "[7]"), "models[0].fallbacks[0]: expected an object, got 7"},
      {with("models", "fallbacks", "[{}]"), "models[0].fallbacks[0].model: missing; expected a non-empty string"},
      {with("models", "fallbacks", R"([{"model":"claude-3-5-sonnet-20241022"}])"),
       "models[0].fallbacks[0].model: a model can't be a fallback of its own"},
      {with("models", "fallbacks", R"([{"model":"a"},{"model":"a"}])"),
       "models[0].fallbacks[1].model: the model stands in fallbacks[0] already"},
      {with("models", "fallbacks", R"([{"model":"claude-3-5-sonet-20241022"}])"),
       "models[0].fallbacks[0].model: no model is named \"claude-3-5-sonet-20241022\"; did you mean "
       "\"claude-3-5-sonnet-20241022\"?"},
      {with("models", "fallbacks", R"([{"model":"a","only":[]}])"), "models[0].fallbacks[0].only: unknown field"},
      {with("models", "fallbacks", R"([{"model":"a","on":"timeout"}])"),
       "models[0].fallbacks[0].on: expected an array, got a string"},
      {with("models", "fallbacks", R"([{"model":"a","on":[]}])"),
       "models[0].fallbacks[0].on: expected at least one kind of error"},
      {with("models", "fallbacks", R"([{"model":"b"},{"model":"a","on":["cancelled"]}])"),
       "models[0].fallbacks[1].on[0]: expected one of timeout, connect, tls, protocol, authentication, permission, "
       "invalid_request, model_not_found, request_too_large, rate_limited, overloaded, server_error, billing, "
       "stream_truncated, circuit_open"},
      {with("models", "fallbacks", R"([{"model":"a","on":["tls",7]}])"),
       "models[0].fallbacks[0].on[1]: expected one of "},
      {"[]", "expected an object"},
      {"{", "not valid JSON"},
      {"{}", "providers: missing"},
      {R"({"providers":[]})", "models: missing"},
      {R"({"provider":[],"models":[]})", "provider: unknown field; did you mean \"providers\"?"},
      {R"({"providers":[{"name":"a","provider_type":"anthropic","provider_confg":{}}],"models":[]})",
       "providers[0].provider_confg: unknown field; did you mean \"provider_config\"?"},
      {R"({"providers":[{"name":"a","provider_type":"anthropic","provider_config":{"api_kye":"x"}}],"models":[]})",
       "providers[0].provider_config.api_kye: unknown field; did you mean \"api_key\"?"},
      {R"({"providers":[7],"models":[]})", "providers[0]: expected an object, got 7"},
      {R"({"providers":[],"models":[],"extra":1})", "extra: unknown field"}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.text) {
      auto const config = configuration::parse(row.text);
      BOOST_REQUIRE(config.has_error());
      BOOST_TEST(config.error().message().substr(0, std::string_view(row.message).size()) == row.message);
      BOOST_TEST(config.error().message().find("literal-key") == std::string::npos);
    }
  BOOST_TEST(configuration::parse(with("models", "type", R"("RERANK")")).error().code() == errc::unsupported);
}

BOOST_AUTO_TEST_CASE(fallbacks) {
  auto json = test::json(guide).as_object();
  auto& models = json.at("models").as_array();
  for (char const* name : {"claude-sonnet-4-6", "claude-haiku-4-5"}) {
    auto another = models.front().as_object();
    another["name"] = name;
    models.push_back(another);
  }
  models.front().as_object()["fallbacks"] =
      test::json(R"([{"model":"claude-haiku-4-5","on":["timeout","tls"]},{"model":"claude-sonnet-4-6"}])");
  auto const config = configuration::from_json(json);
  BOOST_REQUIRE(config.has_value());
  auto const& read = config->models.at(0).fallbacks;
  BOOST_REQUIRE(read.size() == 2u);
  BOOST_TEST(read[0].model == "claude-haiku-4-5");
  BOOST_TEST((read[0].on == std::vector<errc>{errc::timeout, errc::tls}));
  BOOST_TEST(read[1].model == "claude-sonnet-4-6");
  BOOST_TEST((read[1].on == std::vector<errc>{errc::overloaded, errc::rate_limited, errc::server_error,
                                              errc::circuit_open, errc::stream_truncated}));
}

BOOST_AUTO_TEST_CASE(keys_from_elsewhere) {
  ::setenv("CLAUDIO_TEST_KEY", "from-env", 1);
  auto const from_env = configuration::parse(with("provider_config", "api_key", R"("env:CLAUDIO_TEST_KEY")"));
  BOOST_TEST(from_env->providers[0].options.api_key.reveal() == "from-env");
  ::setenv("CLAUDIO_TEST_KEY", "from-env\r\n", 1);
  auto const trimmed = configuration::parse(with("provider_config", "api_key", R"("env:CLAUDIO_TEST_KEY")"));
  BOOST_TEST(trimmed->providers[0].options.api_key.reveal() == "from-env");
  for (auto const* blank : {" ", "\n", "\t \r\n"}) {
    ::setenv("CLAUDIO_TEST_KEY", blank, 1);
    BOOST_TEST(configuration::parse(with("provider_config", "api_key", R"("env:CLAUDIO_TEST_KEY")")).has_error());
  }
  BOOST_TEST(configuration::parse(with("provider_config", "api_key", R"(" ")")).error().param() ==
             "providers[0].provider_config.api_key");
  std::string const path = "claudio_test_key_file";
  std::ofstream(path) << "from-file\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::group_read);
  auto const open = configuration::parse(with("provider_config", "api_key", "\"file:" + path + "\""));
  BOOST_TEST(open.error().message().find("run: chmod 600 " + path) != std::string::npos);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  auto const from_file = configuration::parse(with("provider_config", "api_key", "\"file:" + path + "\""));
  BOOST_TEST(from_file->providers[0].options.api_key.reveal() == "from-file");
  std::remove(path.c_str());
}

BOOST_AUTO_TEST_CASE(only_an_environment) {
  ::unsetenv("ANTHROPIC_API_KEY");
  ::unsetenv("ANTHROPIC_BASE_URL");
  asio::io_context context;
  BOOST_TEST(model_manager::from_env(context.get_executor(), serial).error().code() == errc::configuration);
  ::setenv("ANTHROPIC_API_KEY", "sk-ant-from-env", 1);
  BOOST_TEST(configuration::from_env()->providers[0].options.api_base == "https://api.anthropic.com/v1");
  for (char const* base : {"https://mirror.example", "https://mirror.example/", "https://mirror.example/v1"}) {
    ::setenv("ANTHROPIC_BASE_URL", base, 1);
    BOOST_TEST(configuration::from_env()->providers[0].options.api_base == "https://mirror.example/v1");
  }
  auto const manager = model_manager::from_env(context.get_executor(), serial);
  BOOST_TEST(manager->get_model_instance("claude-sonnet-4-6").has_value());
  BOOST_TEST(manager->get_model_instance("").error().code() == errc::model_not_found);
  for (auto const* blank : {" ", "\n"}) {
    ::setenv("ANTHROPIC_API_KEY", blank, 1);
    BOOST_TEST(configuration::from_env().error().message() ==
               "the environment variable \"ANTHROPIC_API_KEY\" is empty");
  }
  ::setenv("ANTHROPIC_API_KEY", "sk-ant-from-env\n", 1);
  ::setenv("ANTHROPIC_BASE_URL", "HTTPS://mirror.example/v1/\r\n", 1);
  BOOST_TEST(configuration::from_env()->providers[0].options.api_key.reveal() == "sk-ant-from-env");
  BOOST_TEST(configuration::from_env()->providers[0].options.api_base == "HTTPS://mirror.example/v1");
  ::setenv("ANTHROPIC_BASE_URL", "\n", 1);
  BOOST_TEST(configuration::from_env()->providers[0].options.api_base == "https://api.anthropic.com/v1");
  ::setenv("ANTHROPIC_BASE_URL", "mirror.example", 1);
  BOOST_TEST(configuration::from_env().error().message().starts_with("ANTHROPIC_BASE_URL: "));
  ::unsetenv("ANTHROPIC_BASE_URL");
  ::unsetenv("ANTHROPIC_API_KEY");
}

BOOST_AUTO_TEST_CASE(a_bearer_token_in_the_environment) {
  ::unsetenv("ANTHROPIC_API_KEY");
  ::setenv("ANTHROPIC_AUTH_TOKEN", "token-from-env\n", 1);
  for (char const* key : {"", " "}) {
    ::setenv("ANTHROPIC_API_KEY", key, 1);
    auto const config = configuration::from_env();
    BOOST_TEST(config->providers[0].options.api_key.reveal() == "token-from-env");
    BOOST_TEST(config->providers[0].options.bearer);
  }
  ::setenv("ANTHROPIC_API_KEY", "sk-ant-key", 1);
  auto const both = configuration::from_env();
  BOOST_TEST(both->providers[0].options.api_key.reveal() == "sk-ant-key");
  BOOST_TEST(!both->providers[0].options.bearer);
  BOOST_TEST(test::captured_log().find("ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN are both set; the key is used") !=
             std::string::npos);
  BOOST_TEST(test::captured_log().find("token-from-env") == std::string::npos);
  ::unsetenv("ANTHROPIC_API_KEY");
  ::setenv("ANTHROPIC_AUTH_TOKEN", "two\nlines", 1);
  BOOST_TEST(configuration::from_env().error().message().starts_with("ANTHROPIC_AUTH_TOKEN: "));
  BOOST_TEST(configuration::from_env().error().message().find("lines") == std::string::npos);
  ::unsetenv("ANTHROPIC_AUTH_TOKEN");
  BOOST_TEST(
      configuration::from_env().error().message() ==
      "the environment variable ANTHROPIC_API_KEY is not set; set it to your API key, or ANTHROPIC_AUTH_TOKEN to a "
      "bearer token");
}

BOOST_AUTO_TEST_CASE(newer_api_versions_refuse_sampling) {
  testing::fake_server const server;
  configuration config;
  provider_configuration provider;
  provider.name = "p";
  provider.options = server.provider();
  provider.options.anthropic_version = "2026-10-21";
  config.providers.push_back(provider);
  model_configuration configured;
  configured.name = "claude-sonnet-4-6";
  configured.provider_name = "p";
  config.models.push_back(configured);
  asio::io_context context;
  model_manager const manager(context.get_executor(), config);
  auto const claude = manager.get_model_instance("claude-sonnet-4-6").value();
  auto const response = test::run(context, claude.invoke(test::hello().temperature(0.5)));
  BOOST_TEST(response.value().warnings().size() == 1u);
  BOOST_TEST(server.requests().at(0).body.find("temperature") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
