#include "support/attempts.hpp"
#include "support/call.hpp"
#include "support/cancel.hpp"
#include "support/log_capture.hpp"
#include "support/test.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using claudio::testing::reply;

namespace {

reply limited(std::string remaining) {
  return reply::answer("Hi.")
      .header("anthropic-ratelimit-requests-limit", "60")
      .header("anthropic-ratelimit-requests-remaining", std::move(remaining));
}

// A client on a context of its own, and what its calls came to.
class calling {
public:
  explicit calling(provider_options options)
      : endpoint(client::make(context.get_executor(), std::move(options), serial).value()) {}

  result<message> call(call_options options = call_options()) {
    return test::run(context, endpoint.create(test::native_hello(), std::move(options)));
  }

  // Begins it, to run beside others.
  void begin(call_options options = call_options()) {
    outcomes.push_back(nullptr);
    auto const place = outcomes.size() - 1;
    asio::co_spawn(context, endpoint.create(test::native_hello(), std::move(options)),
                   [this, place](std::exception_ptr failure, result<message> outcome) {
                     if (failure)
                       std::rethrow_exception(failure);
                     outcomes[place] = std::make_unique<result<message>>(std::move(outcome));
                     ended.push_back(place);
                   });
  }
  void run() {
    context.restart();
    context.run();
  }

