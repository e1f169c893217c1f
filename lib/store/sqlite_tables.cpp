#include "store/sqlite_tables.hpp"

#include "store/table_faults.hpp"

#include <array>

namespace claudio {
namespace {

constexpr std::int64_t application_id = 0x434c4155; // "CLAU"

// The steps from each format of the tables to the next. What is released is never changed, only added to. Format 2
// gives a column another name, so that a process of an older version stops instead of writing what it knows.
constexpr std::array<char const*, newest_format> sqlite_format_steps{R"(
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  revision INTEGER NOT NULL,
  salt BLOB NOT NULL,
  fingerprint_key BLOB NOT NULL
) STRICT;
INSERT INTO store VALUES (1, 0, randomblob(16), x'');
CREATE TABLE providers (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE CHECK (name <> ''),
  provider_type TEXT NOT NULL,
  support_model_type TEXT NOT NULL,
  provider_config TEXT NOT NULL,
  authentication BLOB NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE models (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE CHECK (name <> ''),
  type TEXT NOT NULL,
  provider_name TEXT NOT NULL REFERENCES providers (name),
  max_tokens INTEGER,
  model_params TEXT NOT NULL,
  settings TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX models_of_provider ON models (provider_name);
CREATE TABLE secrets (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  provider_name TEXT NOT NULL REFERENCES providers (name),
  field TEXT NOT NULL,
  version INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  fingerprint BLOB NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  UNIQUE (provider_name, field)
) STRICT;
)",
                                                                     R"(
ALTER TABLE store RENAME COLUMN fingerprint_key TO sealed_fingerprint_key;
ALTER TABLE store ADD COLUMN sealed_authentication_key BLOB NOT NULL DEFAULT x'';
ALTER TABLE store ADD COLUMN database_id BLOB NOT NULL DEFAULT x'';
ALTER TABLE store ADD COLUMN passphrase_cost INTEGER;
)"};

// 0: there are no tables.
result<unsigned> format_of(sqlite_database& database) {
  auto const format = database.integer("PRAGMA user_version");
  if (!format)
    return format.error();
  auto const owner = database.integer("PRAGMA application_id");
  if (!owner)
    return owner.error();
  auto const tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables)
    return tables.error();
  if (*owner != application_id && *tables > 0)
    return error(errc::storage, database.name() + " belongs to another program; name another file");
  if (*format < 0 || *format > newest_format)
    return table_faults::newer_format(database.name(), *format);
  return static_cast<unsigned>(*format);
}

// In a transaction.
result<void> take_steps(sqlite_database& database, unsigned from) {
  for (auto step = from; step < newest_format; ++step)
    if (auto const taken = database.execute(sqlite_format_steps[step]); !taken)
      return taken;
  return database.execute("PRAGMA user_version = " + std::to_string(newest_format) +
                          "; PRAGMA application_id = " + std::to_string(application_id));
}

// Reads all rows of a query.
template <class Row, class Read>
result<void> read_rows(sqlite_database& database, std::string_view query, std::vector<Row>& rows, Read read) {
  auto statement = database.prepare(query);
  if (!statement)
    return statement.error();
  while (true) {
    auto const found = statement->step();
    if (!found)
      return found.error();
    if (!*found)
      return {};
    rows.push_back(read(*statement));
  }
}

// Runs a statement once for each item.
template <class Item, class Bind>
result<void> for_each(sqlite_database& database, std::string_view sql, std::vector<Item> const& items, Bind bind) {
  if (items.empty())
    return {};
  auto statement = database.prepare(sql);
  if (!statement)
    return statement.error();
  for (auto const& item : items) {
    bind(*statement, item);
    if (auto const done = statement->run(); !done)
      return done;
  }
  return {};
}

result<void> remove_all(sqlite_database& database, std::string_view sql, std::vector<std::string> const& names) {
  return for_each(database, sql, names,
                  [](sqlite_statement& statement, std::string const& name) { statement.text(0, name); });
}

// What the row of the table store says about keys.
result<void> set_keys(sqlite_database& database, unsigned format, changes const& decided) {
  auto const set = [&](std::string const& column, auto const& value, auto const& bind) -> result<void> {
    if (!value)
      return {};
    auto statement = database.prepare("UPDATE store SET " + column + " = ?");
    if (!statement)
      return statement.error();
    bind(*statement, *value);
    return statement->run();
  };
  auto const blob = [](sqlite_statement& statement, std::string const& value) { statement.blob(0, value); };
  auto const integer = [](sqlite_statement& statement, std::int64_t value) { statement.integer(0, value); };
  result<void> done = set(format == 1 ? "fingerprint_key" : "sealed_fingerprint_key", decided.fingerprint_key, blob);
  if (done)
    done = set("sealed_authentication_key", decided.authentication_key, blob);
  if (done)
    done = set("database_id", decided.database_id, blob);
  if (done)
    done = set("passphrase_cost", decided.passphrase_cost, integer);
  return done;
}

provider_row read_provider_row(sqlite_statement const& row) {
  provider_row read;
  read.name = row.column_text(0);
  read.provider_type = row.column_text(1);
  read.support_model_type = row.column_text(2);
  read.provider_config = row.column_text(3);
  read.authentication = row.column_text(4);
  read.created = row.column_integer(5);
  read.updated = row.column_integer(6);
  return read;
}

model_row read_model_row(sqlite_statement const& row) {
  model_row read;
  read.name = row.column_text(0);
  read.type = row.column_text(1);
  read.provider_name = row.column_text(2);
  read.max_tokens = row.column_optional(3);
  read.model_params = row.column_text(4);
  read.settings = row.column_text(5);
  read.created = row.column_integer(6);
  read.updated = row.column_integer(7);
  return read;
}

secret_row read_secret_row(sqlite_statement const& row) {
  secret_row read;
  read.id = row.column_text(0);
  read.provider_name = row.column_text(1);
  read.field = row.column_text(2);
  read.version = row.column_integer(3);
  read.sealed = row.column_text(4);
  read.fingerprint = row.column_text(5);
  read.created = row.column_integer(6);
  read.updated = row.column_integer(7);
  return read;
}

} // namespace

