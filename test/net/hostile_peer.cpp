#include "support/call.hpp"
#include "support/raw_server.hpp"
#include "support/test.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <future>
#include <sys/resource.h>
#include <unistd.h>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::test::raw_peer;
using claudio::test::raw_server;
using claudio::test::whole_answer;
namespace asio = boost::asio;

namespace {

constexpr std::array transports{0, TLS1_2_VERSION, TLS1_3_VERSION};

std::string large_text(std::size_t size) { return std::string(size, 'a'); }

message_request large_request(std::size_t size) {
  return message_request{}.model("claude-sonnet-4-6").max_tokens(100).user(large_text(size));
}

// A client on a context of its own, for several calls.
class patient_caller {
public:
  explicit patient_caller(provider_options options)
      : endpoint(client::make(context.get_executor(), std::move(options), serial).value()) {}

  result<message> call(message_request request = test::native_hello()) {
    return test::run(context, endpoint.create(std::move(request)));
  }

  asio::io_context context{1};
  client endpoint;
};

provider_options without_retries(raw_server const& server) {
  auto options = server.provider();
  options.retry.max_retries = 0;
  options.limits.first_byte = 5s;
  return options;
}

int update_keys(SSL* ssl, int kind) { return SSL_key_update(ssl, kind) == 1 ? SSL_do_handshake(ssl) : 0; }

// Sends a ticket too large for one record, and keeps back all but its first record until it is told to go on.
std::vector<std::string> ticket_in_pieces(raw_peer& peer) {
  auto const ticket = peer.make([](SSL* ssl) {
    std::string const data(2000, 'x');
    SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data.data(), data.size());
    SSL_set_max_send_fragment(ssl, 512);
    return SSL_new_session_ticket(ssl) == 1 ? SSL_do_handshake(ssl) : 0;
  });
  return test::split_records(ticket);
}

