#include "store/fixtures.hpp"
#include "store/sqlite_backend.hpp"
#include "support/call.hpp"

#include <claudio/model_manager.hpp>
#include <claudio/store.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <barrier>
#include <csignal>
#include <functional>
#include <set>
#include <sqlite3.h>
#include <sys/resource.h>
#include <thread>

using namespace claudio;
using namespace std::chrono_literals;
using test::fails_with;
using test::first_key;
using test::run;
using test::second_key;
using test::sources_of;
using test::succeeds;
using test::temporary_folder;
using test::third_key;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// Another program at the same file.
class sqlite_connection {
public:
  explicit sqlite_connection(std::string const& path) {
    BOOST_REQUIRE(sqlite3_open(path.c_str(), &opened_) == SQLITE_OK);
    sqlite3_busy_timeout(opened_, 5000);
  }
  sqlite_connection(sqlite_connection const&) = delete;
  sqlite_connection& operator=(sqlite_connection const&) = delete;
  ~sqlite_connection() { sqlite3_close_v2(opened_); }

  void execute(std::string const& sql) {
    BOOST_REQUIRE_MESSAGE(sqlite3_exec(opened_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
                          sql << ": " << sqlite3_errmsg(opened_));
  }
  // The first column of the first row.
  std::string text(std::string const& sql) {
    std::string found;
    auto const keep = [](void* into, int, char** values, char**) {
      if (values[0])
        *static_cast<std::string*>(into) = values[0];
      return 0;
    };
    BOOST_REQUIRE(sqlite3_exec(opened_, sql.c_str(), keep, &found, nullptr) == SQLITE_OK);
    return found;
  }

private:
  sqlite3* opened_ = nullptr;
};

json::object a_provider(std::string const& name, std::string const& key) {
  auto document = test::json(R"({"provider_type":"anthropic","provider_config":{}})").as_object();
  document["name"] = name;
  document["provider_config"].as_object()["api_key"] = key;
  return document;
}

json::object a_model(std::string const& name, std::string const& provider_name) {
  auto document = test::json(R"({"type":"LLM"})").as_object();
  document["name"] = name;
  document["provider_name"] = provider_name;
  return document;
}

std::string key_of(std::size_t number) { return "sk-ant-api03-secret-number-" + std::to_string(1000 + number); }

// So many providers, p0 and on, each with its key and a model, m0 and on.
json::object configuration_of(std::size_t count) {
  json::array providers;
  json::array models;
  for (std::size_t i = 0; i < count; ++i) {
    providers.push_back(a_provider("p" + std::to_string(i), key_of(i)));
    models.push_back(a_model("m" + std::to_string(i), "p" + std::to_string(i)));
  }
  json::object config;
  config["providers"] = std::move(providers);
  config["models"] = std::move(models);
  return config;
}

result<store> open_at(asio::io_context& context, std::string const& path,
                      std::initializer_list<std::string_view> keys = {first_key}) {
  return run(context, store::open(context.get_executor(), "sqlite:" + path, sources_of(keys)));
}

// A database with so many providers, closed.
std::string filled(temporary_folder const& folder, std::size_t count, std::string const& name = "filled.db") {
  asio::io_context context;
  auto const opened = open_at(context, folder.file(name));
  succeeds(opened);
  auto config = configuration_of(count);
  succeeds(run(context, opened->import_configuration(std::move(config))));
  return folder.file(name);
}

store_content content_of(std::string const& path, std::initializer_list<std::string_view> keys = {first_key}) {
  asio::io_context context;
  auto const opened = open_at(context, path, keys);
  succeeds(opened);
  auto seen = run(context, opened->content());
  succeeds(seen);
  return std::move(*seen);
}

// An operation that goes on meanwhile.
template <class T>
class running {
public:
  running(asio::io_context& context, asio::awaitable<result<T>> work) {
    auto ended = [this](std::exception_ptr failure, result<T> got) {
      BOOST_TEST(!failure);
      outcome_.emplace(std::move(got));
    };
    asio::co_spawn(context, std::move(work), asio::bind_cancellation_slot(signal_.slot(), ended));
  }
  running(running const&) = delete;
  running& operator=(running const&) = delete;

  void cancel() { signal_.emit(asio::cancellation_type::terminal); }
  bool has_ended() const { return outcome_.has_value(); }
  result<T> const& outcome() const {
    BOOST_REQUIRE(outcome_.has_value());
    return *outcome_;
  }

private:
  asio::cancellation_signal signal_;
  std::optional<result<T>> outcome_;
};

// Lets a context's timer tick so often. With an operation that blocked the event loop it would end before.
void tick(asio::io_context& context, int times) {
  asio::steady_timer timer(context);
  int left = times;
  std::function<void(boost::system::error_code)> const next = [&](boost::system::error_code failure) {
    if (failure || --left == 0)
      return;
    timer.expires_after(1ms);
    timer.async_wait(next);
  };
  timer.expires_after(1ms);
  timer.async_wait(next);
  context.restart();
  while (left > 0)
    context.run_one();
}

void finish(asio::io_context& context) {
  context.restart();
  context.run();
}

std::string mode_of(std::string const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return "missing";
  std::ostringstream text;
  text << std::oct << (status.st_mode & 07777);
  return text.str();
}

} // namespace