result<void> make_tables(sqlite_database& database) {
  // At one moment: somebody else may be making the tables.
  if (auto const begun = database.execute("BEGIN"); !begun)
    return begun;
  auto format = format_of(database);
  database.execute("ROLLBACK");
  if (!format)
    return format.error();
  if (*format > 0)
    return {};
  if (auto const begun = database.execute("BEGIN IMMEDIATE"); !begun)
    return begun;
  // Somebody else may have done so by now.
  format = format_of(database);
  auto const made = !format ? format.error() : *format == 0 ? take_steps(database, 0) : result<void>();
  if (!made) {
    database.execute("ROLLBACK");
    return made;
  }
  return database.execute("COMMIT");
}

result<void> upgrade_tables(sqlite_database& database, unsigned from) { return take_steps(database, from); }

result<snapshot> read_tables(sqlite_database& database) {
  auto const format = format_of(database);
  if (!format)
    return format.error();
  snapshot now;
  now.format = *format;
  std::vector<int> store;
  auto const read_store = [&](sqlite_statement const& row) {
    now.revision = row.column_integer(0);
    now.salt = row.column_text(1);
    now.fingerprint_key = row.column_text(2);
    if (now.format > 1) {
      now.authentication_key = row.column_text(3);
      now.database_id = row.column_text(4);
      now.passphrase_cost = row.column_optional(5);
    }
    return 1;
  };
  auto const query = now.format == 1 ? "SELECT revision, salt, fingerprint_key FROM store"
                                     : "SELECT revision, salt, sealed_fingerprint_key, sealed_authentication_key, "
                                       "database_id, passphrase_cost FROM store";
  if (auto const read = read_rows(database, query, store, read_store); !read)
    return read.error();
  if (store.empty())
    return table_faults::lost_row(database.name());
  if (auto const read =
          read_rows(database,
                    "SELECT name, provider_type, support_model_type, provider_config, authentication, created_at_ms, "
                    "updated_at_ms FROM providers ORDER BY position",
                    now.providers, &read_provider_row);
      !read)
    return read.error();
  if (auto const read = read_rows(database,
                                  "SELECT name, type, provider_name, max_tokens, model_params, settings, "
                                  "created_at_ms, updated_at_ms FROM models ORDER BY position",
                                  now.models, &read_model_row);
      !read)
    return read.error();
  if (auto const read = read_rows(database,
                                  "SELECT id, provider_name, field, version, sealed, fingerprint, created_at_ms, "
                                  "updated_at_ms FROM secrets ORDER BY position",
                                  now.secrets, &read_secret_row);
      !read)
    return read.error();
  return now;
}

