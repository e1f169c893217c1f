// Databases of older formats beside this version, and keys that change while a store is open, in each kind of database.
#include "store/asking_pace.hpp"
#include "store/database.hpp"
#include "store/operations.hpp"
#include "support/call.hpp"

#include <claudio/model_manager.hpp>
#include <claudio/store.hpp>

#include <boost/asio/detached.hpp>
#include <boost/json/serialize.hpp>

#include <set>

using namespace claudio;
using namespace claudio::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// What tells the formats apart.
std::string tables_of(database const& at) {
  return at.is_file() ? at.text("SELECT (SELECT user_version FROM pragma_user_version) || group_concat(sql) FROM "
                                "sqlite_schema")
                      : at.text("SELECT (SELECT version FROM store) || string_agg(table_name || column_name, ',' ORDER "
                                "BY table_name, ordinal_position) FROM information_schema.columns "
                                "WHERE table_schema = 'claudio'");
}

// Of the databases in test/store/data.
void has_all_of_the_data(asio::io_context& context, store const& opened) {
  auto const config = run(context, opened.load());
  succeeds(config);
  BOOST_REQUIRE(config->providers.size() == 3u);
  auto const& first = config->providers[0];
  BOOST_TEST(!first.fault.has_value());
  BOOST_TEST(first.options.api_key.reveal() == "sk-ant-api03-number-one-0001");
  BOOST_TEST(first.options.api_base == "https://gateway.example/v1");
  auto const& second = config->providers[1];
  BOOST_TEST(!second.fault.has_value());
  BOOST_TEST(second.options.api_key.reveal() == "sk-ant-api03-number-two-0002");
  BOOST_TEST(second.options.headers.at(0).second == "sk-ant-header-token");
  BOOST_TEST(config->providers[2].fault.value().message().find("CLAUDIO_TEST_NOT_SET") != std::string::npos);
  BOOST_TEST(config->models.size() == 2u);
}

unsigned format_of(asio::io_context& context, store const& opened) {
  auto const seen = run(context, opened.content());
  succeeds(seen);
  return seen->format;
}

std::string lines(std::initializer_list<std::string_view> keys) {
  std::string all;
  for (auto const key : keys)
    all.append(key).append("\n");
  return all;
}

// Puts all under another key, as another process does.
void rotate_elsewhere(database const& at, std::initializer_list<std::string_view> keys) {
  asio::io_context context;
  auto const opened = open_at(context, at, keys);
  succeeds(opened);
  succeeds(run(context, opened->rotate()));
}

} // namespace

BOOST_AUTO_TEST_SUITE(store_formats)

BOOST_AUTO_TEST_CASE(each_format_can_be_read) {
  for (auto const* const name : {"format_1", "format_2"}) {
    database const at;
    at.load_old(name);
    asio::io_context context;
    auto const opened = open_at(context, at);
    succeeds(opened);
    has_all_of_the_data(context, *opened);
  }
}

BOOST_AUTO_TEST_CASE(an_old_format_is_used_and_stays) {
  database const at;
  at.load_old("format_1");
  auto const before = tables_of(at);
  asio::io_context context;
  auto const opened = open_at(context, at, {second_key, first_key});
  succeeds(opened);
  has_all_of_the_data(context, *opened);
  succeeds(run(context, opened->add_provider(a_provider("new", key_of(1)))));
  succeeds(run(context, opened->add_model(a_model("m", "new"))));
  succeeds(run(context, opened->set_secret("new", named_secret("api_key", secret(key_of(2))))));
  succeeds(run(context, opened->rotate()));
  succeeds(run(context, opened->remove_model("m")));
  succeeds(run(context, opened->remove_provider("new")));
  has_all_of_the_data(context, *opened);
  BOOST_TEST(tables_of(at) == before);
  BOOST_TEST(bytes_of(at.hexadecimal("SELECT substr(sealed, 1, 4) FROM secrets WHERE field = 'headers.x-auth'")) ==
             bytes_of("434c5601"));
}

