// A manager that watches a configuration: what changes there is in use soon after, and disturbs no call.
#include "runtime/reminder.hpp"
#include "support/call.hpp"
#include "support/log_capture.hpp"
#include "support/test.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::fake_server_options;
using claudio::testing::reply;
namespace asio = boost::asio;

namespace {

// A source that the test changes. Copies share what they give.
class scripted_source : public configuration_source {
public:
  void set(configuration config) {
    std::scoped_lock const lock(given_->mutex);
    config.revision = ++given_->revision;
    given_->config = std::move(config);
  }
  void away(std::optional<error> fault) {
    std::scoped_lock const lock(given_->mutex);
    given_->fault = std::move(fault);
  }
  int loads() const { return given_->loads; }

  asio::awaitable<result<configuration>> load() const override { return load_from(given_); }
  asio::awaitable<result<void>> wait_for_change(std::uint64_t seen) const override { return wait(given_, seen); }

private:
  struct shared {
    std::mutex mutex;
    configuration config;
    std::uint64_t revision = 0;
    std::optional<error> fault;
    std::atomic<int> loads{0};
  };

  static asio::awaitable<result<configuration>> load_from(std::shared_ptr<shared> given) {
    ++given->loads;
    std::scoped_lock const lock(given->mutex);
    if (given->fault)
      co_return *given->fault;
    co_return given->config;
  }

  static asio::awaitable<result<void>> wait(std::shared_ptr<shared> given, std::uint64_t seen) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (true) {
      {
        std::scoped_lock const lock(given->mutex);
        if (given->fault)
          co_return *given->fault;
        if (given->revision != seen)
          co_return result<void>();
      }
      timer.expires_after(1ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }

  std::shared_ptr<shared> given_ = std::make_shared<shared>();
};

configuration configured(provider_options options, std::vector<std::string> const& models) {
  configuration config;
  provider_configuration provider;
  provider.name = "anthropic";
  provider.options = std::move(options);
  config.providers.push_back(std::move(provider));
  for (auto const& name : models) {
    model_configuration model;
    model.name = name;
    model.provider_name = "anthropic";
    config.models.push_back(std::move(model));
  }
  return config;
}

provider_options with_key(provider_options options, std::string key) {
  options.api_key = secret(std::move(key));
  return options;
}

std::string last_key(fake_server& server) { return std::string(server.requests().back().header("x-api-key")); }

// A manager with its watch, in a context that runs as the test says.
class watched {
public:
  explicit watched(scripted_source const& source)
      : manager(context.get_executor(), test::run(context, source.load()).value(), serial) {
    auto ended = [this](std::exception_ptr failure, result<void> got) {
      BOOST_TEST(!failure);
      outcome.emplace(std::move(got));
    };
    asio::co_spawn(context, manager.watch(source), asio::bind_cancellation_slot(stop.slot(), ended));
  }
  ~watched() {
    stop.emit(asio::cancellation_type::terminal);
    context.restart();
    context.run();
  }

  // Until the manager works by that revision.
  void until(std::uint64_t revision) {
    run_while([&] { return manager.state().revision != revision; });
  }
  template <class Condition>
  void run_while(Condition condition) {
    context.restart();
    while (condition())
      context.run_one();
  }
  template <class T>
  T call(asio::awaitable<T> work) {
    std::optional<T> got;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr, T value) { got.emplace(std::move(value)); });
    run_while([&] { return !got; });
    return std::move(*got);
  }

  asio::io_context context;
  model_manager manager;
  asio::cancellation_signal stop;
  std::optional<result<void>> outcome;
};

std::string const sonnet = "claude-sonnet-4-6";
std::string const haiku = "claude-haiku-4-5";

} // namespace

BOOST_AUTO_TEST_SUITE(watch)

