// A program that starts other processes, by exec or by fork alone, while it uses a client.
#include "support/call.hpp"
#include "support/descriptors.hpp"
#include "support/raw_server.hpp"
#include "support/test.hpp"

#include <claudio/metrics_server.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdio>
#include <functional>
#include <future>
#include <sys/wait.h>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::test::raw_peer;
using claudio::test::raw_server;
using claudio::test::whole_answer;
namespace asio = boost::asio;

namespace {

// What a forked child finds: each check that fails is a bit of its exit status.
int in_child(std::function<int()> const& work) {
  ::fflush(nullptr);
  auto const child = ::fork();
  if (child == 0)
    ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

constexpr std::string_view stream_head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
                                         "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":"
                                         "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
                                         "\"claude-sonnet-4-6\",\"content\":[],\"stop_reason\":null,\"usage\":"
                                         "{\"input_tokens\":1,\"output_tokens\":1}}}\r\n\r\n";

class forked {
public:
  explicit forked(raw_server const& server) : endpoint(make(context, server)) {}

  static client make(asio::io_context& context, raw_server const& server) {
    auto options = server.provider();
    options.retry.max_retries = 0;
    options.limits.first_byte = 3s;
    return client::make(context.get_executor(), std::move(options), serial).value();
  }

  result<message> call() { return test::run(context, endpoint.create(test::native_hello())); }

  asio::io_context context{1};
  client endpoint;
};

void answer_all(raw_peer& peer, unsigned connection) {
  while (peer.receive_request())
    peer.send(whole_answer(std::to_string(connection)));
}

} // namespace

BOOST_AUTO_TEST_SUITE(processes)

BOOST_AUTO_TEST_CASE(child_processes_inherit_no_descriptor) {
  auto const before = test::inheritable_descriptors();
  asio::io_context context{1};
  testing::fake_server const server;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  BOOST_REQUIRE(test::run(context, endpoint.create(test::native_hello())).has_value());
  auto const listener = metrics_server::listen(context.get_executor(), "127.0.0.1", 0, std::make_shared<metrics>());
  BOOST_REQUIRE(listener.has_value());
  asio::co_spawn(context, listener->run(), asio::detached);
  asio::co_spawn(context, endpoint.create(test::native_hello()), [](std::exception_ptr, result<message>) {});
  asio::ip::tcp::socket scraper(context);
  boost::system::error_code failure;
  scraper.connect({asio::ip::address_v4::loopback(), listener->port()}, failure);
  context.restart();
  for (int i = 0; i < 20; ++i)
    context.run_for(1ms);
  // The scraper's socket is the test's own, made by Asio.
  auto const own = std::to_string(scraper.native_handle()) + " ";
  for (auto const& found : test::inheritable_descriptors())
    BOOST_TEST((before.contains(found) || found.starts_with(own)), found);
}

BOOST_AUTO_TEST_CASE(a_child_process_does_not_keep_a_closed_connection_open) {
  std::promise<bool> ended;
  raw_server const server(TLS1_3_VERSION, [&](raw_peer& peer, unsigned) {
    peer.receive_request();
    peer.send(whole_answer());
    ended.set_value(!peer.receive_request());
  });
  auto us = std::make_unique<forked>(server);
  BOOST_REQUIRE(us->call().has_value());
  FILE* const child = ::popen("sleep 5", "r");
  us.reset();
  BOOST_TEST((ended.get_future().wait_for(2s) == std::future_status::ready));
  ::pclose(child);
}

// A child that was forked holds a copy of every descriptor, so that the kernel goes on reporting for closed ones.
BOOST_AUTO_TEST_CASE(calls_go_on_while_a_forked_child_lives) {
  raw_server const server(TLS1_3_VERSION, [](raw_peer& peer, unsigned connection) {
    if (connection == 1 && peer.receive_request())
      peer.send("HTTP/1.1 500 Oops\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
    else
      answer_all(peer, connection);
    peer.send("after the end");
  });
  forked us(server);
  asio::co_spawn(us.context, us.endpoint.create(test::native_hello()), [](std::exception_ptr, result<message>) {});
  while (us.endpoint.pool().open == 0)
    us.context.run_one();
  for (int i = 0; i < 20; ++i)
    us.context.run_for(1ms);
  auto const child = ::fork();
  if (child == 0) {
    ::sleep(10);
    ::_exit(0);
  }
  us.context.run();
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(us.call().has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

BOOST_AUTO_TEST_CASE(a_forked_child_uses_no_session_of_its_parent) {
  for (bool const notified : {true, false}) {
    raw_server const server(TLS1_3_VERSION, answer_all);
    forked us(server);
    BOOST_REQUIRE(us.call().value().text() == "1");
    us.context.notify_fork(asio::io_context::fork_prepare);
    int const status = in_child([&] {
      if (notified)
        us.context.notify_fork(asio::io_context::fork_child);
      auto const first = us.call();
      auto const second = us.call();
      return (first && first->text() == "2" ? 0 : 1) | (second && second->text() == "2" ? 0 : 2);
    });
    us.context.notify_fork(asio::io_context::fork_parent);
    BOOST_TEST(status == 0);
    auto const again = us.call();
    BOOST_REQUIRE(again.has_value());
    BOOST_TEST(again->text() == "1");
    BOOST_TEST(server.connections() == 2u);
  }
}

BOOST_AUTO_TEST_CASE(a_client_may_be_destroyed_in_a_forked_child) {
  raw_server const server(TLS1_3_VERSION, answer_all);
  auto us = std::make_unique<forked>(server);
  BOOST_REQUIRE(us->call().has_value());
  int const status = in_child([&] {
    us.reset();
    return 0;
  });
  BOOST_TEST(status == 0);
  auto const again = us->call();
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(again->text() == "1");
}

BOOST_AUTO_TEST_CASE(a_call_in_flight_goes_on_in_the_parent_only) {
  std::promise<void> received;
  std::promise<void> go;
  raw_server const server(TLS1_3_VERSION, [&](raw_peer& peer, unsigned connection) {
    peer.receive_request();
    if (connection == 1) {
      received.set_value();
      go.get_future().wait();
    }
    peer.send(whole_answer(std::to_string(connection)));
    peer.receive_request();
  });
  forked us(server);
  std::optional<result<message>> answer;
  asio::co_spawn(us.context, us.endpoint.create(test::native_hello()),
                 [&](std::exception_ptr, result<message> outcome) { answer.emplace(std::move(outcome)); });
  auto const waiting = received.get_future().share();
  while (waiting.wait_for(0s) != std::future_status::ready)
    us.context.poll_one();
  us.context.notify_fork(asio::io_context::fork_prepare);
  int const status = in_child([&] {
    us.context.notify_fork(asio::io_context::fork_child);
    auto const other = test::run(us.context, us.endpoint.create(test::native_hello()));
    return (other && other->text() == "2" ? 0 : 1) |
           (answer && answer->has_error() && answer->error().code() == errc::cancelled ? 0 : 2);
  });
  us.context.notify_fork(asio::io_context::fork_parent);
  BOOST_TEST(status == 0);
  go.set_value();
  us.context.restart();
  us.context.run();
  BOOST_REQUIRE(answer.has_value());
  BOOST_REQUIRE(answer->has_value());
  BOOST_TEST(answer->value().text() == "1");
}

BOOST_AUTO_TEST_CASE(a_stream_goes_on_in_the_parent_only) {
  raw_server const server(TLS1_3_VERSION, [](raw_peer& peer, unsigned) {
    peer.receive_request();
    peer.send(stream_head);
    peer.receive_request(); // until the parent has gone
  });
  forked us(server);
  auto stream = test::run(us.context, us.endpoint.stream(test::native_hello()));
  BOOST_REQUIRE(stream.has_value());
  BOOST_REQUIRE(test::run(us.context, stream->next()).value().has_value());
  us.context.notify_fork(asio::io_context::fork_prepare);
  int const status = in_child([&] {
    us.context.notify_fork(asio::io_context::fork_child);
    auto const event = test::run(us.context, stream->next());
    return event.has_error() && event.error().code() == errc::cancelled ? 0 : 1;
  });
  us.context.notify_fork(asio::io_context::fork_parent);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