BOOST_AUTO_TEST_SUITE(store_files)

BOOST_AUTO_TEST_CASE(a_database_is_made_for_its_owner_only) {
  temporary_folder const folder;
  auto const path = folder.file("new.db");
  auto const before = ::umask(0);
  asio::io_context context;
  {
    auto const opened = open_at(context, path);
    ::umask(before);
    succeeds(opened);
    succeeds(run(context, opened->add_provider(a_provider("p", key_of(0)))));
    for (auto const* const suffix : {"", "-wal", "-shm"})
      BOOST_TEST(mode_of(path + suffix) == "600");
    BOOST_TEST(folder.files().size() == 3u);
  }
  sqlite_connection other(path);
  BOOST_TEST(other.text("PRAGMA user_version") == "1");
  BOOST_TEST(other.text("PRAGMA journal_mode") == "wal");
  BOOST_TEST(other.text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(what_was_stored_is_there_again) {
  temporary_folder const folder;
  auto const path = folder.file("kept.db");
  {
    asio::io_context context;
    auto const opened = open_at(context, path);
    succeeds(opened);
    succeeds(run(context, opened->add_provider(a_provider("anthropic", key_of(7)))));
    succeeds(run(context, opened->add_model(a_model("claude-sonnet-4-6", "anthropic"))));
    fails_with(run(context, opened->add_model(a_model("claude-sonnet-4-6", "anthropic"))), errc::configuration,
               "is there already");
    fails_with(run(context, opened->remove_provider("anthropic")), errc::configuration, "is used by the model");
  }
  asio::io_context context;
  auto const again = open_at(context, path);
  succeeds(again);
  auto const config = run(context, again->load());
  succeeds(config);
  BOOST_TEST(config->providers.at(0).options.api_key.reveal() == key_of(7));
  BOOST_TEST(config->models.at(0).name == "claude-sonnet-4-6");
  auto const seen = run(context, again->content());
  BOOST_TEST(seen->revision == 3u);
  BOOST_TEST(seen->providers.at(0).document.at("provider_config").as_object().at("api_key").as_string() == "vault:");
  BOOST_TEST((seen->providers.at(0).created > std::chrono::system_clock::now() - 24h));
  BOOST_TEST((seen->providers.at(0).created <= std::chrono::system_clock::now()));
  model_manager const manager(context.get_executor(), *config, serial);
  BOOST_TEST(manager.get_model_instance("claude-sonnet-4-6").has_value());
}

BOOST_AUTO_TEST_CASE(all_operations_reach_the_file) {
  temporary_folder const folder;
  asio::io_context context;
  auto const opened = open_at(context, folder.file("all.db"));
  succeeds(opened);
  auto const& all = *opened;
  succeeds(run(context, all.import_configuration(configuration_of(2))));
  succeeds(run(context,
               all.update_provider("p0", test::json(R"({"provider_config":{"retry":{"jitter":false}}})").as_object())));
  succeeds(run(context, all.update_model("m0", test::json(R"({"max_tokens":5})").as_object())));
  auto const same_as = run(context, all.set_secret("p0", named_secret("api_key", secret(key_of(1)))));
  succeeds(same_as);
  BOOST_TEST(*same_as == std::vector<std::string>{"p1 api_key"}, boost::test_tools::per_element());
  auto const config = run(context, all.load());
  succeeds(config);
  BOOST_TEST(!config->providers.at(0).options.retry.jitter);
  BOOST_TEST(config->providers[0].options.api_key.reveal() == key_of(1));
  BOOST_TEST(config->models.at(0).max_tokens.value() == 5);
  succeeds(run(context, all.remove_model("m0")));
  succeeds(run(context, all.remove_provider("p0")));
  auto const exported = run(context, all.export_configuration(true));
  succeeds(exported);
  BOOST_TEST(json::serialize(*exported) ==
             R"({"providers":[{"name":"p1","provider_type":"anthropic","support_model_type":["LLM"],)"
             R"("provider_config":{"api_key":"sk-ant-api03-secret-number-1001"}}],)"
             R"("models":[{"name":"m1","type":"LLM","provider_name":"p1"}]})");
  sqlite_connection other(folder.file("all.db"));
  BOOST_TEST(other.text("SELECT count(*) FROM secrets") == "1");
}

BOOST_AUTO_TEST_CASE(no_file_has_a_plain_key_in_it) {
  temporary_folder const folder;
  asio::io_context context;
  auto const opened = open_at(context, folder.file("plain.db"));
  succeeds(opened);
  succeeds(run(context, opened->import_configuration(configuration_of(20))));
  succeeds(run(context, opened->set_secret("p3", named_secret("api_key", secret(key_of(99))))));
  for (auto const& file : folder.files())
    BOOST_TEST(test::read_file(file).find("sk-ant-api03-secret") == std::string::npos, file);
}

BOOST_AUTO_TEST_CASE(what_is_removed_is_gone_from_the_file) {
  temporary_folder const folder;
  auto const path = filled(folder, 2);
  auto const sealed =
      test::bytes_of(sqlite_connection(path).text("SELECT hex(sealed) FROM secrets WHERE provider_name = 'p0'"));
  BOOST_TEST(test::read_file(path).find(sealed) != std::string::npos);
  {
    asio::io_context context;
    auto const opened = open_at(context, path);
    succeeds(opened);
    succeeds(run(context, opened->remove_model("m0")));
    succeeds(run(context, opened->remove_provider("p0")));
  }
  for (auto const& file : folder.files())
    BOOST_TEST(test::read_file(file).find(sealed) == std::string::npos, file);
}

BOOST_AUTO_TEST_CASE(the_wrong_key_is_told) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  fails_with(open_at(context, path, {second_key}), errc::vault, "the key-encryption key is not this database's");
  fails_with(open_at(context, path, {}), errc::vault, "no key-encryption key was given");
  succeeds(open_at(context, path, {second_key, first_key}));
  std::vector<key_source> const missing{key_source::file(folder.file("no.key"))};
  fails_with(run(context, store::open(context.get_executor(), "sqlite:" + path, missing)), errc::vault, "no.key");
  // Nothing of it is left in a database that was new.
  fails_with(open_at(context, folder.file("new.db"), {}), errc::vault, "no key-encryption key was given");
  succeeds(open_at(context, folder.file("new.db"), {third_key}));
}

BOOST_AUTO_TEST_CASE(a_passphrase_belongs_to_its_database) {
  temporary_folder const folder;
  asio::io_context context;
  auto const open = [&](std::string const& name, std::string const& phrase) {
    std::vector<key_source> const keys{key_source::passphrase(secret::copy_of(phrase), 10)};
    return run(context, store::open(context.get_executor(), "sqlite:" + folder.file(name), keys));
  };
  succeeds(open("one.db", "correct horse"));
  succeeds(open("one.db", "correct horse"));
  fails_with(open("one.db", "battery staple"), errc::vault, "is not this database's");
  succeeds(open("two.db", "correct horse"));
  sqlite_connection one(folder.file("one.db"));
  sqlite_connection two(folder.file("two.db"));
  BOOST_TEST(one.text("SELECT hex(salt) FROM store") != two.text("SELECT hex(salt) FROM store"));
  BOOST_TEST(one.text("SELECT length(salt) FROM store") == "16");
}

BOOST_AUTO_TEST_CASE(what_is_no_database_of_ours) {
  temporary_folder const folder;
  asio::io_context context;
  auto const newer = filled(folder, 1);
  sqlite_connection(newer).execute("PRAGMA user_version = 2");
  fails_with(open_at(context, newer), errc::storage, "was made by a newer version of claudio");
  sqlite_connection(newer).execute("PRAGMA user_version = -1");
  fails_with(open_at(context, newer), errc::storage, "version -1");

  auto const foreign = folder.file("foreign.db");
  sqlite_connection(foreign).execute("CREATE TABLE albums (name TEXT); INSERT INTO albums VALUES ('Aja')");
  auto const bytes = test::read_file(foreign);
  fails_with(open_at(context, foreign), errc::storage, "belongs to another program");
  BOOST_TEST((test::read_file(foreign) == bytes));

  auto const text = folder.write("notes.txt", std::string(5000, 'n'), 0600);
  fails_with(open_at(context, text), errc::storage, "is not a SQLite database");
  BOOST_TEST(test::read_file(text) == std::string(5000, 'n'));
  auto const line = folder.write("line.txt", "a line\n", 0600);
  fails_with(open_at(context, line), errc::storage, "is not a SQLite database");

  fails_with(open_at(context, folder.file("no/such/folder.db")), errc::storage, "No such file or directory");
  fails_with(open_at(context, folder.path()), errc::storage, folder.path());

  // An empty file is a database without tables, for SQLite and for us.
  succeeds(open_at(context, folder.write("empty.db", "", 0600)));
}

BOOST_AUTO_TEST_CASE(damaged_pages_are_told) {
  temporary_folder const folder;
  auto const path = filled(folder, 40);
  auto bytes = test::read_file(path);
  for (std::size_t at = 4096; at < bytes.size(); ++at)
    bytes[at] = static_cast<char>(bytes[at] ^ 0x5a);
  folder.write("damaged.db", bytes, 0600);
  asio::io_context context;
  fails_with(open_at(context, folder.file("damaged.db")), errc::storage, "is damaged");
}

BOOST_AUTO_TEST_CASE(a_lost_row_is_told) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  sqlite_connection(path).execute("DELETE FROM store");
  asio::io_context context;
  fails_with(open_at(context, path), errc::storage, "has lost the row of its table store");
}

