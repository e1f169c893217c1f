// Models by their names alone: configured in code, not configured at all, retired.
#include "support/call.hpp"
#include "support/log_capture.hpp"
#include "support/test.hpp"

#include <cstdlib>

using namespace claudio;
using testing::fake_server;
using testing::reply;
namespace asio = boost::asio;

namespace {

using texts = std::vector<std::string>;

// A configuration as one writes it in code: a provider, and models of which only the names are given.
configuration of_names(fake_server const& server, std::vector<std::string> const& names) {
  configuration config;
  auto& provider = config.providers.emplace_back();
  provider.name = "p";
  provider.options = test::quick(server);
  for (auto const& name : names) {
    auto& model = config.models.emplace_back();
    model.name = name;
    model.provider_name = "p";
  }
  return config;
}

// Thinks, and asks for more than what a Claude 3 could say.
chat_request thinking_hello() {
  chat_request request;
  request.user("Hello!").max_tokens(20000).set("reasoning_effort", "high");
  return request;
}

boost::json::object sent_to(fake_server const& server) {
  return test::json(server.requests().at(server.requests().size() - 1).body).as_object();
}

texts warnings_of(asio::io_context& context, model const& claude, chat_request request = test::hello()) {
  auto const response = test::run(context, claude.invoke(std::move(request)));
  return response ? response->warnings() : texts{response.error().to_string()};
}

} // namespace

BOOST_AUTO_TEST_SUITE(model_names)

BOOST_AUTO_TEST_CASE(a_name_in_code_has_its_catalogue_entry) {
  fake_server server;
  for (std::string const name : {"claude-opus-5-5", "claude-sonnet-4-6", "claude-haiku-5-5"}) {
    asio::io_context context;
    model_manager const manager(context.get_executor(), of_names(server, {name}));
    auto const response = test::run(context, manager.get_model_instance(name)->invoke(thinking_hello()));
    BOOST_TEST(response.value().warnings() == texts(), boost::test_tools::per_element());
    BOOST_TEST(sent_to(server).at("max_tokens").as_int64() == 20000);
    BOOST_TEST(sent_to(server).contains("thinking"));
  }
}

BOOST_AUTO_TEST_CASE(a_target_by_hand_has_its_catalogue_entry) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server)).value();
  translation_target target;
  target.model = "claude-opus-5-5";
  fallback_route fallback;
  fallback.endpoint = endpoint;
  fallback.target.model = "claude-sonnet-4-6";
  fallback.on = {errc::overloaded};
  model const claude(endpoint, target, {fallback});
  BOOST_TEST(test::run(context, claude.invoke(thinking_hello())).value().warnings().empty());
  BOOST_TEST(sent_to(server).contains("thinking"));
  auto options = call_options();
  options.retry = retry_policy();
  options.retry->max_retries = 0;
  server.script({reply::status(529)});
  BOOST_TEST(test::run(context, claude.invoke(thinking_hello(), options)).value().warnings().size() == 1u);
  BOOST_TEST(sent_to(server).at("model").as_string() == "claude-sonnet-4-6");
  BOOST_TEST(sent_to(server).at("max_tokens").as_int64() == 20000);
  BOOST_TEST(to_anthropic(thinking_hello(), target)->request.json().contains("thinking"));
}

BOOST_AUTO_TEST_CASE(capabilities_given_in_code_count) {
  fake_server const server;
  auto config = of_names(server, {"claude-opus-5-5"});
  config.models[0].capabilities = capabilities_of("claude-opus-5-5");
  config.models[0].capabilities->max_output_tokens = 77;
  asio::io_context context;
  model_manager const manager(context.get_executor(), config);
  BOOST_TEST(warnings_of(context, manager.get_model_instance("claude-opus-5-5").value(), thinking_hello()).size() ==
             1u);
  BOOST_TEST(sent_to(server).at("max_tokens").as_int64() == 77);
}

BOOST_AUTO_TEST_CASE(a_default_provider_serves_unknown_models) {
  fake_server server;
  auto config = of_names(server, {});
  config.default_provider = "p";
  asio::io_context context;
  model_manager const manager(context.get_executor(), config);
  server.script({reply::answer("Hello."), reply::answer("Hello.")});
  auto const claude = manager.get_model_instance("claude-opus-9").value();
  texts const near{R"(model: "claude-opus-9" is not in the catalogue; did you mean "claude-opus-5"?)"};
  BOOST_TEST(warnings_of(context, claude, thinking_hello()) == near, boost::test_tools::per_element());
  BOOST_TEST(sent_to(server).at("model").as_string() == "claude-opus-9");
  BOOST_TEST(sent_to(server).at("max_tokens").as_int64() == 20000);
  BOOST_TEST(sent_to(server).contains("thinking"));
  BOOST_TEST(test::captured_log().find(R"(model_advice model="claude-opus-9")") != std::string::npos);
  auto const streamed = test::run(context, claude.stream(thinking_hello()));
  BOOST_TEST(streamed.value().response().warnings() == near, boost::test_tools::per_element());
  BOOST_TEST(manager.model_names().empty());
}

BOOST_AUTO_TEST_CASE(without_a_default_provider_they_are_refused) {
  fake_server const server;
  asio::io_context context;
  model_manager const manager(context.get_executor(), of_names(server, {"claude-opus-5-5"}));
  auto const refused = manager.get_model_instance("claude-opus-9");
  BOOST_TEST(refused.error().code() == errc::model_not_found);
}