BOOST_AUTO_TEST_CASE(a_changed_key_is_used_by_models_that_were_given_out_before) {
  fake_server server;
  scripted_source source;
  source.set(configured(with_key(test::quick(server), "sk-ant-first"), {sonnet}));
  watched under(source);
  auto const claude = under.manager.get_model_instance(sonnet).value();
  BOOST_TEST(under.call(claude.invoke(test::hello())).has_value());
  BOOST_TEST(last_key(server) == "sk-ant-first");
  source.set(configured(with_key(test::quick(server), "sk-ant-second"), {sonnet}));
  under.until(2);
  BOOST_TEST(under.call(claude.invoke(test::hello())).has_value());
  BOOST_TEST(last_key(server) == "sk-ant-second");
  BOOST_TEST(under.call(under.manager.get_model_instance(sonnet)->invoke(test::hello())).has_value());
  BOOST_TEST(last_key(server) == "sk-ant-second");
}

BOOST_AUTO_TEST_CASE(a_provider_that_has_not_changed_keeps_its_sessions) {
  fake_server server;
  auto const options = test::quick(server);
  scripted_source source;
  source.set(configured(options, {sonnet}));
  watched under(source);
  auto const claude = under.manager.get_model_instance(sonnet).value();
  BOOST_TEST(under.call(claude.invoke(test::hello())).has_value());
  auto changed = configured(options, {sonnet, haiku});
  changed.models[0].max_tokens = 77;
  source.set(std::move(changed));
  under.until(2);
  chat_request request;
  request.user("Hello!");
  BOOST_TEST(under.call(claude.invoke(request)).has_value());
  BOOST_TEST(server.requests().back().body.find("\"max_tokens\":77") != std::string::npos);
  BOOST_TEST(server.requests().back().connection == 1u);
  BOOST_TEST(claude.endpoint().pool().opened == 1u);

  auto other = options;
  other.headers.emplace_back("x-team", "blue");
  source.set(configured(other, {sonnet, haiku}));
  under.until(3);
  BOOST_TEST(under.call(claude.invoke(test::hello())).has_value());
  BOOST_TEST(server.requests().back().header("x-team") == "blue");
  BOOST_TEST(server.requests().back().connection == 2u);
  source.set(configured(other, {sonnet}));
  under.until(4);
  BOOST_TEST(under.call(claude.invoke(test::hello())).has_value());
  BOOST_TEST(server.requests().back().connection == 2u);
}

BOOST_AUTO_TEST_CASE(models_come_and_go) {
  fake_server server;
  scripted_source source;
  source.set(configured(test::quick(server), {sonnet}));
  watched under(source);
  auto const claude = under.manager.get_model_instance(sonnet).value();
  BOOST_TEST(under.manager.get_model_instance(haiku).error().code() == errc::model_not_found);
  source.set(configured(test::quick(server), {haiku}));
  under.until(2);
  BOOST_TEST(under.manager.get_model_instance(haiku).has_value());
  BOOST_TEST((under.manager.model_names() == std::vector<std::string>{haiku}));
  auto const gone = under.call(claude.invoke(test::hello()));
  BOOST_TEST(gone.error().code() == errc::model_not_found);
  BOOST_TEST(under.call(claude.stream(test::hello())).error().code() == errc::model_not_found);
  BOOST_TEST(claude.name() == sonnet);
  BOOST_TEST(under.call(claude.endpoint().create(test::native_hello())).error().code() == errc::configuration);
  source.set(configured(test::quick(server), {haiku, sonnet}));
  under.until(3);
  BOOST_TEST(under.call(claude.invoke(test::hello())).has_value());
}

