// The file under a store in SQLite: removed, replaced, on a medium that can't be written; and rows that were lost.
#include "store/sqlite_connection.hpp"
#include "store/sqlite_snapshot.hpp"
#include "support/as_user.hpp"
#include "support/log_capture.hpp"

#include <claudio/model_manager.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>

using namespace claudio;
using namespace claudio::test;
namespace asio = boost::asio;
namespace files = std::filesystem;

namespace {

/// The key of the provider p0, or why it can't be had.
std::string key_at(std::string const& path) {
  asio::io_context context;
  auto const opened = open_at(context, path);
  if (!opened)
    return opened.error().message();
  auto const config = run(context, opened->load());
  return config ? std::string(config->providers.at(0).options.api_key.reveal()) : config.error().message();
}

/// Why nothing can be added, or that it was.
std::string adding_at(std::string const& path) {
  asio::io_context context;
  auto const opened = open_at(context, path);
  if (!opened)
    return opened.error().message();
  auto const added = run(context, opened->add_model(a_model("added", "p0")));
  return added ? "added" : added.error().message();
}

void set_key(std::string const& path, std::string const& key) {
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  succeeds(run(context, opened->set_secret("p0", named_secret("api_key", secret(key)))));
}

/// A folder in which others can read, and only root can write, with a copy of these files of a database.
class foreign_folder {
public:
  foreign_folder(std::string const& database, std::initializer_list<char const*> suffixes) {
    for (auto const* const suffix : suffixes) {
      files::copy_file(database + suffix, path() + suffix);
      BOOST_REQUIRE(::chmod((path() + suffix).c_str(), 0444) == 0);
    }
    BOOST_REQUIRE(::chmod(folder_.path().c_str(), 0555) == 0);
  }
  // With characters that mean something in a URI.
  std::string path() const { return folder_.file("of root? 100%#1.db"); }
  std::size_t count() const { return folder_.files().size(); }

private:
  temporary_folder const folder_;
};

std::string models_in(std::string const& path) {
  return sqlite_connection(path).text("SELECT group_concat(name) FROM (SELECT name FROM models ORDER BY position)");
}

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_SUITE(store_sqlite_files)

BOOST_AUTO_TEST_CASE(a_file_that_was_removed_or_replaced_is_told) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  auto const other = filled(folder, 2, "other.db");
  auto const aside = folder.file("aside.db");
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  auto const require_all_refused = [&](std::string_view reason) {
    fails_with(run(context, opened->load()), errc::storage, reason);
    fails_with(run(context, opened->content()), errc::storage, reason);
    fails_with(run(context, opened->wait_for_change(0)), errc::storage, reason);
    fails_with(run(context, opened->add_model(a_model("lost", "p0"))), errc::storage, reason);
    fails_with(run(context, opened->set_secret("p0", named_secret("api_key", secret(key_of(9))))), errc::storage,
               reason);
    fails_with(run(context, opened->rotate()), errc::storage, reason);
  };
  files::rename(path, aside);
  require_all_refused("was removed while it was open");
  files::rename(other, path);
  require_all_refused("was replaced while it was open");
  // Back in its place it is used again, and neither has anything of what was refused.
  files::rename(path, other);
  files::rename(aside, path);
  succeeds(run(context, opened->add_model(a_model("kept", "p0"))));
  BOOST_TEST(models_in(path) == "m0,kept");
  BOOST_TEST(models_in(other) == "m0,m1");
}

BOOST_AUTO_TEST_CASE(a_journal_that_was_removed_is_told) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  succeeds(run(context, opened->add_model(a_model("kept", "p0"))));
  files::rename(path + "-wal", path + "-wal.aside");
  fails_with(run(context, opened->load()), errc::storage, "was removed while the database was open");
  fails_with(run(context, opened->add_model(a_model("lost", "p0"))), errc::storage, "was removed while");
  files::rename(path + "-wal.aside", path + "-wal");
  succeeds(run(context, opened->add_model(a_model("more", "p0"))));
  BOOST_TEST(models_in(path) == "m0,kept,more");
}

BOOST_AUTO_TEST_CASE(a_link_that_leads_elsewhere_is_told) {
  temporary_folder const folder;
  auto const first = filled(folder, 1, "first.db");
  auto const second = filled(folder, 2, "second.db");
  auto const link = folder.file("current.db");
  files::create_symlink(first, link);
  asio::io_context context;
  auto const opened = open_at(context, link);
  succeeds(opened);
  files::remove(link);
  files::create_symlink(second, link);
  fails_with(run(context, opened->load()), errc::storage, "was replaced while it was open");
  fails_with(run(context, opened->add_model(a_model("lost", "p0"))), errc::storage, "was replaced while it was open");
}

BOOST_AUTO_TEST_CASE(a_manager_tells_that_the_file_is_gone) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  model_manager const manager(context.get_executor(), run(context, opened->load()).value(), serial);
  asio::cancellation_signal stop;
  asio::co_spawn(context, manager.watch(*opened), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  files::rename(path, path + ".aside");
  context.restart();
  while (!manager.state().fault)
    context.run_one();
  BOOST_TEST(has(manager.state().fault->message(), "was removed while it was open"));
  BOOST_TEST(manager.get_model_instance("m0").has_value());
  files::rename(path + ".aside", path);
  while (manager.state().fault)
    context.run_one();
  stop.emit(asio::cancellation_type::terminal);
  finish(context);
}

