// How a connection comes about: by which address, how soon, and what is left behind.
#include "async/deadline_sweep.hpp"
#include "net/name_cache.hpp"
#include "net/session.hpp"
#include "net/socket_poller.hpp"
#include "net/tls_context.hpp"
#include "policy/connect_race.hpp"
#include "support/call.hpp"
#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <filesystem>
#include <netinet/tcp.h>
#include <sys/socket.h>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// A port of this machine in a state that a client may find it in.
class place {
public:
  enum class state { live, closed, silent };

  explicit place(state wanted, std::string const& address = "127.0.0.1", unsigned short port = 0)
      : acceptor_(context_), queued_(context_) {
    tcp::endpoint const here(asio::ip::make_address(address), port);
    acceptor_.open(here.protocol());
    if (here.protocol() == tcp::v6())
      acceptor_.set_option(asio::ip::v6_only(true));
    acceptor_.bind(here);
    if (wanted == state::live)
      acceptor_.listen();
    if (wanted != state::silent)
      return;
    // With its queue full the kernel drops what asks for a connection.
    acceptor_.listen(0);
    queued_.connect(endpoint());
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  unsigned short port() const { return endpoint().port(); }

private:
  asio::io_context context_;
  tcp::acceptor acceptor_;
  tcp::socket queued_;
};

using state = place::state;

boost::test_tools::assertion_result has_ipv6(boost::unit_test::test_unit_id) {
  asio::io_context context;
  tcp::acceptor acceptor(context);
  error_code failure;
  acceptor.open(tcp::v6(), failure);
  if (!failure)
    acceptor.bind({asio::ip::address_v6::loopback(), 0}, failure);
  boost::test_tools::assertion_result outcome(!failure);
  outcome.message() << "there is no IPv6 loopback: " << failure.message();
  return outcome;
}

// The descriptors of this process that are sockets.
std::vector<int> sockets() {
  std::vector<int> found;
  for (auto const& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    error_code gone;
    auto const target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && target.starts_with("socket:"))
      found.push_back(std::stoi(entry.path().filename().string()));
  }
  return found;
}

int option(int descriptor, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  BOOST_TEST(::getsockopt(descriptor, level, name, &value, &size) == 0);
  return value;
}

time_limits within(std::chrono::milliseconds limit) {
  time_limits limits;
  limits.connect = limit;
  return limits;
}

// One client's view of one host. What the resolver does is the test's.
class network {
public:
  explicit network(name_cache::look_up resolver, std::string const& base = "http://model.example:80/v1")
      : environment(std::make_shared<session_environment>()) {
    environment->executor = context.get_executor();
    environment->endpoint = api_base::parse(base).value();
    environment->names =
        std::make_shared<name_cache>(environment->executor, environment->endpoint.host, environment->endpoint.port,
                                     std::move(resolver), [this] { return now; });
    environment->deadlines = std::make_shared<deadline_sweep>(environment->executor);
    environment->poller = std::make_shared<socket_poller>(environment->executor);
  }

  result<void> connect(session& made, std::chrono::milliseconds limit = 10s) {
    call_progress progress(within(limit), std::nullopt);
    auto const begun = call_progress::clock::now();
    auto outcome = test::run(context, made.connect(progress));
    took = call_progress::clock::now() - begun;
    return outcome;
  }
  result<void> connect(std::chrono::milliseconds limit = 10s) {
    auto const made = make_session(environment);
    return connect(*made, limit);
  }

  asio::io_context context;
  std::shared_ptr<session_environment> environment;
  call_progress::clock::time_point now{1h};
  std::chrono::nanoseconds took{0};
};

name_cache::look_up always(name_cache::endpoints addresses) {
  return [addresses](std::string const&, std::string const&, name_cache::answer const& answer) {
    answer(error_code(), addresses);
  };
}

