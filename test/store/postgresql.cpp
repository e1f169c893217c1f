// The store in a PostgreSQL database: what goes wrong between it and the server.
#include "postgres/fixtures.hpp"
#include "store/database.hpp"
#include "store/operations.hpp"
#include "support/tcp_proxy.hpp"

#include <claudio/model_manager.hpp>
#include <claudio/store.hpp>

#include <boost/asio/detached.hpp>

#include <libpq-fe.h>
#include <thread>

using namespace claudio;
using namespace claudio::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

void control(std::string const& what) {
  char const* const program = std::getenv("CLAUDIO_TEST_POSTGRESQL_CONTROL");
  BOOST_REQUIRE(program != nullptr);
  BOOST_REQUIRE(std::system((std::string(program) + " " + what).c_str()) == 0);
}

result<store> open_url(asio::io_context& context, std::string const& url) {
  return run(context, store::open(context.get_executor(), url, sources_of({first_key})));
}

// Another process: a connection that knows nothing of claudio.
class foreign {
public:
  explicit foreign(std::string const& url) : connection_(PQconnectdb(url.c_str()), &PQfinish) {}
  bool is_connected() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
  void execute(char const* sql) {
    PGresult* const answer = PQexec(connection_.get(), sql);
    auto const status = PQresultStatus(answer);
    BOOST_TEST((status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK), PQerrorMessage(connection_.get()));
    PQclear(answer);
  }

private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

// Adds models m0, m1, … one after the other until it is told to stop; each of them exactly once.
asio::awaitable<void> keep_adding(store at, bool const* stopped, std::size_t* added, std::vector<std::string>* faults) {
  while (!*stopped) {
    auto const name = "m" + std::to_string(*added);
    auto adding = at.add_model(a_model(name, "p"));
    auto const outcome = co_await std::move(adding);
    if (outcome)
      ++*added;
    else
      faults->push_back(outcome.error().to_string());
  }
}

void terminate_all(database const& at) {
  at.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
             "WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

// Four processes, as it were, that each add so many models.
void write_at_once(database const& at, int models) {
  std::vector<std::string> faults(4);
  std::vector<std::thread> writers;
  for (std::size_t writer = 0; writer < faults.size(); ++writer)
    writers.emplace_back([&, writer] {
      asio::io_context context;
      auto const opened = open_at(context, at);
      for (int i = 0; opened && i < models; ++i) {
        auto const name = std::to_string(writer) + "-" + std::to_string(i);
        if (auto const added = run(context, opened->add_model(a_model(name, "p0"))); !added)
          faults[writer] = added.error().to_string();
      }
    });
  for (auto& writer : writers)
    writer.join();
  for (auto const& fault : faults)
    BOOST_TEST(fault == "");
}

void go_on_until(asio::io_context& context, std::function<bool()> const& condition) {
  context.restart();
  while (!condition())
    context.run_one();
}

} // namespace

BOOST_AUTO_TEST_SUITE(store_postgresql, *boost::unit_test::precondition(has_postgresql))

BOOST_AUTO_TEST_CASE(connections_that_end_in_the_middle_of_everything) {
  database const at;
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  succeeds(run(context, opened->add_provider(a_provider("p", key_of(0)))));
  for (std::size_t n = 0; n < 60; ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      running<void> adding(context, opened->add_model(a_model("m" + std::to_string(n), "p")));
      run_handlers(context, n, adding);
      terminate_all(at);
      finish(context);
      succeeds(adding.outcome());
    }
  auto const seen = run(context, opened->content());
  succeeds(seen);
  BOOST_TEST(seen->models.size() == 60u);
  BOOST_TEST(seen->revision == 62u);
}

BOOST_AUTO_TEST_CASE(a_network_that_loses_a_connection_in_a_change) {
  database const at;
  {
    asio::io_context context;
    auto const opened = open_at(context, at);
    succeeds(opened);
    succeeds(run(context, opened->add_provider(a_provider("p", key_of(0)))));
  }
  tcp_proxy network(postgresql_port());
  asio::io_context context;
  auto const opened = open_url(context, by_port(at.url(), network.port()) + "?sslmode=disable");
  succeeds(opened);
  // Always of the same size.
  auto const add = [&] { return run(context, opened->add_model(a_model("m", "p"))); };
  auto const remove = [&] { return run(context, opened->remove_model("m")); };
  succeeds(add());
  succeeds(remove());
  std::uint64_t changes = 4;
  for (auto const which : {tcp_proxy::direction::to_server, tcp_proxy::direction::to_client}) {
    auto const before = network.passed(which);
    succeeds(add());
    auto const all = network.passed(which) - before;
    succeeds(remove());
    changes += 2;
    // Each byte of the end, where COMMIT is sent and answered; samples of what comes before.
    for (std::size_t bytes = 0; bytes < all; bytes += bytes + 80 < all ? 97 : 1)
      BOOST_TEST_CONTEXT("after " << bytes << " of " << all << " bytes") {
        network.cut_after(which, bytes);
        succeeds(add());
        succeeds(remove());
        changes += 2;
      }
  }
  auto const seen = run(context, opened->content());
  succeeds(seen);
  BOOST_TEST(seen->models.empty());
  BOOST_TEST(seen->revision == changes);
}

BOOST_AUTO_TEST_CASE(a_server_that_is_killed_and_restarted_while_everything_goes_on) {
  database const at;
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  succeeds(run(context, opened->add_provider(a_provider("p", key_of(0)))));
  auto config = run(context, opened->load());
  succeeds(config);
  model_manager const manager(context.get_executor(), std::move(*config), serial);
  asio::cancellation_signal stop;
  std::optional<result<void>> watched;
  auto watch_ended = [&](std::exception_ptr, result<void> const& got) { watched.emplace(got); };
  asio::co_spawn(context, manager.watch(*opened), asio::bind_cancellation_slot(stop.slot(), watch_ended));
  bool stopped = false;
  std::size_t added = 0;
  std::vector<std::string> faults;
  asio::co_spawn(context, keep_adding(*opened, &stopped, &added, &faults), asio::detached);
  for (int round = 0; round < 3; ++round) {
    auto const before = added;
    go_on_until(context, [&] { return added > before + 5; });
    std::thread operating([] {
      control("kill");
      control("start");
    });
    auto const at_the_kill = added;
    go_on_until(context, [&] { return added > at_the_kill + 5; });
    operating.join();
  }
  stopped = true;
  auto const last = [&] { return "m" + std::to_string(added - 1); };
  go_on_until(context, [&] { return manager.get_model_instance(last()).has_value(); });
  stop.emit(asio::cancellation_type::terminal);
  finish(context);
  BOOST_TEST(faults == std::vector<std::string>(), boost::test_tools::per_element());
  BOOST_TEST(watched->error().code() == errc::cancelled);
  auto const seen = run(context, opened->content());
  succeeds(seen);
  BOOST_TEST(seen->models.size() == added);
  BOOST_TEST(seen->revision == added + 2);
}

BOOST_AUTO_TEST_CASE(a_manager_goes_on_with_what_it_has_while_the_server_is_away) {
  database const at;
  fill(at, 1);
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  model_manager const manager(context.get_executor(), run(context, opened->load()).value(), serial);
  asio::cancellation_signal stop;
  asio::co_spawn(context, manager.watch(*opened), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  tick(context, 50);
  BOOST_TEST(!manager.state().fault.has_value());
  control("stop");
  go_on_until(context, [&] { return manager.state().fault.has_value(); });
  BOOST_TEST(manager.state().fault->code() == errc::storage);
  // A lookup asks nobody.
  BOOST_TEST(manager.get_model_instance("m0").has_value());
  control("start");
  go_on_until(context, [&] { return !manager.state().fault.has_value(); });
  at.execute("INSERT INTO models (name, type, provider_name, model_params, settings, created_at_ms, updated_at_ms) "
             "VALUES ('by-hand', 'LLM', 'p0', '{}', '{}', 0, 0); UPDATE store SET revision = revision + 1; "
             "NOTIFY claudio_store");
  go_on_until(context, [&] { return manager.get_model_instance("by-hand").has_value(); });
  stop.emit(asio::cancellation_type::terminal);
  finish(context);
}

BOOST_AUTO_TEST_CASE(a_change_is_in_use_at_once) {
  database const at;
  fill(at, 1);
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  auto const seen = run(context, opened->content())->revision;
  running<void> waiting(context, opened->wait_for_change(seen));
  tick(context, 50);
  BOOST_TEST(!waiting.has_ended());
  asio::io_context elsewhere;
  auto const other = open_at(elsewhere, at);
  succeeds(run(elsewhere, other->add_model(a_model("new", "p0"))));
  auto const begin = std::chrono::steady_clock::now();
  finish(context);
  succeeds(waiting.outcome());
  // By the notification: whoever looks by himself does so every five seconds.
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 4s));
  // A change that has been made already.
  succeeds(run(context, opened->wait_for_change(seen)));
}

