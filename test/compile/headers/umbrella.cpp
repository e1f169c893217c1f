// compiles
// The examples in our headers need no other include.
#include <claudio/claudio.hpp>

#if CLAUDIO_VERSION_NUMBER < 100
#error "older than the first version"
#endif

namespace asio = boost::asio;
using namespace claudio;

asio::awaitable<void> ask(model claude) {
  chat_request request;
  request.user("Hello!").max_tokens(1000);
  auto response = co_await claude.invoke(request);
  if (response)
    (void)response->text();
}

int main() {
  asio::io_context context;
  model_manager manager(context.get_executor(), configuration::load("claudio.json").value(), serial);
  model claude = manager.get_model_instance("claude-sonnet-4-6").value();
  asio::cancellation_signal stop;
  asio::co_spawn(context, ask(claude), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  context.run();
}
