#pragma once

#include "support/test.hpp"

#include <claudio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>

namespace claudio::test {

/// A call that is ready to begin.
template <class T>
class ready_call {
public:
  boost::asio::any_io_executor caller;
  client endpoint;
  boost::asio::awaitable<result<T>> work;
};

/// Cancels a call after the nth handler of its context has run, for every n there is: it ends as cancelled or as it
/// would have, and leaves nothing. `begin(context, n)` gives the call of each round. Returns how often it was
/// cancelled.
template <class T, class Begin>
std::size_t cancel_after_every_handler(Begin begin) {
  namespace asio = boost::asio;
  std::size_t cancelled = 0;
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 500; ++n) {
    asio::io_context context;
    ready_call<T> call = begin(context, n);
    asio::cancellation_signal signal;
    std::optional<result<T>> outcome;
    auto ended = [&](std::exception_ptr failure, result<T> got) {
      BOOST_TEST(!failure);
      outcome.emplace(std::move(got));
    };
    asio::co_spawn(call.caller, std::move(call.work),
                   asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(call.caller, ended)));
    for (std::size_t step = 0; step < n && !outcome; ++step)
      context.run_one();
    finished = outcome.has_value();
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    BOOST_REQUIRE(outcome.has_value());
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      if (outcome->has_error()) {
        ++cancelled;
        BOOST_TEST(outcome->error().code() == errc::cancelled);
      }
      BOOST_TEST(call.endpoint.pool().open == call.endpoint.pool().idle);
      BOOST_TEST(call.endpoint.pool().waiting == 0u);
    }
  }
  BOOST_TEST(finished);
  return cancelled;
}

} // namespace claudio::test