BOOST_AUTO_TEST_CASE(settings_of_the_database_do_not_matter) {
  database const at;
  fill(at, 1);
  auto const name = at.url().substr(at.url().rfind('/') + 1);
  at.execute("ALTER DATABASE " + name + " SET default_transaction_isolation = 'serializable'");
  at.execute("ALTER DATABASE " + name + " SET default_transaction_read_only = on");
  write_at_once(at, 5);
  BOOST_TEST(content_of(at).models.size() == 21u);
}

BOOST_AUTO_TEST_CASE(fifty_connections_of_other_processes) {
  database const at;
  fill(at, 1);
  std::vector<std::unique_ptr<foreign>> others;
  for (int i = 0; i < 50; ++i) {
    others.push_back(std::make_unique<foreign>(at.url()));
    BOOST_REQUIRE(others.back()->is_connected());
    if (i % 3 == 0)
      others.back()->execute("LISTEN claudio_store");
    if (i % 3 == 1)
      others.back()->execute("BEGIN; SELECT * FROM claudio.models");
  }
  write_at_once(at, 15);
  BOOST_TEST(content_of(at).models.size() == 61u);
}

BOOST_AUTO_TEST_CASE(who_may_only_read_can_load) {
  database const at;
  fill(at, 1);
  at.execute("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader'; "
             "GRANT USAGE ON SCHEMA claudio TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA claudio TO reader");
  auto url = at.url();
  auto const begin = url.find("//") + 2;
  url.replace(begin, url.find('@') - begin, "reader:reader");
  {
    asio::io_context context;
    auto const opened = open_url(context, url);
    succeeds(opened);
    BOOST_TEST(run(context, opened->load())->providers.at(0).options.api_key.reveal() == key_of(0));
    fails_with(run(context, opened->add_model(a_model("m9", "p0"))), errc::storage, "permission denied");
  }
  // Where there are no tables yet it is told what it lacks.
  database const fresh;
  auto fresh_url = fresh.url();
  fresh_url.replace(begin, fresh_url.find('@') - begin, "reader:reader");
  asio::io_context context;
  fails_with(open_url(context, fresh_url), errc::storage, "permission denied for database");
  at.execute("DROP OWNED BY reader; DROP ROLE reader");
}