// As root everything can be written.
BOOST_AUTO_TEST_CASE(a_folder_of_another_user_is_read) {
  if (::geteuid() != root)
    return;
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  foreign_folder const settled(path, {""});
  auto const as_nobody = [](auto const& what, std::string const& of) {
    return as_user(nobody, [&] { return what(of); });
  };
  BOOST_TEST(as_nobody(key_at, settled.path()) == key_of(0));
  auto const refused = as_nobody(adding_at, settled.path());
  BOOST_TEST((has(refused, "read-only") || has(refused, "Permission denied")), refused);
  BOOST_TEST(settled.count() == 1u);

  // What stands in a journal only counts: else the key before it would come back.
  sqlite_connection holds_the_journal(path);
  BOOST_TEST(holds_the_journal.text("SELECT count(*) FROM models") == "1");
  set_key(path, key_of(7));
  BOOST_REQUIRE(files::file_size(path + "-wal") > 0u);
  foreign_folder const pending(path, {"", "-wal"});
  BOOST_TEST(as_nobody(key_at, pending.path()) == key_of(7));
  foreign_folder const with_index(path, {"", "-wal", "-shm"});
  BOOST_TEST(as_nobody(key_at, with_index.path()) == key_of(7));
  BOOST_TEST(as_nobody(adding_at, pending.path()) != "added");
  BOOST_TEST(pending.count() == 2u);
}

BOOST_AUTO_TEST_CASE(an_empty_journal_is_none) {
  if (::geteuid() != root)
    return;
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  folder.write("filled.db-wal", "", 0600);
  foreign_folder const settled(path, {"", "-wal"});
  BOOST_TEST(as_user(nobody, [&] { return key_at(settled.path()); }) == key_of(0));
}

BOOST_AUTO_TEST_CASE(a_snapshot_knows_whether_its_files_have_changed) {
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  auto const count_in = [](sqlite_snapshot& snapshot) {
    return snapshot.database().integer("SELECT count(*) FROM models").value();
  };
  auto settled = sqlite_snapshot::open(path).value();
  BOOST_TEST(count_in(settled) == 1);
  BOOST_TEST(settled.is_current());
  sqlite_connection other(path);
  other.execute("INSERT INTO models SELECT NULL, 'm1', type, provider_name, max_tokens, model_params, settings, "
                "created_at_ms, updated_at_ms FROM models");
  BOOST_TEST(!settled.is_current());
  auto pending = sqlite_snapshot::open(path).value();
  BOOST_TEST(count_in(pending) == 2);
  BOOST_TEST(pending.is_current());
  other.execute("DELETE FROM models WHERE name = 'm1'");
  BOOST_TEST(!pending.is_current());
  BOOST_TEST(count_in(pending) == 2);
  fails_with(sqlite_snapshot::open(folder.path()), errc::storage, "it is no database");
  fails_with(sqlite_snapshot::open(folder.file("none.db")), errc::storage, "it is no database");
}

BOOST_AUTO_TEST_CASE(a_journal_of_the_older_kind_is_not_overlooked) {
  if (::geteuid() != root)
    return;
  temporary_folder const folder;
  auto const path = filled(folder, 1);
  sqlite_connection other(path);
  // What is in the file by then is not committed, and its journal has the pages as they were before.
  other.execute("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; "
                "UPDATE models SET name = 'torn'; "
                "CREATE TABLE filler (x); INSERT INTO filler WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                "FROM n WHERE i < 500) SELECT randomblob(1000) FROM n");
  foreign_folder const torn(path, {"", "-journal"});
  other.execute("ROLLBACK");
  auto const models = as_user(nobody, [&] {
    asio::io_context context;
    auto const opened = open_at(context, torn.path());
    return opened ? run(context, opened->content()).value().models.at(0).name : opened.error().message();
  });
  BOOST_TEST(models == "m0");
}

BOOST_AUTO_TEST_CASE(a_model_without_its_provider_stops_only_itself) {
  temporary_folder const folder;
  auto const path = filled(folder, 3);
  sqlite_connection(path).execute("PRAGMA foreign_keys = OFF; DELETE FROM providers WHERE name = 'p1'; "
                                  "UPDATE models SET settings = '{\"fallbacks\":[{\"model\":\"gone\"}]}' "
                                  "WHERE name = 'm2'");
  asio::io_context context;
  auto const opened = open_at(context, path);
  succeeds(opened);
  auto config = run(context, opened->load());
  succeeds(config);
  auto const before = captured_log().size();
  model_manager const manager(context.get_executor(), std::move(*config), serial);
  BOOST_TEST(manager.get_model_instance("m0").has_value());
  BOOST_TEST(manager.get_model_instance("m2").has_value());
  fails_with(manager.get_model_instance("m1"), errc::configuration, "no provider is named \"p1\"");
  BOOST_TEST(has(captured_log().substr(before), "model_unusable model=\"m1\""));
  BOOST_REQUIRE(manager.state().faulty_entries.size() == 1u);
  BOOST_TEST(has(manager.state().faulty_entries[0].message(), "model \"m1\".provider_name: no provider is named"));
  auto const content = run(context, opened->content());
  succeeds(content);
  BOOST_TEST(!content->models[0].fault.has_value());
  BOOST_REQUIRE(content->models[1].fault.has_value());
  BOOST_TEST(has(content->models[1].fault->message(), "no provider is named \"p1\""));
  // It is mended by an edit.
  boost::json::object patch;
  patch["provider_name"] = "p0";
  succeeds(run(context, opened->update_model("m1", patch)));
  BOOST_TEST(!run(context, opened->load())->models.at(1).fault.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