BOOST_AUTO_TEST_CASE(a_read_only_file_is_told) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  BOOST_REQUIRE(::chmod(path.c_str(), 0400) == 0);
  asio::io_context context;
  auto const opened = open_at(context, path);
  if (::geteuid() != 0)
    fails_with(opened, errc::storage, "read-only");
}

BOOST_AUTO_TEST_CASE(an_address_is_sqlite_and_a_path) {
  asio::io_context context;
  for (auto const* const url : {"", "sqlite:", "claudio.db", "postgres://user:s3cret@host/db", "SQLITE:x.db"})
    BOOST_TEST_CONTEXT(url) {
      auto const refused = run(context, store::open(context.get_executor(), url, sources_of({first_key})));
      fails_with(refused, errc::configuration, "expected sqlite:PATH");
      BOOST_TEST(refused.error().param() == "store");
      BOOST_TEST(refused.error().message().find("s3cret") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(an_empty_store_does_nothing) {
  asio::io_context context;
  store const empty;
  auto const refused = [](auto const& outcome) { fails_with(outcome, errc::configuration, "an empty claudio::store"); };
  refused(run(context, empty.load()));
  refused(run(context, empty.content()));
  refused(run(context, empty.add_provider(json::object())));
  refused(run(context, empty.add_model(json::object())));
  refused(run(context, empty.update_provider("p", json::object())));
  refused(run(context, empty.update_model("m", json::object())));
  refused(run(context, empty.remove_provider("p")));
  refused(run(context, empty.remove_model("m")));
  refused(run(context, empty.set_secret("p", named_secret())));
  refused(run(context, empty.import_configuration(json::object())));
  refused(run(context, empty.export_configuration(false)));
  refused(run(context, empty.rotate()));
}

BOOST_AUTO_TEST_CASE(what_is_tampered_with_in_the_file_fails_alone) {
  temporary_folder const folder;
  auto const path = filled(folder, 6);
  sqlite_connection(path).execute(
      "CREATE TEMP TABLE taken AS SELECT provider_name AS name, sealed FROM secrets;"
      "UPDATE secrets SET sealed = (SELECT sealed FROM taken WHERE name = "
      "CASE provider_name WHEN 'p0' THEN 'p1' ELSE 'p0' END) WHERE provider_name IN ('p0', 'p1');"
      "UPDATE secrets SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || "
      "CASE substr(sealed, -1) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB) WHERE provider_name = 'p2';"
      "UPDATE secrets SET sealed = substr(sealed, 1, 99) WHERE provider_name = 'p3';"
      "UPDATE secrets SET version = 2 WHERE provider_name = 'p4'");
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  auto const config = run(context, opened->load());
  succeeds(config);
  auto const seen = run(context, opened->content());
  succeeds(seen);
  BOOST_REQUIRE(config->providers.size() == 6u);
  BOOST_REQUIRE(seen->secrets.size() == 6u);
  for (std::size_t i = 0; i < 6; ++i)
    BOOST_TEST_CONTEXT("p" << i) {
      bool const is_damaged = i < 5;
      BOOST_REQUIRE(config->providers[i].fault.has_value() == is_damaged);
      BOOST_REQUIRE(seen->secrets[i].fault.has_value() == is_damaged);
      if (is_damaged) {
        BOOST_TEST(config->providers[i].fault->code() == errc::vault);
        BOOST_TEST(seen->secrets[i].fault->code() == errc::vault);
      } else {
        BOOST_TEST(config->providers[i].options.api_key.reveal() == key_of(i));
      }
    }
  model_manager const manager(context.get_executor(), *config, serial);
  BOOST_TEST(manager.get_model_instance("m5").has_value());
  fails_with(manager.get_model_instance("m2"), errc::vault, "provider \"p2\" can't be used: ");
  // A new secret makes the provider well again.
  succeeds(run(context, opened->set_secret("p2", named_secret("api_key", secret("sk-ant-fresh")))));
  BOOST_TEST(run(context, opened->load())->providers[2].options.api_key.reveal() == "sk-ant-fresh");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_waiting)

BOOST_AUTO_TEST_CASE(the_event_loop_goes_on_while_another_has_the_database) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  sqlite_connection other(path);
  other.execute("BEGIN EXCLUSIVE");
  running<void> adding(context, opened->add_model(a_model("late", "p0")));
  tick(context, 10);
  BOOST_TEST(!adding.has_ended());
  other.execute("COMMIT");
  finish(context);
  succeeds(adding.outcome());
  BOOST_TEST(other.text("SELECT count(*) FROM models") == "2");
}

BOOST_AUTO_TEST_CASE(the_wait_for_a_lock_is_cancelled) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  auto const opened = open_at(context, path, {second_key, first_key});
  succeeds(opened);
  sqlite_connection other(path);
  other.execute("BEGIN EXCLUSIVE");
  // It would be errc::storage after the time that a lock is waited for.
  auto const require_cancelled = [&]<class T>(asio::awaitable<result<T>> work) {
    running<T> operation(context, std::move(work));
    tick(context, 5);
    BOOST_TEST(!operation.has_ended());
    operation.cancel();
    finish(context);
    fails_with(operation.outcome(), errc::cancelled, "cancelled");
  };
  require_cancelled(opened->add_provider(a_provider("late", key_of(9))));
  require_cancelled(opened->add_model(a_model("late", "p0")));
  require_cancelled(opened->update_provider("p0", a_provider("p0", key_of(9))));
  require_cancelled(opened->update_model("m0", a_model("m0", "p0")));
  require_cancelled(opened->remove_model("m0"));
  require_cancelled(opened->set_secret("p0", named_secret("api_key", secret(key_of(9)))));
  require_cancelled(opened->import_configuration(configuration_of(9)));
  require_cancelled(opened->rotate());
  other.execute("COMMIT");
  BOOST_TEST(other.text("SELECT revision FROM store") == "2");
  succeeds(run(context, opened->add_model(a_model("next", "p0"))));
}

BOOST_AUTO_TEST_CASE(making_tables_waits_for_a_lock_too) {
  for (bool const is_cancelled : {false, true})
    BOOST_TEST_CONTEXT("cancelled: " << is_cancelled) {
      temporary_folder const folder;
      auto const path = folder.write("new.db", "", 0600);
      sqlite_connection other(path);
      other.execute("BEGIN EXCLUSIVE");
      asio::io_context context;
      running<store> opening(context, store::open(context.get_executor(), "sqlite:" + path, sources_of({first_key})));
      tick(context, 10);
      BOOST_TEST(!opening.has_ended());
      if (is_cancelled)
        opening.cancel();
      else
        other.execute("COMMIT");
      finish(context);
      if (is_cancelled)
        fails_with(opening.outcome(), errc::cancelled, "cancelled");
      else
        succeeds(opening.outcome());
    }
}

BOOST_AUTO_TEST_CASE(a_writer_is_in_no_reader_s_way) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  sqlite_connection other(path);
  other.execute("BEGIN EXCLUSIVE");
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  succeeds(run(context, opened->load()));
}