BOOST_AUTO_TEST_CASE(what_is_no_database_of_this_version) {
  database const at;
  fill(at, 1);
  asio::io_context context;
  at.execute("UPDATE store SET version = 3");
  fails_with(open_at(context, at), errc::storage, "was made by a newer version of claudio");
  at.execute("DELETE FROM store");
  fails_with(open_at(context, at), errc::storage, "has lost the row of its table store");
  at.execute("DROP TABLE secrets, models, providers, store; CREATE TABLE store (name text)");
  fails_with(open_at(context, at), errc::storage, "column \"version\" does not exist");
}

BOOST_AUTO_TEST_CASE(the_context_goes_while_operations_go_on) {
  database const at;
  fill(at, 1);
  for (std::size_t n = 0; n < 60; n += 2) {
    asio::io_context context;
    std::vector<std::unique_ptr<running<void>>> operations;
    auto const opened = open_at(context, at);
    succeeds(opened);
    for (int i = 0; i < 6; ++i) {
      auto const name = std::to_string(n) + "-" + std::to_string(i);
      operations.push_back(std::make_unique<running<void>>(context, opened->add_model(a_model(name, "p0"))));
    }
    operations.push_back(std::make_unique<running<void>>(context, opened->wait_for_change(1'000'000)));
    context.restart();
    for (std::size_t step = 0; step < n; ++step)
      context.run_one();
    if (n % 4 == 0)
      operations.front()->cancel();
  }
  BOOST_TEST(at.text("SELECT revision = 1 + count(*) FROM store, models GROUP BY revision") == "t");
}

BOOST_AUTO_TEST_SUITE_END()

// They wait for time limits: the sanitizers leave them out.
BOOST_AUTO_TEST_SUITE(store_postgresql_limits, *boost::unit_test::precondition(has_postgresql))