result<void> write_tables(sqlite_database& database, unsigned format, changes const& decided) {
  if (auto const counted = database.execute("UPDATE store SET revision = revision + 1"); !counted)
    return counted;
  if (auto const set = set_keys(database, format, decided); !set)
    return set;
  if (auto const removed = remove_all(database, "DELETE FROM secrets WHERE id = ?", decided.remove_secrets); !removed)
    return removed;
  if (auto const removed = remove_all(database, "DELETE FROM models WHERE name = ?", decided.remove_models); !removed)
    return removed;
  if (auto const removed = remove_all(database, "DELETE FROM providers WHERE name = ?", decided.remove_providers);
      !removed)
    return removed;
  if (auto const put =
          for_each(database,
                   "INSERT INTO providers (name, provider_type, support_model_type, provider_config, authentication, "
                   "created_at_ms, updated_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                   "provider_type = excluded.provider_type, support_model_type = excluded.support_model_type, "
                   "provider_config = excluded.provider_config, authentication = excluded.authentication, "
                   "updated_at_ms = excluded.updated_at_ms",
                   decided.put_providers,
                   [](sqlite_statement& statement, provider_row const& row) {
                     statement.text(0, row.name)
                         .text(1, row.provider_type)
                         .text(2, row.support_model_type)
                         .text(3, row.provider_config)
                         .blob(4, row.authentication)
                         .integer(5, row.created)
                         .integer(6, row.updated);
                   });
      !put)
    return put;
  if (auto const put = for_each(
          database,
          "INSERT INTO models (name, type, provider_name, max_tokens, model_params, settings, created_at_ms, "
          "updated_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET type = excluded.type, "
          "provider_name = excluded.provider_name, max_tokens = excluded.max_tokens, model_params = "
          "excluded.model_params, settings = excluded.settings, updated_at_ms = excluded.updated_at_ms",
          decided.put_models,
          [](sqlite_statement& statement, model_row const& row) {
            statement.text(0, row.name)
                .text(1, row.type)
                .text(2, row.provider_name)
                .integer(3, row.max_tokens)
                .text(4, row.model_params)
                .text(5, row.settings)
                .integer(6, row.created)
                .integer(7, row.updated);
          });
      !put)
    return put;
  return for_each(
      database,
      "INSERT INTO secrets (id, provider_name, field, version, sealed, fingerprint, created_at_ms, updated_at_ms) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, sealed = "
      "excluded.sealed, fingerprint = excluded.fingerprint, updated_at_ms = excluded.updated_at_ms",
      decided.put_secrets, [](sqlite_statement& statement, secret_row const& row) {
        statement.text(0, row.id)
            .text(1, row.provider_name)
            .text(2, row.field)
            .integer(3, row.version)
            .blob(4, row.sealed)
            .blob(5, row.fingerprint)
            .integer(6, row.created)
            .integer(7, row.updated);
      });
}

} // namespace claudio