BOOST_AUTO_TEST_CASE(an_exception_on_the_thread_fails_its_operation_alone) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  sqlite_backend backend(context, path);
  store_backend::decision const broken = [](snapshot const&) -> result<changes> { throw std::bad_alloc(); };
  fails_with(run(context, backend.change(broken)), errc::storage, "the operation failed: std::bad_alloc");
  store_backend::decision const odd = [](snapshot const&) -> result<changes> { throw 7; };
  fails_with(run(context, backend.change(odd)), errc::storage, "an exception of an unknown kind");
  store_backend::decision const sound = [](snapshot const&) -> result<changes> { return changes(); };
  succeeds(run(context, backend.change(sound)));
  sqlite_connection other(path);
  other.execute("BEGIN EXCLUSIVE; COMMIT");
}

BOOST_AUTO_TEST_CASE(what_waits_behind_others_is_cancelled_alone) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  sqlite_connection other(path);
  other.execute("BEGIN EXCLUSIVE");
  running<void> first(context, opened->add_model(a_model("first", "p0")));
  running<void> second(context, opened->add_model(a_model("second", "p0")));
  running<void> third(context, opened->add_model(a_model("third", "p0")));
  tick(context, 3);
  running<configuration> fourth(context, opened->load());
  tick(context, 3);
  second.cancel();
  fourth.cancel();
  tick(context, 3);
  other.execute("COMMIT");
  finish(context);
  succeeds(first.outcome());
  fails_with(second.outcome(), errc::cancelled, "cancelled");
  succeeds(third.outcome());
  fails_with(fourth.outcome(), errc::cancelled, "cancelled");
  BOOST_TEST(other.text("SELECT group_concat(name) FROM (SELECT name FROM models ORDER BY position)") ==
             "m0,first,third");
}

