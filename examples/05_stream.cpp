// An answer as it is made. Reads ANTHROPIC_API_KEY and, if set, ANTHROPIC_BASE_URL.
#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> tell(claudio::model claude) {
  claudio::chat_request request;
  request.user("Tell me a story of three sentences.").max_tokens(1000);

  auto stream = co_await claude.stream(request);
  if (!stream) {
    std::cerr << stream.error() << "\n";
    co_return;
  }
  while (true) {
    auto chunk = co_await stream->next();
    if (!chunk) {
      // What had arrived is not lost: stream->response() has it.
      std::cerr << "\n" << chunk.error() << "\n";
      co_return;
    }
    if (!*chunk)
      break;
    std::cout << (*chunk)->text() << std::flush;
  }
  auto const response = stream->response();
  std::cout << "\n"
            << response.finish_reason() << ", " << response.usage().completion_tokens << " tokens, first byte after "
            << std::chrono::duration_cast<std::chrono::milliseconds>(response.info().first_byte).count() << " ms\n";
}

int main() {
  asio::io_context context;
  auto manager = claudio::model_manager::from_env(context.get_executor(), claudio::serial);
  if (!manager) {
    std::cerr << manager.error() << "\n";
    return 2;
  }
  asio::co_spawn(context, tell(manager->get_model_instance("claude-sonnet-4-6").value()), asio::detached);
  context.run();
}
