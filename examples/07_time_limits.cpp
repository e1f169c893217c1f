// Deadlines, cancellation and drain, against a bundled server that takes a second for every answer.
// Exit status 0 when all of it went as the comments say.
#include <claudio/claudio.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

int surprises = 0;

void expect(bool holds, char const* what) {
  std::cout << (holds ? "as expected: " : "SURPRISE: ") << what << "\n";
  surprises += holds ? 0 : 1;
}

asio::awaitable<void> pause(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

// One deadline over everything: waiting for a session, connecting, all attempts, all waits between them.
asio::awaitable<void> with_a_deadline(claudio::model claude) {
  claudio::chat_request request;
  request.user("Hello!").max_tokens(100);
  claudio::call_options options;
  options.timeout(300ms);
  auto response = co_await claude.invoke(request, options);
  expect(!response && response.error().code() == claudio::errc::timeout, "the deadline ends the call");
  std::cout << "  " << response.error() << "\n";
}

// The side that loses is cancelled, and with it its call upstream. An error is an outcome like others: it wins too.
asio::awaitable<void> against_a_timer(claudio::model claude) {
  claudio::chat_request request;
  request.user("Hello!").max_tokens(100);
  auto first = co_await (claude.invoke(request) || pause(300ms));
  expect(first.index() == 1, "the timer wins, the call is cancelled");
}

// A coroutine that is cancelled itself gets errc::cancelled from the call, and an exception from its next co_await,
// unless it says that it goes on.
asio::awaitable<void> cancelled_itself(claudio::model claude) {
  claudio::chat_request request;
  request.user("Hello!").max_tokens(100);
  auto response = co_await claude.invoke(request);
  expect(!response && response.error().code() == claudio::errc::cancelled, "the call says that it was cancelled");

  co_await asio::this_coro::reset_cancellation_state();
  auto again = co_await claude.invoke(request);
  expect(again.has_value(), "after reset_cancellation_state() the coroutine goes on");
}

asio::awaitable<void> call_and_drain(claudio::model_manager manager, claudio::model claude) {
  claudio::chat_request request;
  request.user("Hello!").max_tokens(100);
  auto both = co_await (claude.invoke(request) && manager.drain(std::chrono::steady_clock::now() + 10s));
  expect(std::get<0>(both).has_value(), "a drain lets the call that runs finish");
  auto refused = co_await claude.invoke(request);
  expect(!refused && refused.error().code() == claudio::errc::shut_down, "and refuses the next");
}

int main() {
  claudio::testing::fake_server_options slow;
  slow.latency = 1s;
  claudio::testing::fake_server const server(slow);
  claudio::configuration config;
  claudio::provider_configuration provider;
  provider.name = "anthropic";
  provider.options = server.provider();
  config.providers.push_back(provider);
  claudio::model_configuration configured;
  configured.name = "claude-sonnet-4-6";
  configured.provider_name = "anthropic";
  config.models.push_back(configured);

  asio::io_context context(1);
  claudio::model_manager manager(context.get_executor(), config, claudio::serial);
  auto claude = manager.get_model_instance("claude-sonnet-4-6").value();
  auto const run = [&](asio::awaitable<void> work) {
    asio::co_spawn(context, std::move(work), asio::detached);
    context.restart();
    context.run();
  };
  run(with_a_deadline(claude));
  run(against_a_timer(claude));

  asio::cancellation_signal stop;
  asio::steady_timer timer(context, 300ms);
  timer.async_wait([&](boost::system::error_code) { stop.emit(asio::cancellation_type::terminal); });
  asio::co_spawn(context, cancelled_itself(claude), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  context.restart();
  context.run();

  run(call_and_drain(manager, claude));
  return surprises == 0 ? 0 : 1;
}
