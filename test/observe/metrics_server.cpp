// The listener for Prometheus and probes, over real sockets: what it answers, and that nobody can hold it up.
#include "support/call.hpp"
#include "support/test.hpp"

#include <claudio/metrics_server.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <thread>

using namespace claudio;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

using steady = std::chrono::steady_clock;

// A client of the kernel's making: it blocks, for so long as the server lets it.
class plain_client {
public:
  explicit plain_client(std::uint16_t port) { socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port)); }

  void say(std::string_view text) {
    boost::system::error_code failure;
    asio::write(socket_, asio::buffer(text.data(), text.size()), failure);
  }

  // All that the server says until it closes.
  std::string ask(std::string_view request) {
    say(request);
    boost::system::error_code failure;
    std::string answer;
    asio::read(socket_, asio::dynamic_buffer(answer), failure);
    return answer;
  }

private:
  asio::io_context context_;
  tcp::socket socket_{context_};
};

// A server that runs on a thread of its own until it is cancelled.
class running_server {
public:
  running_server() : thread_([this] { context_.run(); }) {}
  running_server(running_server const&) = delete;
  running_server& operator=(running_server const&) = delete;
  ~running_server() {
    if (thread_.joinable())
      stop();
  }

  // How run() ended; the context has ended, too.
  errc stop() {
    asio::post(context_, [this] { stop_.emit(asio::cancellation_type::terminal); });
    thread_.join();
    return outcome_.value().error().code();
  }
  std::string ask(std::string_view request) const {
    plain_client client(server.port());
    return client.ask(request);
  }
  std::string get(std::string_view path) const {
    return ask("GET " + std::string(path) + " HTTP/1.1\r\nhost: x\r\n\r\n");
  }
  template <class Function>
  void on_loop(Function function) {
    asio::post(context_, std::move(function));
  }

private:
  asio::io_context context_;
  asio::cancellation_signal stop_;
  std::optional<result<void>> outcome_;

public:
  std::shared_ptr<metrics> const measured = std::make_shared<metrics>();
  metrics_server const server = metrics_server::listen(context_.get_executor(), "127.0.0.1", 0, measured).value();

private:
  bool const begun_ = begin();
  std::thread thread_;

  bool begin() {
    auto ended = [this](std::exception_ptr failure, result<void> outcome) {
      BOOST_TEST(!failure);
      outcome_.emplace(std::move(outcome));
    };
    asio::co_spawn(context_, server.run(), asio::bind_cancellation_slot(stop_.slot(), ended));
    return true;
  }
};

bool begins(std::string const& answer, std::string_view with) { return answer.starts_with(with); }
std::string body_of(std::string const& answer) {
  auto const end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

template <class Condition>
bool comes_true(Condition condition) {
  auto const deadline = steady::now() + 5s;
  while (!condition() && steady::now() < deadline)
    std::this_thread::sleep_for(5ms);
  return condition();
}

} // namespace

BOOST_AUTO_TEST_SUITE(metrics_servers)