class all_descriptors_taken {
public:
  all_descriptors_taken() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto fewer = before_;
    fewer.rlim_cur = 200;
    ::setrlimit(RLIMIT_NOFILE, &fewer);
    for (int one = ::open("/dev/null", O_RDONLY | O_CLOEXEC); one >= 0; one = ::open("/dev/null", O_RDONLY | O_CLOEXEC))
      taken_.push_back(one);
  }
  all_descriptors_taken(all_descriptors_taken const&) = delete;
  all_descriptors_taken& operator=(all_descriptors_taken const&) = delete;
  ~all_descriptors_taken() {
    for (int const one : taken_)
      ::close(one);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

  void free_some() {
    for (int i = 0; i < 8; ++i) {
      ::close(taken_.back());
      taken_.pop_back();
    }
  }

private:
  rlimit before_;
  std::vector<int> taken_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(hostile_peer)

// SSL_write() has to read first while half of a message is pending. The request must not be lost.
BOOST_AUTO_TEST_CASE(a_request_during_half_a_tls_message_is_sent) {
  for (auto const size : {std::size_t{10}, std::size_t{300'000}}) {
    std::promise<void> half_is_sent;
    raw_server const server(TLS1_3_VERSION, [&](raw_peer& peer, unsigned) {
      peer.receive_request();
      peer.send(whole_answer());
      auto const records = ticket_in_pieces(peer);
      if (records.size() < 3)
        return;
      peer.send_raw(records.front());
      half_is_sent.set_value();
      std::this_thread::sleep_for(50ms); // the client writes meanwhile
      for (std::size_t i = 1; i < records.size(); ++i)
        peer.send_raw(records[i]);
      if (peer.receive_request())
        peer.send(whole_answer("Again."));
    });
    patient_caller us(without_retries(server));
    BOOST_REQUIRE(us.call().has_value());
    half_is_sent.get_future().wait();
    std::this_thread::sleep_for(5ms); // what is known of an idle session may be a millisecond old
    auto const answer = us.call(large_request(size));
    BOOST_REQUIRE(answer.has_value());
    BOOST_TEST(answer->text() == "Again.");
    BOOST_TEST(server.connections() == 1u);
  }
}

// A server that refuses a large request early goes on holding the connection, or ends its half of it.
BOOST_AUTO_TEST_CASE(an_early_answer_ends_the_writing_of_a_large_request) {
  for (int const transport : transports) {
    for (bool const half_closes : {false, true}) {
      std::promise<void> over;
      auto const wait = over.get_future().share();
      raw_server const server(transport, [&, wait](raw_peer& peer, unsigned) {
        peer.receive();
        peer.send("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\n{}");
        if (half_closes)
          peer.shut_down_sending();
        wait.wait_for(10s);
      });
      patient_caller us(without_retries(server));
      auto const answer = us.call(large_request(20'000'000));
      over.set_value();
      BOOST_REQUIRE(answer.has_error());
      BOOST_TEST(answer.error().code() == errc::request_too_large);
      BOOST_TEST(us.endpoint.pool().idle == 0u);
      BOOST_TEST(us.endpoint.pool().open == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(interim_responses_do_not_end_the_writing) {
  for (int const transport : transports) {
    raw_server const server(transport, [](raw_peer& peer, unsigned) {
      peer.send("HTTP/1.1 100 Continue\r\n\r\n");
      if (peer.receive_request())
        peer.send(whole_answer());
    });
    patient_caller us(without_retries(server));
    BOOST_TEST(us.call(large_request(20'000'000)).has_value());
  }
}

// A server that has worked on a request before it closes may have done, and charged for, the work.
BOOST_AUTO_TEST_CASE(a_request_that_was_worked_on_is_not_replayed) {
  for (int const transport : transports) {
    raw_server const server(transport, [](raw_peer& peer, unsigned) {
      if (peer.receive_request())
        peer.send(whole_answer());
      peer.receive_request();
      std::this_thread::sleep_for(100ms);
    });
    patient_caller us(without_retries(server));
    BOOST_REQUIRE(us.call().has_value());
    auto const answer = us.call();
    BOOST_REQUIRE(answer.has_error());
    BOOST_TEST(answer.error().code() == errc::connect);
    BOOST_TEST(answer.error().info().replays == 0u);
    BOOST_TEST(server.connections() == 1u);
  }
}

// TLS lets a peer make us work: each key update is a key derivation, and asks for an answer.
BOOST_AUTO_TEST_CASE(floods_of_tls_messages_end_the_call) {
  for (int const kind : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    raw_server const server(TLS1_3_VERSION, [kind](raw_peer& peer, unsigned) {
      peer.receive_request();
      for (int i = 0; i < 100'000; ++i)
        if (!peer.send_raw(peer.make([kind](SSL* ssl) { return update_keys(ssl, kind); })))
          return;
    });
    patient_caller us(without_retries(server));
    auto const answer = us.call();
    BOOST_REQUIRE(answer.has_error());
    BOOST_TEST(answer.error().code() == errc::tls);
    BOOST_TEST(answer.error().message().find("without end") != std::string::npos, answer.error().message());
  }
}

BOOST_AUTO_TEST_CASE(answers_that_a_peer_provokes_and_does_not_read_are_bounded) {
  raw_server const server(TLS1_3_VERSION, [](raw_peer& peer, unsigned) {
    peer.receive_request();
    peer.take_little();
    peer.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n");
    // Data in between, so that it is no flood; the answers are never read.
    for (int i = 0; i < 20'000; ++i) {
      std::string some;
      for (int n = 0; n < 60; ++n)
        some += peer.make([](SSL* ssl) { return update_keys(ssl, SSL_KEY_UPDATE_REQUESTED); });
      some += peer.make([](SSL* ssl) { return SSL_write(ssl, " ", 1); });
      if (!peer.send_raw(some))
        return;
    }
  });
  patient_caller us(without_retries(server));
  auto const answer = us.call();
  BOOST_REQUIRE(answer.has_error());
  // The server gives up first where the machine is slow; without a bound the call would end by its time limit.
  BOOST_TEST((answer.error().code() == errc::tls || answer.error().code() == errc::connect), answer.error());
}

// While a peer sends as fast as it can, other work of the executor gets a turn after a bounded number of records.
BOOST_AUTO_TEST_CASE(a_peer_that_never_pauses_lets_others_have_their_turn) {
  constexpr std::size_t records = 20'000;
  std::promise<void> prepared;
  std::promise<void> go;
  raw_server const server(TLS1_3_VERSION, [&](raw_peer& peer, unsigned) {
    peer.receive_request();
    std::string all = peer.make([](SSL* ssl) {
      std::string const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n";
      return SSL_write(ssl, head.data(), static_cast<int>(head.size()));
    });
    for (std::size_t i = 0; i < records; ++i)
      all += peer.make([](SSL* ssl) { return SSL_write(ssl, " ", 1); });
    prepared.set_value();
    go.get_future().wait();
    peer.send_raw(all);
  });
  patient_caller us(without_retries(server));
  bool over = false;
  asio::co_spawn(us.context, us.endpoint.create(test::native_hello()),
                 [&](std::exception_ptr, result<message>) { over = true; });
  auto const ready = prepared.get_future().share();
  while (ready.wait_for(0s) != std::future_status::ready)
    us.context.poll_one();
  std::size_t turns = 0;
  std::function<void()> turn = [&] {
    ++turns;
    if (!over)
      asio::post(us.context, turn);
  };
  turn();
  go.set_value();
  us.context.run();
  // The bound is 512 records; the reactor may wake the reader twice between two of our turns.
  BOOST_TEST(turns >= records / (2 * 512));
}

BOOST_AUTO_TEST_CASE(a_caller_without_a_descriptor_waits_for_a_session) {
  raw_server const server(TLS1_3_VERSION, [](raw_peer& peer, unsigned) {
    while (peer.receive_request())
      peer.send(whole_answer());
  });
  auto options = without_retries(server);
  options.breaker.enabled = true;
  patient_caller us(std::move(options));
  BOOST_REQUIRE(us.call().has_value());
  std::size_t answered = 0;
  {
    all_descriptors_taken const none_left;
    for (int i = 0; i < 20; ++i)
      asio::co_spawn(us.context, us.endpoint.create(test::native_hello()),
                     [&](std::exception_ptr, result<message> const& answer) { answered += answer ? 1 : 0; });
    us.context.restart();
    us.context.run();
  }
  BOOST_TEST(answered == 20u);
  BOOST_TEST(us.endpoint.pool().waits >= 10u);
}

BOOST_AUTO_TEST_CASE(a_lack_of_descriptors_opens_no_breaker) {
  raw_server const server(TLS1_3_VERSION, [](raw_peer& peer, unsigned) {
    while (peer.receive_request())
      peer.send(whole_answer());
  });
  auto options = without_retries(server);
  options.breaker.enabled = true;
  options.breaker.min_attempts = 3;
  patient_caller us(std::move(options));
  {
    all_descriptors_taken const none_left;
    for (int i = 0; i < 20; ++i) {
      auto const answer = us.call();
      BOOST_REQUIRE(answer.has_error());
      BOOST_TEST(answer.error().code() == errc::local_resources);
    }
  }
  BOOST_TEST(us.call().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
