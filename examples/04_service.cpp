// An HTTP service with several threads that embeds claudio: POST a question to /ask, get the answer.
// 04_service [PORT [THREADS]]; reads ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL; SIGINT and SIGTERM end it.
#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
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

asio::awaitable<http_response> answer(claudio::model claude, http_request const& request) {
  if (request.method() != http::verb::post || request.target() != "/ask")
    co_return respond(request, http::status::not_found, "POST a question to /ask\n");
  claudio::chat_request question;
  question.system("Answer in one paragraph.").user(request.body()).max_tokens(1000);
  claudio::call_options options;
  options.timeout(60s);
  auto response = co_await claude.invoke(question, options);
  if (!response) {
    std::cerr << response.error() << "\n";
    co_return respond(request, http::status::bad_gateway,
                      "no answer: " + std::string(to_string(response.error().code())) + "\n");
  }
  co_return respond(request, http::status::ok, std::string(response->text()) + "\n");
}

// One connection, on a strand of its own: claudio's calls may be awaited from any serial executor.
asio::awaitable<void> serve(asio::ip::tcp::socket socket, claudio::model claude) {
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
    auto answering = answer(claude, request);
    http_response response = co_await std::move(answering);
    keep = response.keep_alive();
    stream.expires_after(30s);
    co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return;
  }
}

asio::awaitable<void> accept(asio::ip::tcp::acceptor& acceptor, claudio::model claude) {
  while (acceptor.is_open()) {
    auto strand = asio::make_strand(acceptor.get_executor());
    asio::ip::tcp::socket socket(strand);
    boost::system::error_code failure;
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      continue;
    auto serving = serve(std::move(socket), claude);
    asio::co_spawn(strand, std::move(serving), asio::detached);
  }
}

int main(int argc, char** argv) {
  auto const port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8080);
  int const threads = argc > 2 ? std::atoi(argv[2]) : 4;
  asio::io_context context(threads);
  // Without `serial`, since several threads run the context: claudio works on a strand of its own.
  auto manager = claudio::model_manager::from_env(context.get_executor());
  if (!manager) {
    std::cerr << manager.error() << "\n";
    return 2;
  }
  auto claude = manager->get_model_instance("claude-sonnet-4-6").value();
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
  std::cout << "listening on http://127.0.0.1:" << acceptor.local_endpoint().port() << "/ask" << std::endl;
  asio::co_spawn(context, accept(acceptor, claude), asio::detached);

  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) { context.stop(); });
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&] { context.run(); });
  for (auto& thread : running)
    thread.join();
}