BOOST_AUTO_TEST_CASE(a_migration_changes_the_format_and_nothing_else) {
  database const at;
  at.load_old("format_1");
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  // Another process that goes on with its store.
  asio::io_context elsewhere;
  auto const other = open_at(elsewhere, at);
  succeeds(other);
  auto const before = run(context, opened->export_configuration(true));
  succeeds(before);
  auto const report = run(context, opened->migrate());
  succeeds(report);
  BOOST_TEST(report->failed.empty());
  BOOST_TEST(report->refused.empty());
  BOOST_TEST(report->backup.empty() == !at.is_file());
  BOOST_TEST(format_of(context, *opened) == 2u);
  has_all_of_the_data(context, *opened);
  has_all_of_the_data(elsewhere, *other);
  succeeds(run(elsewhere, other->set_secret("second", named_secret("api_key", secret(key_of(3))))));
  succeeds(
      run(elsewhere, other->set_secret("second", named_secret("api_key", secret("sk-ant-api03-number-two-0002")))));
  BOOST_TEST((*run(context, opened->export_configuration(true)) == *before));
  auto const seen = run(context, opened->content());
  for (auto const& known : seen->secrets)
    BOOST_TEST(known.version == (known.provider == "second" && known.field == "api_key" ? 3u : 1u));
  // Once is enough.
  auto const revision = run(context, opened->content())->revision;
  auto const again = run(context, opened->migrate());
  succeeds(again);
  BOOST_TEST(again->backup == "");
  BOOST_TEST(run(context, opened->content())->revision == revision);
  if (!at.is_file())
    return;
  struct stat status {};
  BOOST_REQUIRE(::stat(report->backup.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777u) == 0600u);
  BOOST_TEST(report->backup == at.path() + ".format-1");
  std::vector<key_source> const keys = sources_of({first_key});
  auto const copy = run(context, store::open(context.get_executor(), "sqlite:" + report->backup, keys));
  succeeds(copy);
  BOOST_TEST(format_of(context, *copy) == 1u);
  has_all_of_the_data(context, *copy);
}

BOOST_AUTO_TEST_CASE(a_migration_leaves_what_is_damaged_and_wants_all_keys) {
  database const at;
  at.load_old("format_1");
  at.execute("UPDATE secrets SET sealed = substr(sealed, 1, 90) WHERE field = 'headers.x-auth'");
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  auto const report = run(context, opened->migrate());
  succeeds(report);
  BOOST_REQUIRE(report->failed.size() == 1u);
  BOOST_TEST(report->failed[0].field == "headers.x-auth");
  BOOST_TEST(run(context, opened->load())->providers.at(0).options.api_key.reveal() == "sk-ant-api03-number-one-0001");

  database const half;
  half.load_old("format_1");
  auto const old = half.hexadecimal("SELECT sealed FROM secrets WHERE field = 'headers.x-auth'");
  rotate_elsewhere(half, {second_key, first_key});
  half.execute("UPDATE secrets SET sealed = " + (half.is_file() ? "x'" + old + "'" : "decode('" + old + "', 'hex')") +
               " WHERE field = 'headers.x-auth'");
  auto const before = tables_of(half);
  auto const only_new = open_at(context, half, {second_key});
  succeeds(only_new);
  fails_with(run(context, only_new->migrate()), errc::vault, "the secret second headers.x-auth is encrypted with the");
  BOOST_TEST(tables_of(half) == before);
  auto const both = open_at(context, half, {second_key, first_key});
  succeeds(both);
  succeeds(run(context, both->migrate()));
  has_all_of_the_data(context, *both);
}

// Whatever becomes of a migration, all is of one format.
BOOST_AUTO_TEST_CASE(a_migration_that_is_cancelled) {
  bool finished = false;
  std::set<unsigned> formats;
  for (std::size_t n = 0; !finished && n < 300; ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      database const at;
      at.load_old("format_1");
      {
        asio::io_context context;
        auto const opened = open_at(context, at);
        succeeds(opened);
        running<migration_report> migrating(context, opened->migrate());
        run_handlers(context, n, migrating);
        finished = migrating.has_ended();
        migrating.cancel();
        finish(context);
        if (migrating.outcome().has_error())
          BOOST_TEST(migrating.outcome().error().code() == errc::cancelled);
      }
      asio::io_context context;
      auto const opened = open_at(context, at);
      succeeds(opened);
      has_all_of_the_data(context, *opened);
      formats.insert(format_of(context, *opened));
    }
  BOOST_TEST(finished);
  BOOST_TEST(formats.contains(2u));
}

