#include "net/socket_poller.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace claudio;
namespace asio = boost::asio;
using direction = polled_socket::direction;
using outcome = polled_socket::outcome;

namespace {

// A watched socket, and the other end of it.
class pair {
public:
  explicit pair(std::shared_ptr<socket_poller> poller) : ours(std::move(poller)) {
    int ends[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    BOOST_REQUIRE(!ours.open(ends[0]));
    theirs_ = ends[1];
  }
  pair(pair const&) = delete;
  pair& operator=(pair const&) = delete;
  ~pair() { close(); }

  void say(std::string const& text) {
    BOOST_REQUIRE(::write(theirs_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::string hear(std::size_t most) {
    std::string heard(most, '\0');
    auto const got = ::read(theirs_, heard.data(), most);
    heard.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return heard;
  }
  void close() {
    if (theirs_ >= 0)
      ::close(std::exchange(theirs_, -1));
  }
  std::string receive(boost::system::error_code& failure, std::size_t most = 100) {
    std::string text(most, '\0');
    text.resize(ours.receive(text, failure));
    return text;
  }

  polled_socket ours;

private:
  int theirs_ = -1;
};

class poller_fixture {
public:
  asio::awaitable<void> wait(pair& on, std::vector<outcome>& outcomes, direction what = direction::read) {
    auto waiting = on.ours.async_wait(what, asio::deferred);
    auto const how = co_await std::move(waiting);
    outcomes.push_back(how);
  }

  std::unique_ptr<asio::io_context> context = std::make_unique<asio::io_context>(1);
  std::shared_ptr<socket_poller> poller = std::make_shared<socket_poller>(context->get_executor());
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(socket_poller_suite, poller_fixture)

BOOST_AUTO_TEST_CASE(a_wait_ends_with_bytes_and_leaves_no_work) {
  pair one(poller);
  std::vector<outcome> outcomes;
  asio::co_spawn(*context, wait(one, outcomes), asio::detached);
  context->poll();
  BOOST_TEST(outcomes.empty());
  BOOST_TEST(!context->stopped());
  one.say("hello");
  context->run(); // returns, since nobody waits any more
  BOOST_REQUIRE(outcomes.size() == 1u);
  BOOST_TEST((outcomes.front() == outcome::ready));
  boost::system::error_code failure;
  BOOST_TEST(one.receive(failure) == "hello");
  BOOST_TEST(!one.ours.readable());
}

// The change is reported once: a wait after it must not miss it, nor one after it was used up see it again.
BOOST_AUTO_TEST_CASE(what_came_before_the_wait_ends_it) {
  pair one(poller);
  one.say("early");
  std::vector<outcome> outcomes;
  asio::co_spawn(*context, wait(one, outcomes), asio::detached);
  context->run();
  BOOST_TEST(outcomes.size() == 1u);
  BOOST_TEST(one.ours.readable());
  asio::co_spawn(*context, wait(one, outcomes), asio::detached);
  context->restart();
  context->run();
  BOOST_TEST(outcomes.size() == 2u);

  boost::system::error_code failure;
  one.receive(failure);
  asio::co_spawn(*context, wait(one, outcomes), asio::detached);
  context->restart();
  context->poll();
  BOOST_TEST(outcomes.size() == 2u);
  one.say("more");
  context->run();
  BOOST_TEST(outcomes.size() == 3u);
}

BOOST_AUTO_TEST_CASE(bytes_that_did_not_fit_stay_readable) {
  pair one(poller);
  one.say("abcdef");
  poller->look_since(socket_poller::clock::now());
  boost::system::error_code failure;
  BOOST_TEST(one.receive(failure, 3) == "abc");
  BOOST_TEST(one.ours.readable());
  BOOST_TEST(one.receive(failure, 4) == "def");
  BOOST_TEST(!one.ours.readable());
  BOOST_TEST(one.receive(failure).empty());
  BOOST_TEST((failure == asio::error::would_block));
}

// The end comes with the last bytes, and must be seen behind them.
BOOST_AUTO_TEST_CASE(the_end_stays_readable) {
  pair one(poller);
  one.say("bye");
  one.close();
  std::vector<outcome> outcomes;
  boost::system::error_code failure;
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(*context, wait(one, outcomes), asio::detached);
    context->restart();
    context->run();
    auto const text = one.receive(failure);
    BOOST_TEST(text == (i == 0 ? "bye" : ""));
  }
  BOOST_TEST(outcomes.size() == 3u);
  BOOST_TEST((failure == asio::error::eof));
}

BOOST_AUTO_TEST_CASE(a_full_socket_becomes_writable) {
  pair one(poller);
  boost::system::error_code failure;
  std::string const block(64 * 1024, 'x');
  std::size_t sent = 0;
  while (!failure)
    sent += one.ours.send(block, failure);
  BOOST_TEST((failure == asio::error::would_block));
  std::vector<outcome> outcomes;
  poller->look_since(socket_poller::clock::now());
  asio::co_spawn(*context, wait(one, outcomes, direction::write), asio::detached);
  context->poll();
  BOOST_TEST(outcomes.empty());
  while (sent > 0)
    sent -= one.hear(sent).size();
  context->run();
  BOOST_TEST(outcomes.size() == 1u);
}

// More than are taken at once.
BOOST_AUTO_TEST_CASE(many_sockets_are_all_resumed) {
  std::vector<std::unique_ptr<pair>> pairs;
  std::vector<outcome> outcomes;
  for (int i = 0; i < 300; ++i) {
    pairs.push_back(std::make_unique<pair>(poller));
    asio::co_spawn(*context, wait(*pairs.back(), outcomes), asio::detached);
  }
  context->poll();
  for (auto& one : pairs)
    one->say("x");
  context->run();
  BOOST_TEST(outcomes.size() == 300u);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_ends_and_leaves_no_work) {
  pair one(poller);
  std::vector<outcome> outcomes;
  asio::cancellation_signal signal;
  auto waiting = [&]() -> asio::awaitable<void> {
    auto op = one.ours.async_wait(direction::read, asio::deferred);
    auto const how = co_await std::move(op);
    outcomes.push_back(how);
  };
  asio::co_spawn(*context, waiting(), asio::bind_cancellation_slot(signal.slot(), asio::detached));
  context->poll();
  signal.emit(asio::cancellation_type::terminal);
  BOOST_TEST(outcomes.empty()); // not from within emit()
  context->run();
  BOOST_REQUIRE(outcomes.size() == 1u);
  BOOST_TEST((outcomes.front() == outcome::cancelled));
}

// What one of them throws goes to whoever runs the context; the others go on.
BOOST_AUTO_TEST_CASE(an_exception_takes_nobody_along) {
  std::vector<std::unique_ptr<pair>> pairs;
  std::vector<outcome> outcomes;
  auto throwing = [&](pair& on) -> asio::awaitable<void> {
    auto op = on.ours.async_wait(direction::read, asio::deferred);
    co_await std::move(op);
    throw std::runtime_error("from a caller");
  };
  auto const rethrow = [](std::exception_ptr failure) {
    if (failure)
      std::rethrow_exception(failure);
  };
  for (int i = 0; i < 10; ++i) {
    pairs.push_back(std::make_unique<pair>(poller));
    if (i % 2 == 0)
      asio::co_spawn(*context, throwing(*pairs.back()), rethrow);
    else
      asio::co_spawn(*context, wait(*pairs.back(), outcomes), asio::detached);
  }
  context->poll();
  for (auto& one : pairs)
    one->say("x");
  int thrown = 0;
  while (!context->stopped())
    try {
      context->run();
    } catch (std::exception const&) {
      ++thrown; // Asio may make one of several (multiple_exceptions)
    }
  BOOST_TEST(thrown > 0);
  BOOST_TEST(outcomes.size() == 5u);
}

// A caller closes sockets that are about to be resumed in the same turn.
BOOST_AUTO_TEST_CASE(a_socket_may_go_while_others_are_resumed) {
  std::vector<std::unique_ptr<pair>> pairs;
  std::vector<outcome> outcomes;
  auto closing = [&](std::size_t own) -> asio::awaitable<void> {
    auto op = pairs[own]->ours.async_wait(direction::read, asio::deferred);
    auto const how = co_await std::move(op);
    outcomes.push_back(how);
    for (std::size_t i = 0; i < pairs.size(); ++i)
      if (i != own)
        pairs[i]->ours.cancel();
  };
  for (int i = 0; i < 5; ++i)
    pairs.push_back(std::make_unique<pair>(poller));
  for (std::size_t i = 0; i < 5; ++i)
    asio::co_spawn(*context, closing(i), asio::detached);
  context->poll();
  for (auto& one : pairs)
    one->say("x");
  context->run();
  BOOST_REQUIRE(outcomes.size() == 5u);
  BOOST_TEST(std::count(outcomes.begin(), outcomes.end(), outcome::ready) == 1);
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_takes_those_who_wait_along) {
  auto const held = std::make_shared<int>(1);
  auto waiting = [](std::shared_ptr<socket_poller> on, std::shared_ptr<int>) -> asio::awaitable<void> {
    pair own(std::move(on));
    auto op = own.ours.async_wait(direction::read, asio::deferred);
    co_await std::move(op);
  };
  for (int i = 0; i < 3; ++i)
    asio::co_spawn(*context, waiting(poller, held), asio::detached);
  context->poll();
  BOOST_TEST(held.use_count() > 1);
  poller.reset();
  context.reset();
  BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_look_from_elsewhere_resumes_those_it_found) {
  pair one(poller);
  std::vector<outcome> outcomes;
  asio::co_spawn(*context, wait(one, outcomes), asio::detached);
  context->poll();
  one.say("x");
  poller->look_since(socket_poller::clock::now());
  BOOST_TEST(outcomes.empty());
  context->run();
  BOOST_TEST(outcomes.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
