#include "store/database.hpp"

#include "store/operations.hpp"
#include "support/call.hpp"

#include <cstdlib>
#include <libpq-fe.h>
#include <memory>
#include <sqlite3.h>
#include <unistd.h>

namespace claudio::test {
namespace {

// Runs statements, and gives the first column of the first row of the last one.
std::string run_sqlite(std::string const& path, std::string const& sql) {
  sqlite3* opened = nullptr;
  BOOST_REQUIRE(sqlite3_open(path.c_str(), &opened) == SQLITE_OK);
  std::unique_ptr<sqlite3, decltype(&sqlite3_close_v2)> const closed(opened, &sqlite3_close_v2);
  sqlite3_busy_timeout(opened, 5000);
  std::string found;
  auto const keep = [](void* into, int, char** values, char**) {
    if (values[0])
      *static_cast<std::string*>(into) = values[0];
    return 0;
  };
  bool const done = sqlite3_exec(opened, sql.c_str(), keep, &found, nullptr) == SQLITE_OK;
  BOOST_REQUIRE_MESSAGE(done, sql << ": " << sqlite3_errmsg(opened));
  return found;
}

std::string run_postgresql(pg_conn* connection, std::string const& sql) {
  std::unique_ptr<PGresult, decltype(&PQclear)> const answer(PQexec(connection, sql.c_str()), &PQclear);
  auto const status = PQresultStatus(answer.get());
  bool const done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  BOOST_REQUIRE_MESSAGE(done, sql << ": " << PQerrorMessage(connection));
  return PQntuples(answer.get()) > 0 ? PQgetvalue(answer.get(), 0, 0) : std::string();
}

void administrate(std::string const& sql) {
  std::unique_ptr<PGconn, decltype(&PQfinish)> const connection(PQconnectdb(postgresql_url("postgres").c_str()),
                                                                &PQfinish);
  run_postgresql(connection.get(), sql);
}

bool with_postgresql() { return std::getenv("CLAUDIO_TEST_POSTGRESQL") != nullptr; }

} // namespace

std::string postgresql_url(std::string_view database_and_parameters) {
  char const* const server = std::getenv("CLAUDIO_TEST_POSTGRESQL");
  return server ? std::string(server) + "/" + std::string(database_and_parameters) : std::string();
}

database::database() {
  static int made = 0;
  if (!with_postgresql()) {
    url_ = "sqlite:" + folder_.file("claudio.db");
    return;
  }
  name_ = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++made);
  url_ = postgresql_url(name_);
  administrate("CREATE DATABASE " + name_);
}

database::~database() {
  connection_.reset();
  if (!name_.empty())
    administrate("DROP DATABASE " + name_ + " WITH (FORCE)");
}

void database::load_old(std::string const& name) const {
  // CTest says where test/ is; by hand the tests are run from the folder that has it.
  char const* const folder = std::getenv("CLAUDIO_TEST_DATA");
  auto const from = std::string(folder ? folder : "test") + "/store/data/" + name;
  if (is_file())
    folder_.write("claudio.db", read_file(from + ".db"), 0600);
  else
    execute(read_file(from + ".sql"));
}

void database::save() const {
  if (name_.empty()) {
    std::filesystem::copy_file(folder_.file("claudio.db"), folder_.file("saved.db"),
                               std::filesystem::copy_options::overwrite_existing);
    return;
  }
  for (std::string const table : {"store", "providers", "models", "secrets"})
    execute("DROP TABLE IF EXISTS saved_" + table + "; CREATE TABLE saved_" + table + " AS TABLE " + table);
}

void database::restore() const {
  if (name_.empty()) {
    std::filesystem::copy_file(folder_.file("saved.db"), folder_.file("claudio.db"),
                               std::filesystem::copy_options::overwrite_existing);
    return;
  }
  std::string statements = "TRUNCATE store, providers, models, secrets;";
  for (std::string const table : {"store", "providers", "models", "secrets"})
    statements += "INSERT INTO " + table + " OVERRIDING SYSTEM VALUE SELECT * FROM saved_" + table + ";";
  execute(statements);
}

void database::clear() const {
  if (!name_.empty())
    execute("DROP SCHEMA IF EXISTS claudio CASCADE");
  else
    for (auto const& file : folder_.files())
      std::filesystem::remove(file);
}

void database::execute(std::string const& sql) const { text(sql); }

std::string database::text(std::string const& sql) const {
  if (name_.empty())
    return run_sqlite(folder_.file("claudio.db"), sql);
  if (!connection_)
    connection_.reset(PQconnectdb(url_.c_str()), &PQfinish);
  return run_postgresql(connection_.get(), "SET search_path = claudio; " + sql);
}

std::string database::hexadecimal(std::string const& sql) const {
  return text("SELECT " + std::string(name_.empty() ? "hex((" : "encode((") + sql +
              (name_.empty() ? "))" : "), 'hex')"));
}

result<store> open_at(boost::asio::io_context& context, database const& at,
                      std::initializer_list<std::string_view> keys) {
  return run(context, store::open(context.get_executor(), at.url(), sources_of(keys)));
}

void fill(database const& at, std::size_t count) {
  boost::asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  auto config = configuration_of(count);
  succeeds(run(context, opened->import_configuration(std::move(config))));
}

store_content content_of(database const& at, std::initializer_list<std::string_view> keys) {
  boost::asio::io_context context;
  auto const opened = open_at(context, at, keys);
  succeeds(opened);
  auto seen = run(context, opened->content());
  succeeds(seen);
  return std::move(*seen);
}

} // namespace claudio::test