BOOST_AUTO_TEST_CASE(two_migrations_at_once) {
  database const at;
  at.load_old("format_1");
  asio::io_context context;
  auto const one = open_at(context, at);
  auto const other = open_at(context, at);
  succeeds(one);
  succeeds(other);
  running<migration_report> first(context, one->migrate());
  running<migration_report> second(context, other->migrate());
  running<configuration> loading(context, other->load());
  running<void> adding(context, one->add_model(a_model("m", "second")));
  finish(context);
  succeeds(first.outcome());
  succeeds(second.outcome());
  succeeds(loading.outcome());
  succeeds(adding.outcome());
  BOOST_TEST(format_of(context, *one) == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_keys_that_change)

BOOST_AUTO_TEST_CASE(sources_are_asked_at_a_pace) {
  asking_pace pace;
  asking_pace::clock::time_point const begin;
  BOOST_TEST(pace.may_ask("a", begin));
  BOOST_TEST(!pace.may_ask("a", begin + 999ms));
  BOOST_TEST(pace.may_ask("a", begin + 1s));
  BOOST_TEST(!pace.may_ask("a", begin + 2s));
  BOOST_TEST(pace.may_ask("a", begin + 3s));
  BOOST_TEST(!pace.may_ask("a", begin + 6s));
  // Another key.
  BOOST_TEST(!pace.may_ask("b", begin + 3500ms));
  BOOST_TEST(pace.may_ask("b", begin + 4s));
  auto now = begin + 4s;
  int asked = 0;
  for (int second = 0; second < 3600; ++second, now += 1s)
    asked += pace.may_ask("b", now) ? 1 : 0;
  BOOST_TEST(asked < 70);
  BOOST_TEST(asked > 50);
}

// The documented order: the new key is everywhere before anything is under it. Nobody restarts.
BOOST_AUTO_TEST_CASE(a_rotation_to_a_key_that_came_after_the_opening) {
  database const at;
  fill(at, 2);
  temporary_folder const folder;
  auto const file = folder.write("claudio.key", lines({first_key}), 0600);
  asio::io_context context;
  auto const opened = run(context, store::open(context.get_executor(), at.url(), {key_source::file(file)}));
  succeeds(opened);
  model_manager const manager(context.get_executor(), run(context, opened->load()).value(), serial);
  asio::cancellation_signal stop;
  asio::co_spawn(context, manager.watch(*opened), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  folder.write("claudio.key", lines({second_key, first_key}), 0600);
  rotate_elsewhere(at, {second_key, first_key});
  {
    asio::io_context elsewhere;
    auto const newer = open_at(elsewhere, at, {second_key});
    succeeds(newer);
    succeeds(run(elsewhere, newer->add_model(a_model("new", "p0"))));
  }
  context.restart();
  while (!manager.get_model_instance("new"))
    context.run_one();
  BOOST_TEST(!manager.state().fault.has_value());
  stop.emit(asio::cancellation_type::terminal);
  context.run();
  // And it stores under the new key.
  succeeds(run(context, opened->set_secret("p1", named_secret("api_key", secret("sk-ant-new")))));
  BOOST_TEST(content_of(at, {second_key}).secrets.at(1).hint == secret("sk-ant-new").hint());
}

// An edit is the first thing that meets the new key.
BOOST_AUTO_TEST_CASE(an_edit_asks_for_the_key_too) {
  database const at;
  fill(at, 1);
  temporary_folder const folder;
  auto const file = folder.write("claudio.key", lines({first_key}), 0600);
  asio::io_context context;
  auto const opened = run(context, store::open(context.get_executor(), at.url(), {key_source::file(file)}));
  succeeds(opened);
  folder.write("claudio.key", lines({second_key}), 0600);
  rotate_elsewhere(at, {second_key, first_key});
  succeeds(run(context, opened->set_secret("p0", named_secret("api_key", secret("sk-ant-new")))));
  BOOST_TEST(run(context, opened->load())->providers.at(0).options.api_key.reveal() == "sk-ant-new");
}

BOOST_AUTO_TEST_CASE(a_rotation_goes_to_the_first_key_as_it_is_now) {
  database const at;
  fill(at, 1);
  temporary_folder const folder;
  auto const file = folder.write("claudio.key", lines({first_key}), 0600);
  asio::io_context context;
  auto const opened = run(context, store::open(context.get_executor(), at.url(), {key_source::file(file)}));
  succeeds(opened);
  folder.write("claudio.key", lines({second_key, first_key}), 0600);
  auto const report = run(context, opened->rotate());
  succeeds(report);
  BOOST_TEST(report->key_id == vault_of({second_key}).key_ids().at(0));
  succeeds(open_at(context, at, {second_key}));
}

// A key service is not called at each look.
BOOST_AUTO_TEST_CASE(a_key_that_does_not_come_is_told_and_not_asked_for_all_the_time) {
  database const at;
  fill(at, 1);
  temporary_folder const folder;
  auto const asked = folder.file("asked");
  auto const command = "echo >> '" + asked + "'; echo " + std::string(first_key);
  asio::io_context context;
  auto const opened = run(context, store::open(context.get_executor(), at.url(), {key_source::command(command)}));
  succeeds(opened);
  model_manager const manager(context.get_executor(), run(context, opened->load()).value(), serial);
  BOOST_TEST(read_file(asked).size() == 1u);
  rotate_elsewhere(at, {second_key, first_key});
  for (int i = 0; i < 20; ++i) {
    fails_with(run(context, opened->load()), errc::vault, "which was not given");
    fails_with(run(context, opened->remove_model("m0")), errc::vault, "which was not given");
  }
  BOOST_TEST(read_file(asked).size() < 10u);
  // Whoever watches says so, and goes on with what it has.
  asio::cancellation_signal stop;
  asio::co_spawn(context, manager.watch(*opened), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  context.restart();
  while (!manager.state().fault)
    context.run_one();
  BOOST_TEST(manager.state().fault->code() == errc::vault);
  BOOST_TEST(manager.get_model_instance("m0").has_value());
  stop.emit(asio::cancellation_type::terminal);
  context.run();
}

BOOST_AUTO_TEST_SUITE_END()