BOOST_AUTO_TEST_CASE(what_it_answers) {
  running_server running;
  auto const metrics = running.get("/metrics");
  BOOST_TEST(begins(metrics, "HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(metrics.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
  BOOST_TEST(metrics.find("Connection: close\r\n") != std::string::npos);
  BOOST_TEST(body_of(metrics) == running.measured->text());
  BOOST_TEST(begins(running.get("/metrics?collect=all"), "HTTP/1.1 200 "));
  BOOST_TEST(begins(running.get("/livez"), "HTTP/1.1 200 "));
  BOOST_TEST(begins(running.get("/"), "HTTP/1.1 404 "));
  BOOST_TEST(begins(running.get("/metricsx"), "HTTP/1.1 404 "));
  auto const posted = running.ask("POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
  BOOST_TEST(begins(posted, "HTTP/1.1 405 "));
  BOOST_TEST(posted.find("Allow: GET, HEAD\r\n") != std::string::npos);
  BOOST_TEST(running.ask("this is not HTTP\r\n\r\n") == "");
  BOOST_TEST(begins(running.ask("GET /livez HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(heads_only) {
  running_server running;
  auto const head = running.ask("HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
  BOOST_TEST(begins(head, "HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(body_of(head) == "");
  auto const length = "Content-Length: " + std::to_string(running.measured->text().size()) + "\r\n";
  BOOST_TEST(head.find(length) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(readiness) {
  running_server running;
  BOOST_TEST(begins(running.get("/readyz"), "HTTP/1.1 200 "));
  running.server.set_ready(false);
  BOOST_TEST(begins(running.get("/readyz"), "HTTP/1.1 503 "));
  BOOST_TEST(begins(running.get("/livez"), "HTTP/1.1 200 "));
  auto const copy = running.server;
  copy.set_ready(true);
  BOOST_TEST(begins(running.get("/readyz"), "HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(too_large_a_head) {
  running_server running;
  auto const begin = steady::now();
  BOOST_TEST(running.get("/metrics?" + std::string(100'000, 'x')) == "");
  BOOST_TEST(running.ask("GET /metrics HTTP/1.1\r\nx: " + std::string(9'000, 'x')) == "");
  BOOST_TEST((steady::now() - begin < 5s));
  BOOST_TEST(begins(running.ask("GET /livez HTTP/1.1\r\nx: " + std::string(7'000, 'x') + "\r\n\r\n"), "HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(silent_clients_stop_nobody) {
  running_server running;
  std::deque<plain_client> silent;
  for (int i = 0; i < 40; ++i) {
    silent.emplace_back(running.server.port());
    BOOST_TEST(begins(running.get("/livez"), "HTTP/1.1 200 "));
  }
  // Nor do they keep it from its end.
  BOOST_TEST(running.stop() == errc::cancelled);
}

BOOST_AUTO_TEST_CASE(the_longest_silent_client_makes_place) {
  running_server running;
  std::deque<plain_client> clients;
  for (int i = 0; i < 15; ++i)
    clients.emplace_back(running.server.port());
  // Whoever came before has been heard once an answer is there. Then the first one begins to speak, by which the second
  // has been silent for longest.
  BOOST_TEST(begins(running.get("/livez"), "HTTP/1.1 200 "));
  clients[0].say("GET /livez HT");
  BOOST_TEST(begins(running.get("/livez"), "HTTP/1.1 200 "));
  clients.emplace_back(running.server.port());
  BOOST_TEST(begins(running.get("/livez"), "HTTP/1.1 200 "));
  BOOST_TEST(clients[1].ask("") == ""); // closed, else it would be waited for
  BOOST_TEST(begins(clients[0].ask("TP/1.1\r\n\r\n"), "HTTP/1.1 200 "));
  for (std::size_t i = 2; i < clients.size(); ++i)
    BOOST_TEST(begins(clients[i].ask("GET /livez HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 "), i);
}

// Those that take no answer are silent, too, once nobody else is.
BOOST_AUTO_TEST_CASE(clients_that_do_not_read_stop_nobody) {
  running_server running;
  std::deque<plain_client> deaf;
  for (int i = 0; i < 40; ++i) {
    deaf.emplace_back(running.server.port());
    deaf.back().say("GET /metrics HTTP/1.1\r\n\r\n");
    BOOST_TEST(begins(running.get("/livez"), "HTTP/1.1 200 "));
  }
}

BOOST_AUTO_TEST_CASE(many_clients_at_once) {
  running_server running;
  std::vector<std::thread> clients;
  std::atomic<int> answered{0};
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] {
      for (int request = 0; request < 50; ++request)
        answered += begins(running.get("/metrics"), "HTTP/1.1 200 ") ? 1 : 0;
    });
  for (auto& client : clients)
    client.join();
  BOOST_TEST(answered == 200);
}

BOOST_AUTO_TEST_CASE(cancelled_at_any_time) {
  for (int n = 0; n < 12; ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      asio::io_context context;
      auto const server =
          metrics_server::listen(context.get_executor(), "127.0.0.1", 0, std::make_shared<metrics>()).value();
      asio::cancellation_signal stop;
      std::optional<result<void>> outcome;
      asio::co_spawn(context, server.run(),
                     asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr failure, result<void> ended) {
                       BOOST_TEST(!failure);
                       outcome.emplace(std::move(ended));
                     }));
      context.poll_one();
      plain_client silent(server.port());
      plain_client other(server.port());
      for (int step = 0; step < n; ++step)
        context.run_one_for(1ms);
      auto const begin = steady::now();
      stop.emit(asio::cancellation_type::terminal);
      context.run();
      BOOST_TEST((steady::now() - begin < 5s));
      BOOST_REQUIRE(outcome.has_value());
      BOOST_TEST(outcome->error().code() == errc::cancelled);
      // It is closed, and does not open again.
      BOOST_TEST(test::run(context, server.run()).error().code() == errc::connect);
    }
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_while_it_serves) {
  std::optional<asio::io_context> context(std::in_place);
  auto const measured = std::make_shared<metrics>();
  auto const port = [&] {
    auto const server = metrics_server::listen(context->get_executor(), "127.0.0.1", 0, measured).value();
    asio::co_spawn(*context, server.run(), asio::detached);
    return server.port();
  }();
  context->poll();
  plain_client silent(port);
  context->run_for(20ms);
  BOOST_TEST(measured.use_count() > 1);
  context.reset();
  BOOST_TEST(measured.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(where_it_cannot_listen) {
  asio::io_context context;
  auto const measured = std::make_shared<metrics>();
  auto const listen = [&](std::string const& address, std::uint16_t port) {
    return metrics_server::listen(context.get_executor(), address, port, measured);
  };
  auto const first = listen("127.0.0.1", 0).value();
  BOOST_TEST(first.port() != 0);
  auto const taken = listen("127.0.0.1", first.port());
  BOOST_REQUIRE(taken.has_error());
  BOOST_TEST(taken.error().code() == errc::connect);
  BOOST_TEST(taken.error().message().find("127.0.0.1:" + std::to_string(first.port())) != std::string::npos);
  auto const name = listen("localhost", 0);
  BOOST_REQUIRE(name.has_error());
  BOOST_TEST(name.error().code() == errc::configuration);
  BOOST_TEST(name.error().message().find("\"localhost\"") != std::string::npos);
  BOOST_TEST(listen("", 0).error().code() == errc::configuration);
  BOOST_TEST(listen("203.0.113.1", 0).error().code() == errc::connect);
}

BOOST_AUTO_TEST_CASE(an_empty_handle) {
  asio::io_context context;
  metrics_server const none;
  BOOST_TEST(none.port() == 0);
  none.set_ready(false);
  BOOST_TEST(test::run(context, none.run()).error().code() == errc::configuration);
}

BOOST_AUTO_TEST_CASE(a_late_event_loop) {
  running_server running;
  auto const late = [&] {
    auto const text = running.measured->text();
    auto const count = [&](std::string const& line) {
      auto const found = text.find("claudio_event_loop_lag_seconds_" + line + " ");
      return found == std::string::npos ? -1 : std::stoi(text.substr(text.find(' ', found) + 1));
    };
    return count("count") - count("bucket{le=\"0.01\"}");
  };
  // The loop is late for whatever is due while it is blocked; this is so most of the time.
  std::atomic<int> blocked{0};
  std::function<void()> block = [&] {
    std::this_thread::sleep_for(50ms);
    if (++blocked < 30)
      running.on_loop(block);
  };
  running.on_loop(block);
  BOOST_TEST(comes_true([&] { return blocked == 30; }));
  BOOST_TEST(late() >= 1);
}

BOOST_AUTO_TEST_SUITE_END()
