// Managers that watch a store: a rotation and a changed key while calls are in flight.
#include "store/database.hpp"
#include "support/call.hpp"

#include <claudio/model_manager.hpp>
#include <claudio/store.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/object.hpp>

#include <thread>

using namespace claudio;
using namespace claudio::test;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::fake_server_options;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

json::object provider_at(fake_server const& server, std::string const& ca_file, std::string_view key) {
  auto const reachable = server.provider();
  json::object pool;
  pool["max_sessions"] = 200;
  json::object config;
  config["api_key"] = json::string_view(key);
  config["api_base"] = reachable.api_base;
  config["ca_file"] = ca_file;
  config["pool"] = std::move(pool);
  json::object provider;
  provider["name"] = "anthropic";
  provider["provider_type"] = "anthropic";
  provider["provider_config"] = std::move(config);
  return provider;
}

json::object model_named(std::string const& name) {
  json::object model;
  model["name"] = name;
  model["type"] = "LLM";
  model["provider_name"] = "anthropic";
  return model;
}

store opened(asio::io_context& context, std::string const& url, std::initializer_list<std::string_view> keys) {
  auto made = run(context, store::open(context.get_executor(), url, sources_of(keys)));
  succeeds(made);
  return std::move(*made);
}

} // namespace

BOOST_AUTO_TEST_SUITE(store_watch)

BOOST_AUTO_TEST_CASE(keys_change_and_rotate_while_calls_are_in_flight) {
  fake_server_options slow;
  slow.latency = 30ms;
  fake_server server(slow);
  temporary_folder const folder;
  auto const ca_file = folder.write("ca.pem", server.ca_pem(), 0600);
  database const at;
  auto const& url = at.url();
  asio::io_context operators;
  auto const theirs = opened(operators, url, {first_key});
  succeeds(run(operators, theirs.add_provider(provider_at(server, ca_file, "sk-ant-api03-the-first-key"))));
  succeeds(run(operators, theirs.add_model(model_named("claude-sonnet-4-6"))));

  asio::io_context context;
  auto const ours = opened(context, url, {second_key, first_key});
  auto config = run(context, ours.load());
  succeeds(config);
  model_manager const manager(context.get_executor(), std::move(*config), serial);
  auto const claude = manager.get_model_instance("claude-sonnet-4-6").value();
  asio::cancellation_signal stop;
  std::optional<result<void>> watched;
  auto ended = [&](std::exception_ptr, result<void> got) { watched.emplace(std::move(got)); };
  asio::co_spawn(context, manager.watch(ours), asio::bind_cancellation_slot(stop.slot(), ended));

  std::size_t in_flight = 0;
  std::size_t failed = 0;
  std::size_t calls = 0;
  bool calling = true;
  auto caller = [&]() -> asio::awaitable<void> {
    ++in_flight;
    while (calling) {
      auto const answer = co_await claude.invoke(test::hello());
      ++calls;
      failed += answer ? 0 : 1;
    }
    --in_flight;
  };
  for (int i = 0; i < 1000; ++i)
    asio::co_spawn(context, caller(), asio::detached);
  auto const go_on_until = [&](auto condition) {
    context.restart();
    while (!condition())
      context.run_one();
  };
  auto const used = [&](std::string_view key) {
    return [&server, key] {
      auto const seen = server.requests();
      return !seen.empty() && seen.back().header("x-api-key") == key;
    };
  };
  go_on_until([&] { return calls > 200; });
  std::thread operating([&] {
    auto const set =
        run(operators, theirs.set_secret("anthropic", named_secret("api_key", secret("sk-ant-api03-the-second-key"))));
    BOOST_TEST(set.has_value());
  });
  go_on_until(used("sk-ant-api03-the-second-key"));
  operating.join();
  auto const before = calls;
  std::thread rotating([&] {
    auto const newer = opened(operators, url, {second_key, first_key});
    auto const rotated = run(operators, newer.rotate());
    BOOST_TEST(rotated.value().rewrapped == 1u);
    BOOST_TEST(run(operators, newer.add_model(model_named("claude-haiku-4-5"))).has_value());
  });
  go_on_until([&] { return manager.get_model_instance("claude-haiku-4-5").has_value(); });
  rotating.join();
  go_on_until([&] { return calls > before + 1000; });
  // Who has the old key only is too late to store anything with it.
  fails_with(
      run(operators, theirs.set_secret("anthropic", named_secret("api_key", secret("sk-ant-api03-the-third-key")))),
      errc::vault, "which was not given");
  calling = false;
  go_on_until([&] { return in_flight == 0; });
  stop.emit(asio::cancellation_type::terminal);
  go_on_until([&] { return watched.has_value(); });
  BOOST_TEST(failed == 0u);
  BOOST_TEST(watched->error().code() == errc::cancelled);
}

BOOST_AUTO_TEST_CASE(changes_of_the_same_store_are_seen_too) {
  fake_server server;
  temporary_folder const folder;
  auto const ca_file = folder.write("ca.pem", server.ca_pem(), 0600);
  database const at;
  asio::io_context context;
  auto const ours = opened(context, at.url(), {first_key});
  succeeds(run(context, ours.add_provider(provider_at(server, ca_file, "sk-ant-api03-the-first-key"))));
  model_manager const manager(context.get_executor(), run(context, ours.load()).value(), serial);
  BOOST_TEST(manager.get_model_instance("claude-sonnet-4-6").error().code() == errc::model_not_found);
  asio::cancellation_signal stop;
  asio::co_spawn(context, manager.watch(ours), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  asio::co_spawn(context, ours.add_model(model_named("claude-sonnet-4-6")), asio::detached);
  context.restart();
  while (!manager.get_model_instance("claude-sonnet-4-6"))
    context.run_one();
  stop.emit(asio::cancellation_type::terminal);
  context.run();
}

BOOST_AUTO_TEST_SUITE_END()