BOOST_AUTO_TEST_CASE(the_context_goes_while_operations_wait) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  sqlite_connection other(path);
  other.execute("BEGIN EXCLUSIVE");
  for (int const handlers : {0, 1, 2, 3})
    for (bool const is_held : {false, true}) {
      std::optional<asio::io_context> context(std::in_place);
      other.execute("COMMIT");
      std::optional<store> held = open_at(*context, path).value();
      other.execute("BEGIN EXCLUSIVE");
      int ended = 0;
      for (int i = 0; i < 3; ++i)
        asio::co_spawn(*context, held->add_model(a_model("lost" + std::to_string(i), "p0")),
                       [&](std::exception_ptr, result<void>) { ++ended; });
      if (!is_held)
        held.reset();
      context->restart();
      for (int i = 0; i < handlers; ++i)
        context->run_one();
      held.reset();
      context.reset();
      BOOST_TEST(ended == 0);
    }
  other.execute("COMMIT");
  BOOST_TEST(other.text("SELECT group_concat(name) FROM (SELECT name FROM models ORDER BY position)") == "m0");
}

BOOST_AUTO_TEST_CASE(a_store_goes_before_its_operations_end) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  std::vector<std::unique_ptr<running<void>>> adding;
  {
    auto const opened = open_at(context, path);
    succeeds(opened);
    for (int i = 0; i < 5; ++i)
      adding.push_back(
          std::make_unique<running<void>>(context, opened->add_model(a_model("kept" + std::to_string(i), "p0"))));
  }
  finish(context);
  for (auto const& one : adding)
    succeeds(one->outcome());
  BOOST_TEST(content_of(path).models.size() == 6u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_cancellation)