BOOST_AUTO_TEST_CASE(calls_in_flight_end_as_they_began) {
  fake_server_options slow;
  slow.latency = 50ms;
  fake_server server(slow);
  scripted_source source;
  source.set(configured(with_key(test::quick(server), "sk-ant-first"), {sonnet}));
  watched under(source);
  auto const claude = under.manager.get_model_instance(sonnet).value();
  int ended = 0;
  int failed = 0;
  for (int i = 0; i < 50; ++i)
    asio::co_spawn(under.context, claude.invoke(test::hello()), [&](std::exception_ptr, result<chat_response> got) {
      ++ended;
      failed += got ? 0 : 1;
    });
  under.run_while([&] { return server.requests().empty(); });
  source.set(configured(with_key(test::quick(server), "sk-ant-second"), {haiku}));
  under.until(2);
  BOOST_TEST(ended < 50);
  under.run_while([&] { return ended < 50; });
  BOOST_TEST(failed == 0);
  for (auto const& request : server.requests())
    BOOST_TEST(request.header("x-api-key") == "sk-ant-first");
}

BOOST_AUTO_TEST_CASE(a_source_that_is_away_leaves_the_last_configuration_in_use) {
  fake_server server;
  scripted_source source;
  source.set(configured(test::quick(server), {sonnet}));
  watched under(source);
  auto const claude = under.manager.get_model_instance(sonnet).value();
  BOOST_TEST(!under.manager.state().fault.has_value());
  source.away(error(errc::storage, "the database is on another planet"));
  under.run_while([&] { return !under.manager.state().fault; });
  BOOST_TEST(under.manager.state().fault->code() == errc::storage);
  BOOST_TEST(under.manager.state().revision == 1u);
  BOOST_TEST(test::captured_log().find("stays_in_use=1 error=\"the database is on another planet\"") !=
             std::string::npos);
  BOOST_TEST(under.call(claude.invoke(test::hello())).has_value());
  // It is well again, and the same.
  source.away(std::nullopt);
  under.run_while([&] { return under.manager.state().fault.has_value(); });
  BOOST_TEST(under.manager.state().revision == 1u);
  source.set(configured(test::quick(server), {sonnet, haiku}));
  under.until(2);
  BOOST_TEST(under.manager.get_model_instance(haiku).has_value());
}

BOOST_AUTO_TEST_CASE(a_provider_that_can_t_be_used_any_more_fails_its_models_only) {
  fake_server server;
  scripted_source source;
  source.set(configured(test::quick(server), {sonnet}));
  watched under(source);
  auto const claude = under.manager.get_model_instance(sonnet).value();
  auto broken = configured(test::quick(server), {sonnet, haiku});
  broken.providers[0].fault = error(errc::vault, "its key is lost");
  broken.providers.push_back(broken.providers[0]);
  broken.providers[1].name = "second";
  broken.providers[1].fault.reset();
  broken.models[1].provider_name = "second";
  source.set(broken);
  under.until(2);
  auto const refused = under.call(claude.invoke(test::hello()));
  BOOST_TEST(refused.error().code() == errc::vault);
  BOOST_TEST(under.call(under.manager.get_model_instance(haiku)->invoke(test::hello())).has_value());
  broken.providers[0].fault.reset();
  source.set(broken);
  under.until(3);
  BOOST_TEST(under.call(claude.invoke(test::hello())).has_value());
}

BOOST_AUTO_TEST_CASE(it_ends_when_it_is_cancelled_or_the_manager_is_drained) {
  fake_server server;
  scripted_source source;
  source.set(configured(test::quick(server), {sonnet}));
  {
    watched under(source);
    under.run_while([&] { return source.loads() == 0; });
    under.stop.emit(asio::cancellation_type::terminal);
    under.run_while([&] { return !under.outcome; });
    BOOST_TEST(under.outcome->error().code() == errc::cancelled);
  }
  watched under(source);
  auto const claude = under.manager.get_model_instance(sonnet).value();
  BOOST_TEST(under.call(under.manager.drain(std::chrono::steady_clock::now() + 1s)).has_value());
  source.set(configured(test::quick(server), {sonnet, haiku}));
  under.run_while([&] { return !under.outcome; });
  BOOST_TEST(under.outcome->error().code() == errc::shut_down);
  BOOST_TEST(under.call(claude.invoke(test::hello())).error().code() == errc::shut_down);
  BOOST_TEST(under.manager.state().revision == 1u);
}

