// A test of one's own code against the fake server; docs/testing.md explains it.
#include <claudio/claudio.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;
using claudio::testing::reply;
using namespace std::chrono_literals;

// What is to be tested: a coroutine of ours that calls a model.
asio::awaitable<std::string> summarize(claudio::model claude, std::string text) {
  claudio::chat_request request;
  request.system("Summarize in one sentence.").user(text).max_tokens(200);
  auto response = co_await claude.invoke(request);
  if (!response)
    co_return "no summary: " + response.error().to_string();
  co_return std::string(response->text()) + " (attempt " + std::to_string(response->info().attempts) + ")";
}

int main() {
  // "429, then stall, then answer": one reply for each request.
  claudio::testing::fake_server server;
  server.script({reply::status(429).header("retry-after-ms", "10"), reply::stall(), reply::answer("It is short.")});

  // Options that reach the server, with limits that suit a test.
  claudio::configuration config;
  config.providers.emplace_back().name = "fake";
  config.providers.back().options = server.provider();
  config.providers.back().options.retry.base_delay = 10ms;
  config.providers.back().options.limits.first_byte = 200ms; // what ends the stall
  config.models.emplace_back().name = "claude-sonnet-4-6";
  config.models.back().provider_name = "fake";

  asio::io_context context;
  claudio::model_manager manager(context.get_executor(), config, claudio::serial);
  auto claude = manager.get_model_instance("claude-sonnet-4-6").value();
  auto summary = asio::co_spawn(context, summarize(claude, "A long story."), asio::use_future);
  context.run();

  std::string const got = summary.get();
  std::cout << got << "\n";
  return got == "It is short. (attempt 3)" && server.requests().size() == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