namespace {

// Cancels an operation after the nth handler of its context has run, for every n there is. What was cancelled has
// changed nothing, or all; the store's thread may be faster.
template <class T>
void cancel_at_every_handler(std::function<asio::awaitable<result<T>>(store const&)> const& begin) {
  temporary_folder const folder;
  auto const path = filled(folder, 3);
  auto const before = content_of(path);
  std::uint64_t all = 0;
  {
    std::filesystem::copy_file(path, folder.file("reference.db"));
    asio::io_context context;
    auto const opened = open_at(context, folder.file("reference.db"));
    succeeds(opened);
    succeeds(run(context, begin(*opened)));
    all = run(context, opened->content())->revision;
  }
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 100; ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      auto const copy = folder.file("copy" + std::to_string(n) + ".db");
      std::filesystem::copy_file(path, copy);
      {
        asio::io_context context;
        auto const opened = open_at(context, copy);
        succeeds(opened);
        running<T> operation(context, begin(*opened));
        context.restart();
        for (std::size_t step = 0; step < n && !operation.has_ended(); ++step)
          context.run_one();
        finished = operation.has_ended();
        operation.cancel();
        finish(context);
        if (operation.outcome().has_error()) {
          BOOST_TEST(operation.outcome().error().code() == errc::cancelled);
        } else {
          BOOST_TEST(run(context, opened->content())->revision == all);
        }
      }
      auto const revision = content_of(copy).revision;
      BOOST_TEST((revision == before.revision || revision == all));
    }
  BOOST_TEST(finished);
}

} // namespace

BOOST_AUTO_TEST_CASE(each_change) {
  using change = std::function<asio::awaitable<result<void>>(store const&)>;
  std::vector<change> const operations{
      [](store const& at) { return at.add_provider(a_provider("new", key_of(9))); },
      [](store const& at) { return at.add_model(a_model("new", "p0")); },
      [](store const& at) { return at.update_provider("p1", a_provider("p1", key_of(9))); },
      [](store const& at) { return at.update_model("m1", a_model("m1", "p2")); },
      [](store const& at) { return at.remove_model("m2"); },
  };
  for (auto const& operation : operations)
    cancel_at_every_handler<void>(operation);
  cancel_at_every_handler<std::vector<std::string>>(
      [](store const& at) { return at.set_secret("p0", named_secret("api_key", secret(key_of(9)))); });
  cancel_at_every_handler<import_report>([](store const& at) { return at.import_configuration(configuration_of(10)); });
}

BOOST_AUTO_TEST_CASE(each_view) {
  cancel_at_every_handler<configuration>([](store const& at) { return at.load(); });
  cancel_at_every_handler<store_content>([](store const& at) { return at.content(); });
  cancel_at_every_handler<json::object>([](store const& at) { return at.export_configuration(true); });
}

BOOST_AUTO_TEST_CASE(an_opening) {
  temporary_folder const folder;
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 100; ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      auto const path = folder.file(std::to_string(n) + ".db");
      {
        asio::io_context context;
        running<store> opening(context, store::open(context.get_executor(), "sqlite:" + path, sources_of({first_key})));
        for (std::size_t step = 0; step < n && !opening.has_ended(); ++step)
          context.run_one();
        finished = opening.has_ended();
        opening.cancel();
        finish(context);
        if (opening.outcome().has_error()) {
          BOOST_TEST(opening.outcome().error().code() == errc::cancelled);
        }
      }
      BOOST_TEST(content_of(path).providers.empty());
    }
  BOOST_TEST(finished);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_at_once)