// A caller on its own, who may cancel.
class caller {
public:
  explicit caller(network& used, std::chrono::milliseconds limit = 10s)
      : made(make_session(used.environment)), progress(within(limit), std::nullopt) {
    asio::co_spawn(used.context, made->connect(progress),
                   asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr thrown, result<void> got) {
                     // Where Asio notices the cancellation first.
                     outcome.emplace(thrown ? result<void>(error(errc::cancelled, "thrown")) : std::move(got));
                     sockets_left = sockets().size();
                     if (outcome->has_error())
                       made.reset();
                   }));
  }

  void cancel() { signal.emit(asio::cancellation_type::terminal); }
  errc failure() const { return outcome.value().error().code(); }

  std::unique_ptr<session> made;
  call_progress progress;
  asio::cancellation_signal signal;
  std::optional<result<void>> outcome;
  std::size_t sockets_left = 0; // before the session went
};

asio::awaitable<void> connect_once(std::shared_ptr<session_environment> environment) {
  call_progress progress(within(10s), std::nullopt);
  auto const made = make_session(environment);
  auto connecting = made->connect(progress);
  auto const outcome = co_await std::move(connecting);
  BOOST_TEST(outcome.has_value());
}

} // namespace

BOOST_AUTO_TEST_SUITE(connects)

BOOST_AUTO_TEST_CASE(an_address_that_refuses_is_passed_over_at_once) {
  place const closed(state::closed);
  place const live(state::live, "127.0.0.2");
  network used(always({closed.endpoint(), live.endpoint()}));
  std::chrono::nanoseconds fastest = 10s;
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST(used.connect().has_value());
    fastest = std::min(fastest, used.took);
  }
  BOOST_TEST((fastest < connect_race::attempt_delay));
}

BOOST_AUTO_TEST_CASE(a_silent_address_has_its_time_and_is_closed) {
  place const silent(state::silent);
  place const live(state::live, "127.0.0.2");
  network used(always({silent.endpoint(), live.endpoint()}));
  auto const made = make_session(used.environment);
  auto const before = sockets().size();
  BOOST_TEST(used.connect(*made).has_value());
  BOOST_TEST((used.took >= connect_race::attempt_delay));
  BOOST_TEST((used.took < 3s));
  BOOST_TEST(sockets().size() == before + 1);
}

BOOST_AUTO_TEST_CASE(a_blamed_address_comes_last_for_a_while) {
  auto const at = [](char const* address) { return tcp::endpoint(asio::ip::make_address(address), 443); };
  name_cache::endpoints const addresses{at("192.0.2.1"), at("192.0.2.2"), at("192.0.2.3")};
  unsigned look_ups = 0;
  network used([&](std::string const&, std::string const&, name_cache::answer const& answer) {
    ++look_ups;
    answer(error_code(), addresses);
  });
  auto const known = [&] {
    call_progress progress(within(10s), std::nullopt);
    return test::run(used.context, used.environment->names->resolve(progress)).value();
  };
  BOOST_TEST((known() == addresses));
  used.environment->names->blame(addresses[0]);
  BOOST_TEST((known() == name_cache::endpoints{addresses[1], addresses[2], addresses[0]}));
  BOOST_TEST(look_ups == 2u);
  used.environment->names->blame(addresses[1]);
  BOOST_TEST((known() == name_cache::endpoints{addresses[2], addresses[0], addresses[1]}));
  // Those that nothing can be connected to are forgotten in whatever order.
  used.environment->names->forget(known());
  known();
  BOOST_TEST(look_ups == 4u);
  used.now += name_cache::lifetime;
  BOOST_TEST((known() == addresses));
}

