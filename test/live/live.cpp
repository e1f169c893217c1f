// Against the real API: needs ANTHROPIC_API_KEY, costs a fraction of a cent.
#include "support/call.hpp"
#include "support/test.hpp"

using namespace claudio;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(live)

BOOST_AUTO_TEST_CASE(one_call) {
  asio::io_context context;
  auto const manager = model_manager::from_env(context.get_executor(), serial).value();
  auto const claude = manager.get_model_instance("claude-haiku-4-5").value();
  auto const response = test::run(context, claude.invoke(chat_request{}.user("Say yes.").max_tokens(10)));
  BOOST_REQUIRE_MESSAGE(response.has_value(), response.error());
  BOOST_TEST(!response->text().empty());
  BOOST_TEST(response->usage().completion_tokens > 0u);
  BOOST_TEST(!response->info().request_id.empty());
}

BOOST_AUTO_TEST_CASE(one_stream) {
  asio::io_context context;
  auto const manager = model_manager::from_env(context.get_executor(), serial).value();
  auto const claude = manager.get_model_instance("claude-haiku-4-5").value();
  auto consume = [&]() -> asio::awaitable<std::string> {
    std::string text;
    chat_request request;
    request.user("Count to five.").max_tokens(50);
    auto stream = co_await claude.stream(request);
    BOOST_REQUIRE_MESSAGE(stream.has_value(), stream.error());
    while (true) {
      auto chunk = co_await stream->next();
      BOOST_REQUIRE_MESSAGE(chunk.has_value(), chunk.error());
      if (!*chunk)
        break;
      text += (*chunk)->text();
    }
    BOOST_TEST(stream->response().text() == text);
    co_return text;
  };
  BOOST_TEST(!test::run(context, consume()).empty());
}

BOOST_AUTO_TEST_CASE(one_tool_loop) {
  asio::io_context context;
  auto const manager = model_manager::from_env(context.get_executor(), serial).value();
  auto const claude = manager.get_model_instance("claude-haiku-4-5").value();
  toolbox tools;
  int calls = 0;
  tools.add("secret_number", "Gives the secret number.", test::json(R"({"type":"object","properties":{}})").as_object(),
            [&](boost::json::object const&) {
              ++calls;
              return std::string("4711");
            });
  auto const run =
      test::run(context, run_tools(claude, chat_request{}.user("What is the secret number?").max_tokens(200), tools));
  BOOST_REQUIRE_MESSAGE(run.has_value(), run.error());
  BOOST_TEST(calls > 0);
  BOOST_TEST(run->response.text().find("4711") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_wrong_key_is_a_401) {
  asio::io_context context;
  auto config = configuration::from_env().value();
  config.providers.at(0).options.api_key = secret("sk-ant-api03-not-a-key");
  model_manager const manager(context.get_executor(), config, serial);
  auto const claude = manager.get_model_instance("claude-haiku-4-5").value();
  auto const refused = test::run(context, claude.invoke(test::hello()));
  BOOST_TEST(refused.error().code() == errc::authentication);
  BOOST_TEST(refused.error().http_status() == 401);
}

BOOST_AUTO_TEST_CASE(an_unknown_model_is_a_404) {
  asio::io_context context;
  auto const endpoint =
      client::make(context.get_executor(), configuration::from_env()->providers.at(0).options, serial);
  auto const request = test::native_hello().model("claude-no-such-model");
  auto const refused = test::run(context, endpoint->create(request));
  BOOST_TEST(refused.error().code() == errc::model_not_found);
  BOOST_TEST(refused.error().http_status() == 404);
}

BOOST_AUTO_TEST_SUITE_END()