BOOST_AUTO_TEST_CASE(several_stores_in_one_context) {
  temporary_folder const folder;
  asio::io_context context;
  auto const shared = folder.file("shared.db");
  std::vector<store> stores;
  for (auto const& path : {shared, shared, folder.file("own.db")}) {
    auto opened = open_at(context, path);
    succeeds(opened);
    stores.push_back(*opened);
  }
  for (auto const i : {0u, 2u})
    succeeds(run(context, stores[i].add_provider(a_provider("p", key_of(0)))));
  std::vector<std::unique_ptr<running<void>>> adding;
  std::vector<std::unique_ptr<running<configuration>>> loading;
  for (std::size_t i = 0; i < 60; ++i) {
    auto const& at = stores[i % 3];
    adding.push_back(std::make_unique<running<void>>(context, at.add_model(a_model("m" + std::to_string(i), "p"))));
    loading.push_back(std::make_unique<running<configuration>>(context, at.load()));
  }
  finish(context);
  for (auto const& one : adding)
    succeeds(one->outcome());
  for (auto const& one : loading)
    succeeds(one->outcome());
  BOOST_TEST(run(context, stores[0].content())->models.size() == 40u);
  BOOST_TEST(run(context, stores[1].content())->models.size() == 40u);
  BOOST_TEST(run(context, stores[2].content())->models.size() == 20u);
  BOOST_TEST(run(context, stores[1].content())->revision == 42u);
}

BOOST_AUTO_TEST_CASE(two_contexts_write_the_same_file) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  std::vector<std::vector<std::string>> faults(2);
  std::barrier together(2);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 2; ++thread)
    threads.emplace_back([&, thread] {
      asio::io_context context;
      auto const opened = open_at(context, path);
      if (!opened)
        faults[thread].push_back(opened.error().to_string());
      together.arrive_and_wait();
      for (int i = 0; opened && i < 20; ++i) {
        auto const name = std::to_string(thread) + "-" + std::to_string(i);
        if (auto const added = run(context, opened->add_model(a_model(name, "p0"))); !added)
          faults[thread].push_back(added.error().to_string());
      }
    });
  for (auto& thread : threads)
    thread.join();
  for (auto const& list : faults)
    BOOST_TEST(list == std::vector<std::string>(), boost::test_tools::per_element());
  auto const seen = content_of(path);
  BOOST_TEST(seen.models.size() == 41u);
  BOOST_TEST(seen.revision == 42u);
}

BOOST_AUTO_TEST_CASE(many_open_a_database_that_is_not_there_yet) {
  constexpr std::size_t openers = 8;
  for (int round = 0; round < 10; ++round) {
    temporary_folder const folder;
    auto const path = folder.file("raced.db");
    std::vector<std::string> faults(openers);
    std::barrier together(openers);
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < openers; ++thread)
      threads.emplace_back([&, thread] {
        asio::io_context context;
        together.arrive_and_wait();
        auto const opened = open_at(context, path);
        if (!opened) {
          faults[thread] = opened.error().to_string();
          return;
        }
        auto const name = "p" + std::to_string(thread);
        auto const added = run(context, opened->add_provider(a_provider(name, key_of(thread))));
        if (!added)
          faults[thread] = added.error().to_string();
      });
    for (auto& thread : threads)
      thread.join();
    for (auto const& fault : faults)
      BOOST_TEST(fault == "");
    auto const seen = content_of(path);
    BOOST_TEST(seen.providers.size() == openers);
    // One for the key that tells fingerprints, made by one of them only.
    BOOST_TEST(seen.revision == openers + 1);
    for (auto const& known : seen.secrets)
      BOOST_TEST(!known.fault.has_value());
    BOOST_TEST(sqlite_connection(path).text("SELECT count(*) FROM store") == "1");
  }
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_leaves_nothing) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  succeeds(run(context, opened->add_model(a_model("before", "p0"))));
  auto const before = run(context, opened->content())->revision;
  auto const size = std::filesystem::file_size(path + "-wal");

  auto const ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  ::getrlimit(RLIMIT_FSIZE, &usual);
  rlimit little = usual;
  little.rlim_cur = size + 8192;
  ::setrlimit(RLIMIT_FSIZE, &little);
  auto const failed = run(context, opened->import_configuration(configuration_of(100)));
  ::setrlimit(RLIMIT_FSIZE, &usual);
  std::signal(SIGXFSZ, ignored);

  fails_with(failed, errc::storage, "can't be used: ");
  auto const after = run(context, opened->content());
  succeeds(after);
  BOOST_TEST(after->revision == before);
  BOOST_TEST(after->providers.size() == 1u);
  succeeds(run(context, opened->import_configuration(configuration_of(100))));
  BOOST_TEST(content_of(path).providers.size() == 100u);
  BOOST_TEST(sqlite_connection(path).text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_rotation)

namespace {

std::size_t secrets_under(std::string const& key_id, store_content const& content) {
  return static_cast<std::size_t>(std::count_if(content.secrets.begin(), content.secrets.end(),
                                                [&](stored_secret const& known) { return known.key_id == key_id; }));
}

} // namespace