BOOST_AUTO_TEST_CASE(a_drain_waits_for_calls_of_clients_that_were_replaced) {
  fake_server_options slow;
  slow.latency = 50ms;
  fake_server server(slow);
  scripted_source source;
  source.set(configured(with_key(test::quick(server), "sk-ant-first"), {sonnet}));
  watched under(source);
  std::optional<result<chat_response>> got;
  auto const claude = under.manager.get_model_instance(sonnet).value();
  asio::co_spawn(under.context, claude.invoke(test::hello()),
                 [&](std::exception_ptr, result<chat_response> answer) { got.emplace(std::move(answer)); });
  under.run_while([&] { return server.requests().empty(); });
  source.set(configured(with_key(test::quick(server), "sk-ant-second"), {sonnet}));
  under.until(2);
  BOOST_TEST(!got.has_value());
  BOOST_TEST(under.call(under.manager.drain(std::chrono::steady_clock::now() + 10s)).has_value());
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->has_value());
}

BOOST_AUTO_TEST_CASE(callers_on_many_threads_while_it_changes) {
  fake_server server;
  scripted_source source;
  source.set(configured(with_key(test::quick(server), "sk-ant-0"), {sonnet, haiku}));
  asio::thread_pool pool(3);
  asio::io_context first;
  auto config = test::run(first, source.load()).value();
  model_manager const manager(pool.get_executor(), std::move(config));
  asio::cancellation_signal stop;
  auto const watching = asio::make_strand(pool);
  std::atomic<bool> watch_ended{false};
  asio::co_spawn(
      watching, manager.watch(source),
      asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr, result<void> const&) { watch_ended = true; }));
  std::atomic<int> calls{0};
  std::atomic<int> failed{0};
  std::atomic<int> callers{0};
  std::atomic<bool> changing{true};
  auto caller = [&]() -> asio::awaitable<void> {
    while (changing) {
      auto const claude = manager.get_model_instance(sonnet);
      auto const answer = co_await claude->invoke(test::hello());
      ++calls;
      failed += answer ? 0 : 1;
    }
    --callers;
  };
  for (int i = 0; i < 6; ++i) {
    ++callers;
    asio::co_spawn(asio::make_strand(pool), caller(), asio::detached);
  }
  for (unsigned revision = 2; revision <= 40; ++revision) {
    source.set(configured(with_key(test::quick(server), "sk-ant-" + std::to_string(revision)), {haiku, sonnet}));
    while (manager.state().revision != revision)
      std::this_thread::yield();
  }
  changing = false;
  while (callers > 0)
    std::this_thread::yield();
  asio::post(watching, [&] { stop.emit(asio::cancellation_type::terminal); });
  pool.join();
  BOOST_TEST(watch_ended);
  BOOST_TEST(failed == 0);
  BOOST_TEST(calls > 6);
}

// A manager that can't follow its source does not go on with old keys in silence.
BOOST_AUTO_TEST_CASE(a_fault_that_lasts_is_logged_again) {
  using claudio::detail::reminder;
  reminder away;
  reminder::clock::time_point const begin(std::chrono::hours(1));
  BOOST_TEST(away.is_due(true, begin));
  BOOST_TEST(!away.is_due(false, begin + std::chrono::minutes(9)));
  BOOST_TEST(away.is_due(true, begin + std::chrono::minutes(9)));
  BOOST_TEST(!away.is_due(false, begin + std::chrono::minutes(18)));
  BOOST_TEST(away.is_due(false, begin + std::chrono::minutes(19)));
  BOOST_TEST(!away.is_due(false, begin + std::chrono::minutes(20)));
}

BOOST_AUTO_TEST_SUITE_END()