// It takes connections, and says nothing: the call's next attempt goes to the other one.
BOOST_AUTO_TEST_CASE(a_server_that_is_silent_in_tls_counts_against_its_address) {
  for (bool const closes : {false, true}) {
    asio::io_context elsewhere;
    tcp::acceptor mute(elsewhere, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    place const live(state::live, "127.0.0.2");
    network used(always({mute.local_endpoint(), live.endpoint()}), "https://model.example/v1");
    trusted_authorities authorities;
    used.environment->tls = tls_context::make("", true, authorities).value();
    auto const made = make_session(used.environment);
    BOOST_REQUIRE(used.connect(*made).has_value());
    auto accepted = mute.accept();
    if (closes)
      accepted.close();
    time_limits limits;
    limits.tls = 50ms;
    call_progress progress(limits, std::nullopt);
    BOOST_TEST(test::run(used.context, made->secure(progress)).has_error());
    auto const order = test::run(used.context, used.environment->names->resolve(progress)).value();
    BOOST_TEST((order == name_cache::endpoints{live.endpoint(), mute.local_endpoint()}));
  }
}

BOOST_AUTO_TEST_CASE(a_slow_address_may_still_win) {
  place const silent(state::silent);
  place const closed(state::closed);
  place const live(state::live, "127.0.0.2");
  network used(always({silent.endpoint(), closed.endpoint(), live.endpoint(), silent.endpoint()}));
  auto const before = sockets().size();
  BOOST_TEST(used.connect().has_value());
  BOOST_TEST((used.took >= connect_race::attempt_delay));
  BOOST_TEST((used.took < 2 * connect_race::attempt_delay + 3s));
  BOOST_TEST(sockets().size() == before);
}

BOOST_AUTO_TEST_CASE(a_dead_family_is_passed_over, *boost::unit_test::precondition(has_ipv6)) {
  for (auto const dead : {state::closed, state::silent})
    for (bool const six_first : {true, false})
      for (bool const six_lives : {true, false})
        BOOST_TEST_CONTEXT(static_cast<int>(dead) << six_first << six_lives) {
          place const four(six_lives ? dead : state::live);
          place const six(six_lives ? state::live : dead, "::1");
          name_cache::endpoints addresses{four.endpoint(), six.endpoint()};
          if (six_first)
            std::swap(addresses[0], addresses[1]);
          network used(always(addresses));
          BOOST_TEST(used.connect().has_value());
        }
}

// Four addresses of a dead family cost one delay and not four.
BOOST_AUTO_TEST_CASE(families_take_turns, *boost::unit_test::precondition(has_ipv6)) {
  place const silent(state::silent, "::1");
  place const live(state::live);
  network used(always({silent.endpoint(), silent.endpoint(), silent.endpoint(), silent.endpoint(), silent.endpoint(),
                       live.endpoint()}));
  BOOST_TEST(used.connect().has_value());
  BOOST_TEST((used.took >= connect_race::attempt_delay));
  BOOST_TEST((used.took < 5 * connect_race::attempt_delay));
}

BOOST_AUTO_TEST_CASE(localhost_is_either_family, *boost::unit_test::precondition(has_ipv6)) {
  for (std::string const only : {"127.0.0.1", "::1"})
    for (auto const other : {state::closed, state::silent})
      BOOST_TEST_CONTEXT(only << static_cast<int>(other)) {
        place const live(state::live, only);
        place const dead(other, only == "::1" ? "127.0.0.1" : "::1", live.port());
        bool asked = false;
        network used([&](std::string const&, std::string const&, name_cache::answer const&) { asked = true; },
                     "http://localhost:" + std::to_string(live.port()) + "/v1");
        BOOST_TEST(used.connect().has_value());
        BOOST_TEST(!asked);
      }
}

BOOST_AUTO_TEST_CASE(a_call_to_localhost, *boost::unit_test::precondition(has_ipv6)) {
  for (std::string const only : {"127.0.0.1", "::1"}) {
    testing::fake_server_options there;
    there.address = only;
    there.tls = false;
    fake_server const server(there);
    auto options = test::quick(server);
    options.api_base = "http://localhost:" + std::to_string(server.port()) + "/v1";
    asio::io_context context;
    auto const endpoint = client::make(context.get_executor(), options, serial).value();
    auto const answer = test::run(context, endpoint.create(test::native_hello()));
    BOOST_TEST(answer.has_value());
  }
}

BOOST_AUTO_TEST_CASE(all_addresses_are_dead) {
  place const first(state::closed);
  place const second(state::closed, "127.0.0.2");
  auto const before = sockets().size();
  for (std::size_t count : {1u, 2u}) {
    name_cache::endpoints addresses{first.endpoint(), second.endpoint()};
    addresses.resize(count);
    network used(always(addresses));
    auto const failed = used.connect();
    BOOST_REQUIRE(failed.has_error());
    BOOST_TEST(failed.error().code() == errc::connect);
    BOOST_TEST(failed.error().message() == (count == 1 ? "while connecting to model.example:80: Connection refused"
                                                       : "while connecting to model.example:80 (2 addresses): "
                                                         "Connection refused"));
  }
  network nowhere(always({}));
  BOOST_TEST(nowhere.connect().error().code() == errc::connect);
  BOOST_TEST(sockets().size() == before);
}

BOOST_AUTO_TEST_CASE(the_time_limit_ends_all_attempts) {
  place const first(state::silent);
  place const second(state::silent, "127.0.0.2");
  auto const before = sockets().size();
  for (auto const limit : {20ms, 300ms}) {
    network used(always({first.endpoint(), second.endpoint()}));
    auto const made = make_session(used.environment);
    auto const late = used.connect(*made, limit);
    BOOST_REQUIRE(late.has_error());
    BOOST_TEST(late.error().code() == errc::timeout);
    BOOST_TEST(late.error().param() == "timeout_ms.connect");
    BOOST_TEST((used.took >= limit));
    BOOST_TEST(sockets().size() == before);
  }
}

BOOST_AUTO_TEST_CASE(cancelled_after_every_handler) {
  place const closed(state::closed);
  place const silent(state::silent);
  place const live(state::live, "127.0.0.2");
  std::size_t cancelled = 0;
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 100; ++n) {
    asio::io_context* context = nullptr;
    network used([&](std::string const&, std::string const&, name_cache::answer const& answer) {
      asio::post(*context, [&, answer] {
        answer(error_code(), {closed.endpoint(), silent.endpoint(), live.endpoint()});
      });
    });
    context = &used.context;
    auto const before = sockets().size();
    caller one(used);
    for (std::size_t step = 0; step < n && !one.outcome; ++step)
      used.context.run_one();
    finished = one.outcome.has_value();
    one.cancel();
    used.context.run();
    BOOST_REQUIRE(one.outcome.has_value());
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      bool const connected = one.outcome->has_value();
      if (!connected) {
        ++cancelled;
        BOOST_TEST(one.failure() == errc::cancelled);
      }
      BOOST_TEST(one.sockets_left == before + (connected ? 1 : 0));
    }
  }
  BOOST_TEST(finished);
  BOOST_TEST(cancelled > 4u);
}