BOOST_AUTO_TEST_CASE(all_secrets_come_under_the_new_key) {
  temporary_folder const folder;
  auto const path = filled(folder, 120);
  auto const old_id = test::vault_of({first_key}).key_ids().at(0);
  asio::io_context context;
  auto const opened = open_at(context, path, {second_key, first_key});
  succeeds(opened);
  auto const report = run(context, opened->rotate());
  succeeds(report);
  BOOST_TEST(report->rewrapped == 120u);
  BOOST_TEST(report->current == 0u);
  BOOST_TEST(report->failed.empty());
  for (auto const& file : folder.files())
    BOOST_TEST(test::read_file(file).find(test::bytes_of(old_id)) == std::string::npos, file);
  auto const again = run(context, opened->rotate());
  BOOST_TEST(again->rewrapped == 0u);
  BOOST_TEST(again->current == 120u);
  fails_with(open_at(context, path, {first_key}), errc::vault, "is not this database's");
  auto const newer = open_at(context, path, {second_key});
  succeeds(newer);
  auto const config = run(context, newer->load());
  succeeds(config);
  for (std::size_t i = 0; i < 120; ++i)
    BOOST_TEST(config->providers.at(i).options.api_key.reveal() == key_of(i));
}

BOOST_AUTO_TEST_CASE(a_cancelled_rotation_is_gone_on_with) {
  temporary_folder const folder;
  auto const path = filled(folder, 120);
  auto const new_id = test::vault_of({second_key}).key_ids().at(0);
  std::set<std::size_t> done;
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 100; ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      auto const copy = folder.file("copy" + std::to_string(n) + ".db");
      std::filesystem::copy_file(path, copy);
      asio::io_context context;
      auto const opened = open_at(context, copy, {second_key, first_key});
      succeeds(opened);
      running<rotation_report> rotating(context, opened->rotate());
      context.restart();
      for (std::size_t step = 0; step < n && !rotating.has_ended(); ++step)
        context.run_one();
      finished = rotating.has_ended();
      rotating.cancel();
      finish(context);
      if (rotating.outcome().has_error())
        BOOST_TEST(rotating.outcome().error().code() == errc::cancelled);
      auto const already = secrets_under(new_id, run(context, opened->content()).value());
      done.insert(already);
      auto const rest = run(context, opened->rotate());
      succeeds(rest);
      BOOST_TEST(rest->rewrapped == 120 - already);
      BOOST_TEST(rest->current == already);
      BOOST_TEST(secrets_under(new_id, content_of(copy, {second_key})) == 120u);
    }
  BOOST_TEST(finished);
  BOOST_TEST(done.size() > 2u); // none, all, and some
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_reported_and_left) {
  temporary_folder const folder;
  auto const path = filled(folder, 5);
  sqlite_connection(path).execute("UPDATE secrets SET sealed = substr(sealed, 1, 50) WHERE provider_name = 'p3'");
  asio::io_context context;
  auto const opened = open_at(context, path, {second_key, first_key});
  succeeds(opened);
  auto const report = run(context, opened->rotate());
  succeeds(report);
  BOOST_TEST(report->rewrapped == 4u);
  BOOST_TEST(report->current == 0u);
  BOOST_REQUIRE(report->failed.size() == 1u);
  BOOST_TEST(report->failed[0].provider == "p3");
  BOOST_TEST(report->failed[0].fault.value().code() == errc::vault);
}

BOOST_AUTO_TEST_CASE(counts_hold_though_secrets_are_removed_meanwhile) {
  temporary_folder const folder;
  auto const path = filled(folder, 2);
  sqlite_connection(path).execute("UPDATE secrets SET sealed = substr(sealed, 1, 50) WHERE provider_name = 'p1';"
                                  "DELETE FROM models");
  asio::io_context context;
  auto const opened = open_at(context, path, {second_key, first_key});
  succeeds(opened);
  running<rotation_report> rotating(context, opened->rotate());
  running<void> removing(context, opened->remove_provider("p0"));
  finish(context);
  succeeds(removing.outcome());
  succeeds(rotating.outcome());
  BOOST_TEST(rotating.outcome()->rewrapped == 1u);
  BOOST_TEST(rotating.outcome()->current == 0u);
  BOOST_TEST(rotating.outcome()->failed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(calls_and_other_rotations_go_on_meanwhile) {
  temporary_folder const folder;
  auto const path = filled(folder, 120);
  asio::io_context context;
  auto const one = open_at(context, path, {second_key, first_key});
  auto const other = open_at(context, path, {second_key, first_key});
  succeeds(one);
  succeeds(other);
  running<rotation_report> first(context, one->rotate());
  running<rotation_report> second(context, other->rotate());
  running<void> adding(context, one->add_provider(a_provider("new", key_of(500))));
  running<std::vector<std::string>> setting(context,
                                            other->set_secret("p7", named_secret("api_key", secret(key_of(700)))));
  finish(context);
  succeeds(first.outcome());
  succeeds(second.outcome());
  succeeds(adding.outcome());
  succeeds(setting.outcome());
  auto const newer = open_at(context, path, {second_key});
  succeeds(newer);
  auto const config = run(context, newer->load());
  succeeds(config);
  BOOST_REQUIRE(config->providers.size() == 121u);
  for (auto const& entry : config->providers)
    BOOST_TEST(!entry.fault.has_value());
  BOOST_TEST(config->providers[7].options.api_key.reveal() == key_of(700));
}

BOOST_AUTO_TEST_SUITE_END()