  asio::io_context context;
  client endpoint;
  std::vector<std::unique_ptr<result<message>>> outcomes;
  std::vector<std::size_t> ended; // in their order
};

std::vector<std::string> keys_seen(testing::fake_server const& server) {
  std::vector<std::string> seen;
  for (auto const& request : server.requests())
    seen.emplace_back(request.header("x-api-key"));
  return seen;
}

// The second one has to wait.
asio::awaitable<result<message>> call_twice(client endpoint) {
  try {
    auto first = co_await endpoint.create(test::native_hello());
    if (!first)
      co_return first.error();
    auto second = co_await endpoint.create(test::native_hello());
    co_return second;
  } catch (boost::system::system_error const&) { // by Asio, at the next co_await
  }
  co_return error(errc::cancelled, "between the two");
}

provider_options with_keys(provider_options options, std::vector<std::string> const& names) {
  options.api_key = secret();
  for (auto const& name : names) {
    api_key_options key;
    key.api_key = secret("sk-ant-key-" + name);
    options.api_keys.push_back(std::move(key));
  }
  return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(pacing)

BOOST_AUTO_TEST_CASE(a_call_waits_for_its_turn) {
  testing::fake_server server;
  auto options = test::quick(server);
  options.rates.rpm = 600;
  calling many(options);
  for (int i = 0; i < 600; ++i)
    many.begin();
  many.run();
  std::size_t waited = 0;
  for (auto const& outcome : many.outcomes) {
    BOOST_REQUIRE(outcome->has_value());
    waited += (*outcome)->info().pacing > 0ns ? 1 : 0;
  }
  BOOST_TEST(waited >= 1u);
  BOOST_TEST(waited <= 10u); // 590 at once, then one every 100 ms
  BOOST_TEST(describe((*many.outcomes[599])->info()).find("for a turn under the rate limits") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_deadline_bounds_the_wait) {
  testing::fake_server server;
  server.script({limited("0")});
  calling one(test::quick(server));
  call_options soon;
  soon.timeout(10s);
  BOOST_TEST(one.call().has_value());
  soon.timeout(100ms);
  auto const outcome = one.call(soon);
  BOOST_REQUIRE(outcome.has_error());
  BOOST_TEST(outcome.error().code() == errc::rate_limited);
  BOOST_TEST(outcome.error().message().find("the call's turn under the rate limits would come in about 1 s") == 0u);
  BOOST_TEST(outcome.error().info().attempts == 0u);
  BOOST_TEST(server.requests().size() == 1u);
}

BOOST_AUTO_TEST_CASE(so_does_the_longest_wait) {
  testing::fake_server server;
  server.script({limited("0")});
  auto options = test::quick(server);
  options.pacing.max_wait = 20ms;
  calling one(options);
  BOOST_TEST(one.call().has_value());
  auto const outcome = one.call();
  BOOST_REQUIRE(outcome.has_error());
  BOOST_TEST(outcome.error().code() == errc::rate_limited);
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses) {
  testing::fake_server server;
  server.script({limited("0")});
  auto options = test::quick(server);
  options.pacing.max_waiting = 1;
  calling some(options);
  BOOST_TEST(some.call().has_value());
  some.begin();
  some.begin();
  some.run();
  BOOST_TEST(some.outcomes[0]->has_value());
  BOOST_REQUIRE(some.outcomes[1]->has_error());
  BOOST_TEST(some.outcomes[1]->error().code() == errc::rate_limited);
  BOOST_TEST(some.outcomes[1]->error().message() ==
             "1 calls wait for their turn under the rate limits already (pacing.max_waiting)");
}

BOOST_AUTO_TEST_CASE(interactive_calls_overtake_batch_calls) {
  testing::fake_server server;
  server.script({limited("0")});
  auto options = test::quick(server);
  calling some(options);
  BOOST_TEST(some.call().has_value());
  call_options batch;
  batch.lane = call_lane::batch;
  some.begin(batch);
  some.begin();
  some.run();
  BOOST_REQUIRE(some.ended.size() == 2u);
  BOOST_TEST(some.ended[0] == 1u);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_gives_its_place_up) {
  testing::fake_server server;
  server.script({limited("0")});
  calling some(test::quick(server));
  BOOST_TEST(some.call().has_value());
  asio::cancellation_signal signal;
  std::optional<result<message>> cancelled;
  asio::co_spawn(some.context, some.endpoint.create(test::native_hello()),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, result<message> outcome) {
                   cancelled.emplace(std::move(outcome));
                 }));
  some.begin();
  some.context.restart();
  some.context.poll();
  signal.emit(asio::cancellation_type::terminal);
  some.run();
  BOOST_REQUIRE(cancelled.has_value());
  BOOST_TEST(cancelled->error().code() == errc::cancelled);
  BOOST_TEST(some.outcomes[0]->has_value());
  BOOST_TEST((*some.outcomes[0])->info().pacing < 1500ms);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_the_waits_at_its_deadline) {
  testing::fake_server server;
  server.script({limited("0")});
  calling some(test::quick(server));
  BOOST_TEST(some.call().has_value());
  some.begin();
  some.begin();
  some.begin();
  auto const drained = test::run(some.context, some.endpoint.drain(std::chrono::steady_clock::now() + 50ms));
  BOOST_REQUIRE(drained.has_error());
  for (auto const& outcome : some.outcomes)
    BOOST_TEST(outcome->error().code() == errc::shut_down);
}

BOOST_AUTO_TEST_CASE(streams_are_paced_too) {
  testing::fake_server server;
  server.script({limited("0")});
  calling one(test::quick(server));
  auto const read = [](client endpoint) -> asio::awaitable<result<message>> {
    auto stream = co_await endpoint.stream(test::native_hello());
    if (!stream)
      co_return stream.error();
    while (true) {
      auto event = co_await stream->next();
      if (!event)
        co_return event.error();
      if (!*event)
        break;
    }
    co_return stream->response();
  };
  BOOST_TEST(test::run(one.context, read(one.endpoint))->info().pacing.count() == 0);
  auto const second = test::run(one.context, read(one.endpoint));
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST((second->info().pacing > 500ms));
}

// The server's limits, the client's configuration: no 429 at all.
BOOST_AUTO_TEST_CASE(a_server_that_enforces_its_limits_never_has_to) {
  testing::fake_server_options strict;
  strict.limits.rpm = 3000;
  testing::fake_server server(strict);
  auto options = test::quick(server);
  options.rates.rpm = 3000;
  calling many(options);
  call_options watching;
  watching.observer = test::on_attempt([](attempt_info const& attempt) {
    if (attempt.failure)
      BOOST_ERROR(attempt.failure->to_string());
  });
  for (int i = 0; i < 3100; ++i)
    many.begin(watching);
  many.run();
  std::size_t attempts = 0;
  for (auto const& outcome : many.outcomes) {
    BOOST_REQUIRE(outcome->has_value());
    attempts += (*outcome)->info().attempts;
  }
  BOOST_TEST(attempts == 3100u);
}

BOOST_AUTO_TEST_CASE(an_open_circuit_fails_at_once_and_says_why) {
  testing::fake_server server;
  server.on_request([](testing::received_request const&) { return reply::status(529); });
  auto options = test::quick(server);
  options.breaker.enabled = true;
  options.breaker.open = 50ms;
  options.retry.max_retries = 0;
  calling many(options);
  for (int i = 0; i < 20; ++i)
    many.begin();
  many.run();
  auto const refused = many.call();
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(refused.error().code() == errc::circuit_open);
  BOOST_TEST(refused.error().info().attempts == 0u);
  BOOST_TEST(refused.error().message().find("The last failure: overloaded (HTTP 529, overloaded_error) [") !=
             std::string::npos);
  BOOST_CHECK_THROW(refused.value(), server_error);
  BOOST_TEST(server.requests().size() == 20u);

  server.on_request([](testing::received_request const&) { return reply::answer("Again."); });
  auto const pause = [](asio::io_context& context) -> asio::awaitable<bool> {
    asio::steady_timer timer(context, 60ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return true;
  };
  test::run(many.context, pause(many.context));
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(many.call().has_value());
}

// A gateway's page may quote the prompt that it answers.
BOOST_AUTO_TEST_CASE(what_a_server_said_stays_with_its_call) {
  testing::fake_server server;
  server.on_request([](testing::received_request const& request) { return reply::status(502, request.body); });
  auto options = test::quick(server);
  options.breaker.enabled = true;
  options.retry.max_retries = 0;
  calling many(options);
  for (int i = 0; i < 20; ++i)
    many.begin();
  many.run();
  BOOST_TEST(many.outcomes[0]->error().message().find("Hello!") != std::string::npos);
  auto const refused = many.call();
  BOOST_TEST(refused.error().code() == errc::circuit_open);
  BOOST_TEST(refused.error().message().find("Hello!") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_budget_ends_retries) {
  testing::fake_server server;
  server.on_request([](testing::received_request const&) { return reply::status(500); });
  auto options = test::quick(server);
  options.retry_budget_tokens = 6;
  calling some(options);
  auto const first = some.call();
  BOOST_TEST(first.error().info().attempts == 3u);
  BOOST_TEST(first.error().info().budget_used == 2u);
  BOOST_TEST(first.error().message() ==
             "Internal server error; not tried again: the retry budget is used up (retry.budget)");
  BOOST_TEST(some.call().error().info().attempts == 1u);
}

BOOST_AUTO_TEST_CASE(another_key_takes_over_from_a_bad_one) {
  testing::fake_server server;
  server.on_request([](testing::received_request const& request) {
    return request.header("x-api-key") == "sk-ant-key-a" ? reply::status(401) : reply::answer("Hi.");
  });
  calling one(with_keys(test::quick(server), {"a", "b"}));
  auto const first = one.call();
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(first->info().attempts == 1u);
  BOOST_TEST(first->info().key_changes == 1u);
  BOOST_TEST(one.call()->info().key_changes == 0u);
  std::vector<std::string> const expected{"sk-ant-key-a", "sk-ant-key-b", "sk-ant-key-b"};
  BOOST_TEST(keys_seen(server) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(another_key_takes_over_for_a_stream) {
  testing::fake_server server;
  server.on_request([](testing::received_request const& request) {
    return request.header("x-api-key") == "sk-ant-key-a" ? reply::status(402) : reply::answer("Hi.");
  });
  calling one(with_keys(test::quick(server), {"a", "b"}));
  auto const stream = test::run(one.context, one.endpoint.stream(test::native_hello()));
  BOOST_TEST(stream.has_value());
  BOOST_TEST(keys_seen(server).size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_callers_own_bad_key_costs_no_other) {
  testing::fake_server server;
  server.on_request([](testing::received_request const& request) {
    return request.header("x-api-key") == "sk-ant-revoked" ? reply::status(401) : reply::answer("Hi.");
  });
  calling one(with_keys(test::quick(server), {"a", "b"}));
  call_options own;
  own.headers.emplace_back("X-Api-Key", "sk-ant-revoked");
  BOOST_TEST(one.call(own).error().code() == errc::authentication);
  BOOST_TEST(one.call()->info().key_changes == 0u);
  BOOST_TEST(server.requests().size() == 2u);
}

BOOST_AUTO_TEST_CASE(keys_share_the_calls_and_headers_of_a_call_go_with_each) {
  testing::fake_server server;
  auto options = with_keys(test::quick(server), {"a", "b"});
  options.api_keys[1].weight = 3;
  calling one(options);
  call_options more;
  more.headers.emplace_back("x-trace", "1");
  for (int i = 0; i < 40; ++i)
    BOOST_TEST(one.call(more).has_value());
  auto const seen = keys_seen(server);
  BOOST_TEST(std::count(seen.begin(), seen.end(), "sk-ant-key-a") == 10);
  BOOST_TEST(std::count(seen.begin(), seen.end(), "sk-ant-key-b") == 30);
}

// A server may echo what it was sent, and a log is read by many.
BOOST_AUTO_TEST_CASE(no_key_is_shown) {
  testing::fake_server server;
  server.on_request([](testing::received_request const& request) {
    return reply::status(401, R"({"type":"error","error":{"type":"authentication_error","message":"no: )" +
                                  std::string(request.header("x-api-key")) + "\"}}");
  });
  calling one(with_keys(test::quick(server), {"a", "b"}));
  auto const refused = one.call();
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(refused.error().to_string().find("sk-ant-key") == std::string::npos);
  auto const none = one.call();
  BOOST_TEST(none.error().message().find("all 2 API keys are set aside (api_keys), since the server refused them; "
                                         "key 1 is tried again in 60 s") == 0u);
  BOOST_TEST(none.error().code() == errc::authentication);
  auto const log = test::captured_log();
  BOOST_TEST(log.find("api_key_set_aside key=1 ") != std::string::npos);
  BOOST_TEST(log.find("sk-ant-key") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_wait_is_cancelled_after_every_handler) {
  testing::fake_server server;
  server.on_request([](testing::received_request const&) {
    return reply::answer("Hi.")
        .header("anthropic-ratelimit-requests-limit", "6000")
        .header("anthropic-ratelimit-requests-remaining", "0");
  });
  auto const begin = [&](asio::io_context& context, std::size_t) {
    test::ready_call<message> call;
    call.caller = context.get_executor();
    call.endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
    call.work = call_twice(call.endpoint);
    return call;
  };
  BOOST_TEST(test::cancel_after_every_handler<message>(begin) > 10u);
}

BOOST_AUTO_TEST_SUITE_END()
