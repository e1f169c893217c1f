// An HTTP service with several threads that embeds claudio: POST a question to /ask, get the answer.
// 04_service [PORT [THREADS [SECONDS [METRICS_PORT]]]]; reads ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL.
// Shows what it does at METRICS_PORT (any that is free): /metrics for Prometheus, /livez, /readyz.
// A question that is not answered in SECONDS (60) fails; one whose client leaves is cancelled upstream as well.
// SIGINT and SIGTERM: no new connection, answers under way have 10 seconds, then it ends. A second one ends it at once.
#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;
using http_request = http::request<http::string_body>;
using http_response = http::response<http::string_body>;

http_response respond(http_request const& request, http::status status, std::string body) {
  http_response response(status, request.version());
  response.keep_alive(request.keep_alive());
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

http::status status_of(claudio::error const& failure) {
  switch (failure.code()) {
  case claudio::errc::timeout:
    return http::status::gateway_timeout;
  case claudio::errc::shut_down:
    return http::status::service_unavailable;
  default:
    return http::status::bad_gateway;
  }
}

asio::awaitable<http_response> answer(claudio::model claude, http_request const& request, std::chrono::seconds limit) {
  if (request.method() != http::verb::post || request.target() != "/ask")
    co_return respond(request, http::status::not_found, "POST a question to /ask\n");
  claudio::chat_request question;
  question.system("Answer in one paragraph.").user(request.body()).max_tokens(1000);
  claudio::call_options options;
  options.timeout(limit);
  auto response = co_await claude.invoke(question, options);
  if (!response) {
    std::cerr << response.error() << "\n";
    auto failed = respond(request, status_of(response.error()),
                          "no answer: " + std::string(to_string(response.error().code())) + "\n");
    failed.keep_alive(response.error().code() != claudio::errc::shut_down && failed.keep_alive());
    co_return failed;
  }
  co_return respond(request, http::status::ok, std::string(response->text()) + "\n");
}

// Returns when the client has closed its connection. One that sends more, its next request, is still there.
asio::awaitable<void> departure(asio::ip::tcp::socket& socket) {
  boost::system::error_code failure;
  socket.non_blocking(true); // the wait may end without a reason
  std::size_t waiting = 0;
  do {
    co_await socket.async_wait(asio::ip::tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return;
    char next = 0;
    waiting = socket.receive(asio::buffer(&next, 1), asio::ip::tcp::socket::message_peek, failure);
  } while (failure == asio::error::would_block);
  if (waiting > 0) {
    asio::steady_timer never(socket.get_executor(), asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::redirect_error(asio::use_awaitable, failure));
  }
}

// One connection, on a strand of its own: claudio's calls may be awaited from any serial executor.
asio::awaitable<void> serve(asio::ip::tcp::socket socket, claudio::model claude, std::chrono::seconds limit) {
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  for (bool keep = true; keep;) {
    http_request request;
    boost::system::error_code failure;
    stream.expires_after(30s);
    co_await http::async_read(stream, buffer, request, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return;
    stream.expires_never();
    auto answering = answer(claude, request, limit);
    auto leaving = departure(stream.socket());
    // Whichever ends first cancels the other: a call without its client is closed upstream, where it costs money.
    auto first = co_await (std::move(answering) || std::move(leaving));
    if (first.index() == 1) {
      std::cerr << "a client left before its answer\n";
      co_return;
    }
    http_response& response = std::get<0>(first);
    keep = response.keep_alive();
    stream.expires_after(30s);
    co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return;
  }
}

asio::awaitable<void> accept(asio::ip::tcp::acceptor& acceptor, asio::io_context& context, claudio::model claude,
                             std::chrono::seconds limit) {
  while (acceptor.is_open()) {
    auto strand = asio::make_strand(context);
    asio::ip::tcp::socket socket(strand);
    boost::system::error_code failure;
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      continue;
    auto serving = serve(std::move(socket), claude, limit);
    asio::co_spawn(strand, std::move(serving), asio::detached);
  }
}

// Waits for a signal; then what is under way is finished, and nothing new begins.
asio::awaitable<void> end_gracefully(asio::io_context& context, asio::ip::tcp::acceptor& acceptor,
                                     claudio::model_manager manager, claudio::metrics_server health) {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
  std::cerr << "draining\n";
  health.set_ready(false);
  signals.async_wait([&](boost::system::error_code failure, int) {
    if (!failure)
      context.stop();
  });
  acceptor.close();
  auto draining = manager.drain(std::chrono::steady_clock::now() + 10s);
  auto const drained = co_await std::move(draining);
  if (!drained)
    std::cerr << drained.error() << "\n";
  // For the last answers to be written. Connections that are merely kept alive are not waited for.
  asio::steady_timer grace(co_await asio::this_coro::executor, 1s);
  co_await grace.async_wait(asio::use_awaitable);
  context.stop();
}

int main(int argc, char** argv) {
  auto const port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8080);
  int const threads = argc > 2 ? std::atoi(argv[2]) : 4;
  std::chrono::seconds const limit(argc > 3 ? std::atoi(argv[3]) : 60);
  auto const metrics_port = static_cast<std::uint16_t>(argc > 4 ? std::atoi(argv[4]) : 0);
  asio::io_context context(threads);
  // Without `serial`, since several threads run the context: claudio works on a strand of its own.
  auto const measured = std::make_shared<claudio::metrics>();
  auto manager = claudio::model_manager::from_env(context.get_executor(), measured);
  if (!manager) {
    std::cerr << manager.error() << "\n";
    return 2;
  }
  auto claude = manager->get_model_instance("claude-sonnet-4-6").value();
  auto const strand = asio::make_strand(context);
  auto health = claudio::metrics_server::listen(strand, "127.0.0.1", metrics_port, measured);
  if (!health) {
    std::cerr << health.error() << "\n";
    return 2;
  }
  asio::ip::tcp::acceptor acceptor(strand, {asio::ip::address_v4::loopback(), port});
  std::cout << "listening on http://127.0.0.1:" << acceptor.local_endpoint().port() << "/ask" << std::endl;
  asio::co_spawn(strand, accept(acceptor, context, claude, limit), asio::detached);
  std::cout << "metrics on http://127.0.0.1:" << health->port() << "/metrics" << std::endl;
  asio::co_spawn(strand, health->run(), asio::detached); // until the context is stopped
  asio::co_spawn(strand, end_gracefully(context, acceptor, *manager, *health), asio::detached);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&] { context.run(); });
  for (auto& thread : running)
    thread.join();
}
