// One call, from configuration to answer. Reads ANTHROPIC_API_KEY and, if set, ANTHROPIC_BASE_URL.
#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> ask(claudio::model claude) {
  claudio::chat_request request;
  request.system("You are a helpful assistant.").user("Hello, how are you?").max_tokens(1000).temperature(0.7);

  auto response = co_await claude.invoke(request);
  if (!response) {
    std::cerr << response.error() << "\n";
    co_return;
  }
  std::cout << response->text() << "\n"
            << response->usage().prompt_tokens << " tokens in, " << response->usage().completion_tokens << " out, "
            << response->info().attempts << " attempt(s), "
            << std::chrono::duration_cast<std::chrono::milliseconds>(response->info().total).count() << " ms\n";
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