BOOST_AUTO_TEST_CASE(the_environment_has_a_default_provider) {
  fake_server server;
  ::setenv("ANTHROPIC_API_KEY", "sk-ant-from-env", 1);
  auto config = configuration::from_env().value();
  ::unsetenv("ANTHROPIC_API_KEY");
  config.providers.at(0).options = test::quick(server);
  asio::io_context context;
  model_manager const manager(context.get_executor(), config);
  BOOST_TEST(warnings_of(context, manager.get_model_instance("claude-opus-4-8-latest").value()).empty());
  BOOST_TEST(manager.get_model_instance("claude-opus-9").has_value());
}

BOOST_AUTO_TEST_CASE(many_unknown_names_are_not_kept) {
  fake_server const server;
  auto config = of_names(server, {});
  config.default_provider = "p";
  asio::io_context context;
  model_manager const manager(context.get_executor(), config);
  auto const kept = manager.get_model_instance("claude-kept").value();
  for (int i = 0; i < 3000; ++i)
    BOOST_REQUIRE(manager.get_model_instance("claude-" + std::to_string(i)).has_value());
  BOOST_TEST(manager.get_model_instance("claude-kept")->name() == kept.name());
}

BOOST_AUTO_TEST_CASE(retired_models_warn_with_their_successor) {
  fake_server const server;
  std::vector<std::pair<std::string, std::string>> const cases{
      {"claude-3-5-sonnet-20241022", "since 2025-10-28; use \"claude-sonnet-5-5\""},
      {"claude-3-5-haiku-20241022", "since 2026-02-19; use \"claude-haiku-5-5\""},
      {"claude-3-opus-20240229", "since 2026-01-05; use \"claude-opus-5-5\""},
      {"claude-3-sonnet-20240229", "since 2025-07-21; use \"claude-sonnet-5-5\""},
      {"claude-3-haiku-20240307", "since 2026-04-20; use \"claude-haiku-5-5\""},
      {"claude-3-5-haiku-latest", "since 2026-02-19; use \"claude-haiku-5-5\""},
      {"claude-opus-4-0", "since 2026-06-15; use \"claude-opus-5-5\""},
  };
  for (auto const& [name, advice] : cases) {
    asio::io_context context;
    model_manager const manager(context.get_executor(), of_names(server, {name}));
    texts const expected{"model: \"" + name + "\" is retired " + advice};
    BOOST_TEST(warnings_of(context, manager.get_model_instance(name).value()) == expected,
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_mirror_may_say_that_it_serves_a_retired_model) {
  fake_server const server;
  auto config = of_names(server, {"claude-3-haiku-20240307"});
  config.models[0].capabilities = capabilities_of("claude-3-haiku-20240307");
  config.models[0].capabilities->lifecycle = model_lifecycle::active;
  asio::io_context context;
  model_manager const manager(context.get_executor(), config);
  BOOST_TEST(warnings_of(context, manager.get_model_instance("claude-3-haiku-20240307").value()).empty());
}

BOOST_AUTO_TEST_CASE(a_404_says_what_to_use) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server)).value();
  auto const message_of = [&](std::string_view name, bool streams) {
    server.script({reply::status(404)});
    auto const request = test::native_hello().model(name);
    if (streams)
      return test::run(context, endpoint.stream(request)).error().message();
    return test::run(context, endpoint.create(request)).error().message();
  };
  for (bool const streams : {false, true}) {
    BOOST_TEST(message_of("claude-3-opus-20240229", streams)
                   .ends_with(R"(; "claude-3-opus-20240229" is retired since 2026-01-05; use "claude-opus-5-5")"));
    BOOST_TEST(message_of("claude-sonnet-4-5", streams)
                   .ends_with("is deprecated, and its end of life is 2026-11-30; use \"claude-sonnet-5-5\""));
    BOOST_TEST(message_of("claude-sonet-5-5", streams)
                   .ends_with(R"("claude-sonet-5-5" is not in the catalogue; did you mean "claude-sonnet-5-5"?)"));
    BOOST_TEST(message_of("claude-sonnet-5-5", streams).find(';') == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(bearer_tokens_are_sent_as_such) {
  fake_server server;
  auto options = test::quick(server);
  options.api_key = secret("sk-ant-token");
  options.bearer = true;
  BOOST_TEST(test::call(options).has_value());
  auto const sent = server.requests().at(0);
  BOOST_TEST(sent.header("authorization") == "Bearer sk-ant-token");
  BOOST_TEST(sent.header("x-api-key") == "");
  server.script({reply::status(400, R"({"error":{"type":"invalid_request_error","message":"echo sk-ant-token"}})")});
  auto const echoed = test::call(options);
  BOOST_TEST(echoed.error().message().find("sk-ant-token") == std::string::npos);
  BOOST_TEST(test::captured_log().find("sk-ant-token") == std::string::npos);
  auto const parsed = configuration::parse(
      R"({"providers":[{"name":"p","provider_type":"anthropic","provider_config":{"api_key":"t","bearer":true}}],"models":[]})");
  BOOST_TEST(parsed->providers.at(0).options.bearer);
}

BOOST_AUTO_TEST_SUITE_END()
