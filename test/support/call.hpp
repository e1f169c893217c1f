#pragma once

#include <claudio/claudio.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>

namespace claudio::test {

/// Runs one awaitable on a context of its own thread until it and the context are done.
template <class T>
T run(boost::asio::io_context& context, boost::asio::awaitable<T> work) {
  std::optional<T> outcome;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr failure, T value) {
    if (failure)
      std::rethrow_exception(failure);
    outcome.emplace(std::move(value));
  });
  context.restart();
  context.run();
  return std::move(outcome.value());
}

/// Options that reach the server, without waiting between attempts, however often it fails.
inline provider_options quick(testing::fake_server const& server) {
  provider_options options = server.provider();
  options.breaker.enabled = false;
  options.retry.base_delay = std::chrono::milliseconds(1);
  options.retry.jitter = false;
  return options;
}

inline model model_at(client endpoint) {
  translation_target target;
  target.model = "claude-sonnet-4-6";
  return model(std::move(endpoint), std::move(target));
}

inline chat_request hello() { return chat_request{}.system("Be brief.").user("Hello!").max_tokens(100); }

inline message_request native_hello() {
  return message_request{}.model("claude-sonnet-4-6").max_tokens(100).user("Hello!");
}

/// One call by a client of its own.
inline result<message> call(provider_options options) {
  boost::asio::io_context context;
  auto endpoint = client::make(context.get_executor(), std::move(options), serial);
  if (!endpoint)
    return endpoint.error();
  return run(context, endpoint->create(native_hello()));
}

} // namespace claudio::test
