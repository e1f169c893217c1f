// A model that uses two tools. Reads ANTHROPIC_API_KEY and, if set, ANTHROPIC_BASE_URL.
#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

// A tool that is a coroutine; in earnest it would ask a service.
asio::awaitable<claudio::tool_result> look_up_weather(json::object arguments) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, 100ms);
  co_await timer.async_wait(asio::use_awaitable);
  if (arguments.at("city") == "Atlantis")
    co_return claudio::tool_result::failure("no such city");
  co_return json::object{{"city", arguments.at("city")}, {"degrees", 21}, {"sky", "clear"}};
}

// A tool that is a plain function.
std::string to_fahrenheit(json::object const& arguments) {
  return std::to_string(arguments.at("degrees").to_number<double>() * 9 / 5 + 32);
}

asio::awaitable<void> ask(claudio::model claude) {
  claudio::toolbox tools;
  tools.add("get_weather", "The weather in a city, in degrees Celsius.",
            {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}, {"required", {"city"}}},
            look_up_weather);
  tools.add("to_fahrenheit", "Converts degrees Celsius to Fahrenheit.",
            {{"type", "object"}, {"properties", {{"degrees", {{"type", "number"}}}}}, {"required", {"degrees"}}},
            to_fahrenheit);

  claudio::run_tools_options options;
  options.max_turns = 8;
  options.call.timeout(60s);
  options.on_step = [](claudio::tool_step const& step) {
    if (step.result)
      std::cout << step.tool << step.arguments << " -> " << step.result->content() << "\n";
  };

  claudio::chat_request request;
  request.user("How warm is it in Rome and in Oslo, in Fahrenheit?").max_tokens(1000);
  auto run = co_await claudio::run_tools(claude, request, tools, options);
  if (!run) {
    std::cerr << run.error() << "\n";
    co_return;
  }
  std::cout << run->response.text() << "\n" << run->turns << " turn(s), " << run->usage.total_tokens << " tokens\n";
}

int main() {
  asio::io_context context;
  auto manager = claudio::model_manager::from_env(context.get_executor(), claudio::serial);
  if (!manager) {
    std::cerr << manager.error() << "\n";
    return 2;
  }
  asio::co_spawn(context, ask(manager->get_model_instance("claude-sonnet-4-6").value()), asio::detached);
  context.run();
}
