#include "store/sqlite_tables.hpp"

#include <array>

namespace claudio {
namespace {

constexpr std::int64_t application_id = 0x434c4155; // "CLAU"

// The steps from each version of the tables to the next. What is released is never changed, only added to.
constexpr std::array sqlite_migrations{R"(
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
)"};

std::string set_version(std::size_t version) {
  return "PRAGMA user_version = " + std::to_string(version) +
         "; PRAGMA application_id = " + std::to_string(application_id);
}

result<std::size_t> version_of(sqlite_database& database) {
  auto const version = database.integer("PRAGMA user_version");
  if (!version)
    return version.error();
  auto const owner = database.integer("PRAGMA application_id");
  if (!owner)
    return owner.error();
  auto const tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables)
    return tables.error();
  if (*owner != application_id && *tables > 0)
    return error(errc::storage, database.name() + " belongs to another program; name another file");
  if (*version < 0 || static_cast<std::size_t>(*version) > sqlite_migrations.size())
    return error(errc::storage, database.name() +
                                    " was made by a newer version of claudio (its tables are of version " +
                                    std::to_string(*version) + ", this version knows " +
                                    std::to_string(sqlite_migrations.size()) + "); use that version or a newer one");
  return static_cast<std::size_t>(*version);
}

result<void> apply_migrations(sqlite_database& database) {
  // Somebody else may have done so by now.
  auto const version = version_of(database);
  if (!version)
    return version.error();
  for (std::size_t step = *version; step < sqlite_migrations.size(); ++step)
    if (auto const applied = database.execute(sqlite_migrations[step]); !applied)
      return applied;
  return *version < sqlite_migrations.size() ? database.execute(set_version(sqlite_migrations.size())) : result<void>();
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

result<void> migrate(sqlite_database& database) {
  // At one moment: somebody else may be making the tables.
  if (auto const begun = database.execute("BEGIN"); !begun)
    return begun;
  auto const version = version_of(database);
  database.execute("ROLLBACK");
  if (!version)
    return version.error();
  if (*version == sqlite_migrations.size())
    return {};
  if (auto const begun = database.execute("BEGIN IMMEDIATE"); !begun)
    return begun;
  if (auto const applied = apply_migrations(database); !applied) {
    database.execute("ROLLBACK");
    return applied;
  }
  return database.execute("COMMIT");
}

result<snapshot> read_tables(sqlite_database& database) {
  snapshot now;
  std::vector<int> store;
  auto const read_store = [&](sqlite_statement const& row) {
    now.revision = row.column_integer(0);
    now.salt = row.column_text(1);
    now.fingerprint_key = row.column_text(2);
    return 1;
  };
  if (auto const read = read_rows(database, "SELECT revision, salt, fingerprint_key FROM store", store, read_store);
      !read)
    return read.error();
  if (store.empty())
    return error(errc::storage, database.name() + " has lost the row of its table store; restore it from a backup");
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

result<void> write_tables(sqlite_database& database, changes const& decided) {
  if (auto const counted = database.execute("UPDATE store SET revision = revision + 1"); !counted)
    return counted;
  if (decided.fingerprint_key) {
    auto statement = database.prepare("UPDATE store SET fingerprint_key = ?");
    if (!statement)
      return statement.error();
    if (auto const done = statement->blob(0, *decided.fingerprint_key).run(); !done)
      return done;
  }
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
