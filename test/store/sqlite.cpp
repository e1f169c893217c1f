// The store in a SQLite file.
#include "store/fixtures.hpp"
#include "store/operations.hpp"
#include "store/sqlite_backend.hpp"
#include "store/sqlite_connection.hpp"
#include "support/call.hpp"

#include <claudio/store.hpp>

#include <csignal>
#include <sqlite3.h>
#include <sys/resource.h>
#include <thread>

using namespace claudio;
using namespace claudio::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

store_content content_of(std::string const& path, std::initializer_list<std::string_view> keys = {first_key}) {
  asio::io_context context;
  auto const opened = open_at(context, path, keys);
  succeeds(opened);
  auto seen = run(context, opened->content());
  succeeds(seen);
  return std::move(*seen);
}

std::string mode_of(std::string const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return "missing";
  std::ostringstream text;
  text << std::oct << (status.st_mode & 07777);
  return text.str();
}

// An open store, and another program at its file.
class beside_another {
public:
  temporary_folder const folder;
  std::string const path = filled(folder, 1);
  asio::io_context context;
  result<store> const opened = open_at(context, path);
  sqlite_connection other{path};
};

} // namespace

BOOST_AUTO_TEST_SUITE(store_sqlite)

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
  BOOST_TEST(other.text("PRAGMA user_version") == "2");
  BOOST_TEST(other.text("PRAGMA journal_mode") == "wal");
  BOOST_TEST(other.text("PRAGMA integrity_check") == "ok");
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

BOOST_AUTO_TEST_CASE(after_a_rotation_nothing_is_left_under_the_old_key) {
  temporary_folder const folder;
  auto const path = filled(folder, 120);
  auto const old_id = bytes_of(vault_of({first_key}).key_ids().at(0));
  BOOST_TEST(read_file(path).find(old_id) != std::string::npos);
  {
    asio::io_context context;
    auto const opened = open_at(context, path, {second_key, first_key});
    succeeds(opened);
    succeeds(run(context, opened->rotate()));
  }
  for (auto const& file : folder.files())
    BOOST_TEST(read_file(file).find(old_id) == std::string::npos, file);
}

BOOST_AUTO_TEST_CASE(what_is_no_database_of_ours) {
  temporary_folder const folder;
  asio::io_context context;
  auto const newer = filled(folder, 1);
  sqlite_connection(newer).execute("PRAGMA user_version = 3");
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

BOOST_AUTO_TEST_SUITE(store_sqlite_waiting)

BOOST_FIXTURE_TEST_CASE(the_event_loop_goes_on_while_another_has_the_database, beside_another) {
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

BOOST_FIXTURE_TEST_CASE(what_waits_behind_others_is_cancelled_alone, beside_another) {
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