BOOST_AUTO_TEST_CASE(a_context_that_is_destroyed_at_every_handler) {
  place const closed(state::closed);
  place const silent(state::silent);
  place const live(state::live, "127.0.0.2");
  auto const before = sockets().size();
  for (std::size_t n = 0; n < 12; ++n) {
    auto used = std::make_unique<network>(always({closed.endpoint(), silent.endpoint(), live.endpoint()}));
    asio::co_spawn(used->context, connect_once(used->environment), asio::detached);
    for (std::size_t step = 0; step < n; ++step)
      used->context.run_one();
    used.reset();
    BOOST_TEST(sockets().size() == before);
  }
}

BOOST_AUTO_TEST_CASE(connected_sockets_are_kept_alive) {
  place const live(state::live);
  network used(always({live.endpoint()}));
  auto const before = sockets();
  auto const made = make_session(used.environment);
  BOOST_TEST(used.connect(*made).has_value());
  auto now = sockets();
  std::erase_if(now, [&](int known) { return std::find(before.begin(), before.end(), known) != before.end(); });
  BOOST_REQUIRE(now.size() == 1u);
  BOOST_TEST(option(now[0], SOL_SOCKET, SO_KEEPALIVE) == 1);
  BOOST_TEST(option(now[0], IPPROTO_TCP, TCP_KEEPIDLE) == 60);
  BOOST_TEST(option(now[0], IPPROTO_TCP, TCP_KEEPINTVL) == 60);
  BOOST_TEST(option(now[0], IPPROTO_TCP, TCP_KEEPCNT) == 5);
  BOOST_TEST(option(now[0], IPPROTO_TCP, TCP_NODELAY) != 0);
}