BOOST_AUTO_TEST_CASE(a_network_that_loses_all_bytes) {
  database const at;
  fill(at, 1);
  tcp_proxy network(postgresql_port());
  asio::io_context context;
  auto const opened = open_url(context, by_port(at.url(), network.port()));
  succeeds(opened);
  network.swallow(true);
  running<void> adding(context, opened->add_model(a_model("lost", "p0")));
  running<configuration> loading(context, opened->load());
  // The event loop goes on.
  tick(context, 20);
  BOOST_TEST(!adding.has_ended());
  auto const begin = std::chrono::steady_clock::now();
  finish(context);
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 30s));
  fails_with(adding.outcome(), errc::storage, "does not answer in time");
  fails_with(loading.outcome(), errc::storage, "does not answer in time");
  network.swallow(false);
  network.cut();
  succeeds(run(context, opened->add_model(a_model("found", "p0"))));
  BOOST_TEST(run(context, opened->content())->models.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_watcher_finds_its_way_back_through_a_network_that_loses_all_bytes) {
  database const at;
  fill(at, 1);
  tcp_proxy network(postgresql_port());
  asio::io_context context;
  auto const opened = open_url(context, by_port(at.url(), network.port()));
  succeeds(opened);
  model_manager const manager(context.get_executor(), run(context, opened->load()).value(), serial);
  asio::cancellation_signal stop;
  asio::co_spawn(context, manager.watch(*opened), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  tick(context, 50);
  network.swallow(true);
  go_on_until(context, [&] { return manager.state().fault.has_value(); });
  network.swallow(false);
  asio::io_context elsewhere;
  auto const other = open_at(elsewhere, at);
  succeeds(run(elsewhere, other->add_model(a_model("new", "p0"))));
  go_on_until(context, [&] { return manager.get_model_instance("new").has_value(); });
  stop.emit(asio::cancellation_type::terminal);
  finish(context);
}

BOOST_AUTO_TEST_CASE(a_watcher_s_connection_breaks_after_a_while) {
  database const at;
  fill(at, 1);
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  running<void> waiting(context, opened->wait_for_change(run(context, opened->content())->revision));
  // Longer than it takes a server to come back.
  tick(context, 3500);
  terminate_all(at);
  tick(context, 300);
  BOOST_TEST(!waiting.has_ended());
  running<void> adding(context, opened->add_model(a_model("new", "p0")));
  finish(context);
  succeeds(adding.outcome());
  succeeds(waiting.outcome());
}

BOOST_AUTO_TEST_CASE(the_first_of_two_servers_says_nothing) {
  database const at;
  fill(at, 1);
  tcp_proxy silent(postgresql_port());
  silent.swallow(true);
  auto url = at.url();
  auto const good = "127.0.0.1:" + std::to_string(postgresql_port());
  url.replace(url.find(good), good.size(), "127.0.0.1:" + std::to_string(silent.port()) + "," + good);
  asio::io_context context;
  auto const opened = open_url(context, url);
  succeeds(opened);
  running<void> waiting(context, opened->wait_for_change(run(context, opened->content())->revision));
  tick(context, 5000);
  BOOST_TEST(!waiting.has_ended());
  // The one that was had is the first from now on.
  terminate_all(at);
  auto const begin = std::chrono::steady_clock::now();
  running<void> adding(context, opened->add_model(a_model("new", "p0")));
  finish(context);
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 2500ms));
  succeeds(adding.outcome());
  succeeds(waiting.outcome());
}

BOOST_AUTO_TEST_CASE(a_server_that_is_full_is_waited_for) {
  database const at;
  fill(at, 1);
  std::vector<std::unique_ptr<foreign>> others;
  do
    others.push_back(std::make_unique<foreign>(at.url()));
  while (others.back()->is_connected());
  asio::io_context context;
  running<store> opening(context, store::open(context.get_executor(), at.url(), sources_of({first_key})));
  tick(context, 100);
  BOOST_TEST(!opening.has_ended());
  others.clear();
  finish(context);
  succeeds(opening.outcome());
}

BOOST_AUTO_TEST_CASE(a_lock_of_another_process_is_waited_for_and_told) {
  database const at;
  fill(at, 1);
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  foreign other(at.url());
  other.execute("BEGIN; SELECT * FROM claudio.store FOR UPDATE");
  running<void> adding(context, opened->add_model(a_model("m9", "p0")));
  running<void> cancelled(context, opened->add_model(a_model("m10", "p0")));
  std::vector<std::unique_ptr<running<void>>> more;
  for (int i = 0; i < 8; ++i)
    more.push_back(std::make_unique<running<void>>(context, opened->add_model(a_model("n" + std::to_string(i), "p0"))));
  // Reading goes on.
  running<store_content> reading(context, opened->content());
  tick(context, 100);
  BOOST_TEST(!adding.has_ended());
  succeeds(reading.outcome());
  cancelled.cancel();
  for (auto const& one : more)
    one->cancel();
  other.execute("COMMIT");
  finish(context);
  succeeds(adding.outcome());
  fails_with(cancelled.outcome(), errc::cancelled, "cancelled");
  BOOST_TEST(at.text("SELECT count(*) FROM models") == "2");

  other.execute("BEGIN; SELECT * FROM claudio.store FOR UPDATE");
  fails_with(run(context, opened->add_model(a_model("m9", "p0"))), errc::storage, "another process is changing it");
}

BOOST_AUTO_TEST_SUITE_END()
