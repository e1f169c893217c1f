// A call that meets a rate limit, then an overload, then succeeds; and claudio's fake server, scripted to do that.
#include <claudio/claudio.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

namespace asio = boost::asio;
using claudio::testing::reply;

// Told of each attempt as it ends.
class attempt_printer : public claudio::observer {
  void attempt_ended(claudio::attempt_event const& event) noexcept override {
    auto const& attempt = *event.attempt;
    std::cout << "attempt " << attempt.number << ": ";
    if (!attempt.failure)
      std::cout << "succeeded\n";
    else if (attempt.retry_in)
      std::cout << *attempt.failure << "; next in " << attempt.retry_in->count() << " ms (" << attempt.reason << ")\n";
    else
      std::cout << *attempt.failure << "; given up: " << attempt.reason << "\n";
  }
};

asio::awaitable<void> call(claudio::model claude) {
  claudio::call_options options;
  options.observer = std::make_shared<attempt_printer>();
  claudio::chat_request request;
  request.user("Hello, how are you?").max_tokens(1000);
  auto response = co_await claude.invoke(request, options);
  if (response)
    std::cout << "answer after " << response->info().attempts << " attempts: " << response->text() << "\n";
  else
    std::cout << "failed: " << response.error() << "\n";
}

int main() {
  claudio::testing::fake_server server;
  server.script({reply::status(429).header("retry-after", "1"), reply::status(529), reply::answer()});

  claudio::provider_options provider = server.provider();
  asio::io_context context;
  auto endpoint = claudio::client::make(context.get_executor(), provider, claudio::serial);
  claudio::translation_target target;
  target.model = "claude-sonnet-4-6";
  asio::co_spawn(context, call(claudio::model(endpoint.value(), target)), asio::detached);
  context.run();
}