BOOST_AUTO_TEST_CASE(an_answer_is_kept_for_its_lifetime) {
  place const live(state::live);
  int asked = 0;
  network used([&](std::string const& host, std::string const& port, name_cache::answer const& answer) {
    ++asked;
    BOOST_TEST(host == "model.example");
    BOOST_TEST(port == "80");
    answer(error_code(), {live.endpoint()});
  });
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(used.connect().has_value());
  used.now += name_cache::lifetime - 1ms;
  BOOST_TEST(used.connect().has_value());
  BOOST_TEST(asked == 1);
  used.now += 1ms;
  BOOST_TEST(used.connect().has_value());
  BOOST_TEST(asked == 2);
}

BOOST_AUTO_TEST_CASE(failures_are_not_kept) {
  place const live(state::live);
  error_code failure = asio::error::host_not_found;
  network used([&](std::string const&, std::string const&, name_cache::answer const& answer) {
    answer(failure, failure ? name_cache::endpoints() : name_cache::endpoints{live.endpoint()});
  });
  auto const failed = used.connect();
  BOOST_REQUIRE(failed.has_error());
  BOOST_TEST(failed.error().code() == errc::connect);
  BOOST_TEST(failed.error().message().find("can't resolve \"model.example\"") == 0u);
  failure = error_code();
  BOOST_TEST(used.connect().has_value());
}

// A server that has moved is found as soon as its old addresses are dead.
BOOST_AUTO_TEST_CASE(addresses_that_are_all_dead_are_not_kept) {
  place const closed(state::closed);
  place const silent(state::silent);
  place const live(state::live, "127.0.0.2");
  for (auto const& old : {closed.endpoint(), silent.endpoint()}) {
    name_cache::endpoints addresses{old};
    int asked = 0;
    network used([&](std::string const&, std::string const&, name_cache::answer const& answer) {
      ++asked;
      answer(error_code(), addresses);
    });
    BOOST_TEST(used.connect(50ms).has_error());
    addresses = {live.endpoint()};
    BOOST_TEST(used.connect().has_value());
    BOOST_TEST(used.connect().has_value());
    BOOST_TEST(asked == 2);
    used.environment->names->forget({old}); // news of a call that began before
    BOOST_TEST(used.connect().has_value());
    BOOST_TEST(asked == 2);
  }
}

BOOST_AUTO_TEST_CASE(a_resolver_that_hangs) {
  place const live(state::live);
  name_cache::answer late;
  int asked = 0;
  network used([&](std::string const&, std::string const&, name_cache::answer answer) {
    ++asked;
    late = std::move(answer);
  });
  auto const in_vain = used.connect(30ms);
  BOOST_REQUIRE(in_vain.has_error());
  BOOST_TEST(in_vain.error().code() == errc::timeout);
  BOOST_TEST(in_vain.error().param() == "timeout_ms.connect");
  BOOST_TEST((used.took >= 30ms));

  caller impatient(used, 30ms);
  caller cancelling(used);
  caller patient(used);
  used.context.restart();
  while (!impatient.outcome)
    used.context.run_one();
  BOOST_TEST(impatient.failure() == errc::timeout);
  BOOST_TEST(!cancelling.outcome.has_value());
  cancelling.cancel();
  while (!cancelling.outcome)
    used.context.run_one();
  BOOST_TEST(cancelling.failure() == errc::cancelled);
  BOOST_TEST(!patient.outcome.has_value());
  BOOST_TEST(asked == 1);

  late(error_code(), {live.endpoint()});
  used.context.run();
  BOOST_REQUIRE(patient.outcome.has_value());
  BOOST_TEST(patient.outcome->has_value());
  BOOST_TEST(used.connect().has_value());
  BOOST_TEST(asked == 1);
  late = nullptr;
}

BOOST_AUTO_TEST_CASE(an_answer_that_nobody_waits_for_is_kept) {
  place const live(state::live);
  name_cache::answer late;
  network used([&](std::string const&, std::string const&, name_cache::answer answer) { late = std::move(answer); });
  BOOST_TEST(used.connect(10ms).has_error());
  std::exchange(late, nullptr)(error_code(), {live.endpoint()});
  BOOST_TEST(used.connect(1s).has_value());
  BOOST_TEST(!late);
}

BOOST_AUTO_TEST_SUITE_END()
