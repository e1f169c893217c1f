#include "store/postgres_tables.hpp"

#include "core/json_access.hpp"
#include "vault/cipher.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <charconv>
#include <optional>

namespace claudio::postgres_tables {
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// Of advisory locks: "claudio".
constexpr char const* lock_making = "SELECT pg_advisory_xact_lock(27978636628322671)";

// The steps from each format of the tables to the next. What is released is never changed, only added to. Format 2
// gives a column another name, so that a process of an older version stops instead of writing what it knows.
constexpr std::array<char const*, newest_format> format_steps{R"(
CREATE TABLE claudio.store (
  id integer PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL,
  revision bigint NOT NULL,
  salt bytea NOT NULL,
  fingerprint_key bytea NOT NULL
);
INSERT INTO claudio.store
  VALUES (1, 0, 0, substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 16), '');
CREATE TABLE claudio.changes (
  token text PRIMARY KEY,
  made_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE claudio.providers (
  position bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL UNIQUE CHECK (name <> ''),
  provider_type text NOT NULL,
  support_model_type text NOT NULL,
  provider_config text NOT NULL,
  authentication bytea NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL
);
CREATE TABLE claudio.models (
  position bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL UNIQUE CHECK (name <> ''),
  type text NOT NULL,
  provider_name text NOT NULL REFERENCES claudio.providers (name),
  max_tokens bigint,
  model_params text NOT NULL,
  settings text NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL
);
CREATE INDEX models_of_provider ON claudio.models (provider_name);
CREATE TABLE claudio.secrets (
  position bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  id text NOT NULL UNIQUE,
  provider_name text NOT NULL REFERENCES claudio.providers (name),
  field text NOT NULL,
  version bigint NOT NULL,
  sealed bytea NOT NULL,
  fingerprint bytea NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  UNIQUE (provider_name, field)
);
)",
                                                              R"(
ALTER TABLE claudio.store RENAME COLUMN fingerprint_key TO sealed_fingerprint_key;
ALTER TABLE claudio.store ADD COLUMN sealed_authentication_key bytea NOT NULL DEFAULT '',
  ADD COLUMN database_id bytea NOT NULL DEFAULT '', ADD COLUMN passphrase_cost bigint;
)"};

// Not to_regclass: what it remembers may be older than the lock.
constexpr postgres_statement find_tables{"claudio_find_tables", R"(
SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE nspname = 'claudio' AND relname = 'store'))"};
constexpr postgres_statement find_schema{"claudio_find_schema",
                                         "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'claudio')"};
constexpr postgres_statement find_version{"claudio_find_version", "SELECT version FROM claudio.store"};
constexpr postgres_statement find_revision{"claudio_find_revision", "SELECT revision FROM claudio.store"};

// One statement sees all tables at one moment. Formats differ in what they have of keys.
std::string read_all(std::string_view keys) {
  return "SELECT json_build_object('version', version, 'revision', revision, 'salt', encode(salt, 'hex'), " +
         std::string(keys) + R"(,
  'providers', (SELECT coalesce(json_agg(json_build_object(
    'name', name, 'provider_type', provider_type, 'support_model_type', support_model_type,
    'provider_config', provider_config, 'authentication', encode(authentication, 'hex'),
    'created_at_ms', created_at_ms, 'updated_at_ms', updated_at_ms) ORDER BY position), '[]') FROM claudio.providers),
  'models', (SELECT coalesce(json_agg(json_build_object(
    'name', name, 'type', type, 'provider_name', provider_name, 'max_tokens', max_tokens,
    'model_params', model_params, 'settings', settings,
    'created_at_ms', created_at_ms, 'updated_at_ms', updated_at_ms) ORDER BY position), '[]') FROM claudio.models),
  'secrets', (SELECT coalesce(json_agg(json_build_object(
    'id', id, 'provider_name', provider_name, 'field', field, 'version', version,
    'sealed', encode(sealed, 'hex'), 'fingerprint', encode(fingerprint, 'hex'),
    'created_at_ms', created_at_ms, 'updated_at_ms', updated_at_ms) ORDER BY position), '[]') FROM claudio.secrets)
) FROM claudio.store)";
}

postgres_statement read_statement(unsigned format) {
  static std::string const of_format_1 = read_all("'fingerprint_key', encode(fingerprint_key, 'hex')");
  static std::string const of_format_2 =
      read_all("'fingerprint_key', encode(sealed_fingerprint_key, 'hex'), "
               "'authentication_key', encode(sealed_authentication_key, 'hex'), "
               "'database_id', encode(database_id, 'hex'), 'passphrase_cost', passphrase_cost");
  return format == 1 ? postgres_statement{"claudio_read_format_1", of_format_1.c_str()}
                     : postgres_statement{"claudio_read_format_2", of_format_2.c_str()};
}

constexpr postgres_statement lock_store{"claudio_lock_store", "SELECT FROM claudio.store FOR UPDATE"};
constexpr postgres_statement find_change{"claudio_find_change",
                                         "SELECT EXISTS (SELECT FROM claudio.changes WHERE token = $1)"};
// Nobody asks for one after a minute.
constexpr postgres_statement note_change{"claudio_note_change", R"(
WITH forgotten AS (DELETE FROM claudio.changes WHERE made_at < now() - interval '1 hour')
INSERT INTO claudio.changes (token) VALUES ($1))"};
constexpr postgres_statement count_change{"claudio_count_change", R"(
WITH counted AS (UPDATE claudio.store SET revision = revision + 1 RETURNING revision)
SELECT pg_notify('claudio_store', revision::text) FROM counted)"};
constexpr postgres_statement set_fingerprint_key_of_format_1{
    "claudio_set_fingerprint_key_of_format_1", "UPDATE claudio.store SET fingerprint_key = decode($1, 'hex')"};
constexpr postgres_statement set_fingerprint_key{"claudio_set_fingerprint_key",
                                                 "UPDATE claudio.store SET sealed_fingerprint_key = decode($1, 'hex')"};
constexpr postgres_statement set_authentication_key{
    "claudio_set_authentication_key", "UPDATE claudio.store SET sealed_authentication_key = decode($1, 'hex')"};
constexpr postgres_statement set_database_id{"claudio_set_database_id",
                                             "UPDATE claudio.store SET database_id = decode($1, 'hex')"};
constexpr postgres_statement set_passphrase_cost{"claudio_set_passphrase_cost",
                                                 "UPDATE claudio.store SET passphrase_cost = $1::bigint"};
constexpr postgres_statement remove_secrets{
    "claudio_remove_secrets", "DELETE FROM claudio.secrets WHERE id IN (SELECT json_array_elements_text($1::json))"};
constexpr postgres_statement remove_models{
    "claudio_remove_models", "DELETE FROM claudio.models WHERE name IN (SELECT json_array_elements_text($1::json))"};
constexpr postgres_statement remove_providers{
    "claudio_remove_providers",
    "DELETE FROM claudio.providers WHERE name IN (SELECT json_array_elements_text($1::json))"};
constexpr postgres_statement put_providers{"claudio_put_providers", R"(
INSERT INTO claudio.providers (name, provider_type, support_model_type, provider_config, authentication,
  created_at_ms, updated_at_ms)
SELECT name, provider_type, support_model_type, provider_config, decode(authentication, 'hex'),
  created_at_ms, updated_at_ms
FROM ROWS FROM (json_to_recordset($1::json) AS (name text, provider_type text, support_model_type text,
  provider_config text, authentication text, created_at_ms bigint, updated_at_ms bigint))
  WITH ORDINALITY ORDER BY ordinality
ON CONFLICT (name) DO UPDATE SET provider_type = excluded.provider_type,
  support_model_type = excluded.support_model_type, provider_config = excluded.provider_config,
  authentication = excluded.authentication, updated_at_ms = excluded.updated_at_ms)"};
constexpr postgres_statement put_models{"claudio_put_models", R"(
INSERT INTO claudio.models (name, type, provider_name, max_tokens, model_params, settings,
  created_at_ms, updated_at_ms)
SELECT name, type, provider_name, max_tokens, model_params, settings, created_at_ms, updated_at_ms
FROM ROWS FROM (json_to_recordset($1::json) AS (name text, type text, provider_name text, max_tokens bigint,
  model_params text, settings text, created_at_ms bigint, updated_at_ms bigint))
  WITH ORDINALITY ORDER BY ordinality
ON CONFLICT (name) DO UPDATE SET type = excluded.type, provider_name = excluded.provider_name,
  max_tokens = excluded.max_tokens, model_params = excluded.model_params, settings = excluded.settings,
  updated_at_ms = excluded.updated_at_ms)"};
constexpr postgres_statement put_secrets{"claudio_put_secrets", R"(
INSERT INTO claudio.secrets (id, provider_name, field, version, sealed, fingerprint, created_at_ms, updated_at_ms)
SELECT id, provider_name, field, version, decode(sealed, 'hex'), decode(fingerprint, 'hex'),
  created_at_ms, updated_at_ms
FROM ROWS FROM (json_to_recordset($1::json) AS (id text, provider_name text, field text, version bigint, sealed text,
  fingerprint text, created_at_ms bigint, updated_at_ms bigint))
  WITH ORDINALITY ORDER BY ordinality
ON CONFLICT (id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed,
  fingerprint = excluded.fingerprint, updated_at_ms = excluded.updated_at_ms)"};

error lost_row(postgres_connection const& connection) {
  return error(errc::storage, connection.name() + " has lost the row of its table store; restore it from a backup");
}

error not_ours() {
  return error(errc::storage, "the database's tables in the schema claudio are not as this version made them");
}

std::optional<std::int64_t> integer_in(std::string_view text) {
  std::int64_t number = 0;
  auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

// A query of one row and one column, without parameters.
asio::awaitable<result<std::string>> query_text(postgres_connection::pointer connection, postgres_statement statement,
                                                clock::time_point limit) {
  std::vector<std::string> none;
  auto asking = postgres_connection::query(connection, statement, std::move(none), limit);
  auto const rows = co_await std::move(asking);
  if (!rows)
    co_return rows.error();
  if (rows->size() != 1)
    co_return lost_row(*connection);
  co_return std::string(rows->text(0, 0));
}

asio::awaitable<result<bool>> query_bool(postgres_connection::pointer connection, postgres_statement statement,
                                         clock::time_point limit) {
  auto asking = query_text(std::move(connection), statement, limit);
  auto const text = co_await std::move(asking);
  if (!text)
    co_return text.error();
  co_return *text == "t";
}

// Of tables that are there.
asio::awaitable<result<unsigned>> read_format(postgres_connection::pointer connection, clock::time_point limit) {
  auto asking = query_text(connection, find_version, limit);
  auto const text = co_await std::move(asking);
  if (!text)
    co_return text.error();
  auto const format = integer_in(*text);
  if (!format || *format < oldest_format)
    co_return not_ours();
  if (*format > newest_format)
    co_return error(errc::storage,
                    connection->name() + " was made by a newer version of claudio (its tables are of version " + *text +
                        ", this version knows " + std::to_string(newest_format) + "); use that version or a newer one");
  co_return static_cast<unsigned>(*format);
}

// 0: there are no tables.
asio::awaitable<result<unsigned>> format_of(postgres_connection::pointer connection, clock::time_point limit) {
  auto finding = query_bool(connection, find_tables, limit);
  auto const found = co_await std::move(finding);
  if (!found)
    co_return found.error();
  if (!*found)
    co_return 0u;
  auto reading = read_format(connection, limit);
  auto const format = co_await std::move(reading);
  co_return format;
}

std::string steps_from(unsigned format) {
  std::string all;
  for (auto step = format; step < newest_format; ++step)
    all += format_steps[step];
  return all + "UPDATE claudio.store SET version = " + std::to_string(newest_format);
}

// In a transaction.
asio::awaitable<result<void>> make_missing(postgres_connection::pointer connection, clock::time_point limit) {
  auto asking = format_of(connection, limit);
  // Somebody else may have done so by now.
  auto const format = co_await std::move(asking);
  if (!format)
    co_return format.error();
  if (*format > 0)
    co_return result<void>();
  auto looking = query_bool(connection, find_schema, limit);
  auto const has_schema = co_await std::move(looking);
  if (!has_schema)
    co_return has_schema.error();
  auto statements = steps_from(0);
  if (!*has_schema)
    statements.insert(0, "CREATE SCHEMA claudio;");
  auto making = postgres_connection::execute(connection, std::move(statements), limit);
  auto const made = co_await std::move(making);
  co_return made;
}

std::string bytes_in(json::object const& row, std::string_view field) {
  auto bytes = cipher::bytes_of(find_string(row, field));
  return bytes ? std::move(*bytes) : std::string();
}

// The columns of each table, to read and to write them. `Fields` has a member for each kind of column.
template <class Fields>
void visit(Fields const& fields, typename Fields::template row<provider_row> row) {
  fields.text("name", row.name);
  fields.text("provider_type", row.provider_type);
  fields.text("support_model_type", row.support_model_type);
  fields.text("provider_config", row.provider_config);
  fields.bytes("authentication", row.authentication);
  fields.integer("created_at_ms", row.created);
  fields.integer("updated_at_ms", row.updated);
}

template <class Fields>
void visit(Fields const& fields, typename Fields::template row<model_row> row) {
  fields.text("name", row.name);
  fields.text("type", row.type);
  fields.text("provider_name", row.provider_name);
  fields.integer("max_tokens", row.max_tokens);
  fields.text("model_params", row.model_params);
  fields.text("settings", row.settings);
  fields.integer("created_at_ms", row.created);
  fields.integer("updated_at_ms", row.updated);
}

template <class Fields>
void visit(Fields const& fields, typename Fields::template row<secret_row> row) {
  fields.text("id", row.id);
  fields.text("provider_name", row.provider_name);
  fields.text("field", row.field);
  fields.integer("version", row.version);
  fields.bytes("sealed", row.sealed);
  fields.bytes("fingerprint", row.fingerprint);
  fields.integer("created_at_ms", row.created);
  fields.integer("updated_at_ms", row.updated);
}

class field_reader {
public:
  template <class Row>
  using row = Row&;

  explicit field_reader(json::object const& from) : from_(from) {}

  void text(std::string_view name, std::string& into) const { into = find_string(from_, name); }
  void bytes(std::string_view name, std::string& into) const { into = bytes_in(from_, name); }
  void integer(std::string_view name, std::int64_t& into) const { into = find_integer(from_, name).value_or(0); }
  void integer(std::string_view name, std::optional<std::int64_t>& into) const { into = find_integer(from_, name); }

private:
  json::object const& from_;
};

class field_writer {
public:
  template <class Row>
  using row = Row const&;

  explicit field_writer(json::object& into) : into_(into) {}

  void text(std::string_view name, std::string const& from) const { into_[name] = from; }
  void bytes(std::string_view name, std::string const& from) const { into_[name] = cipher::hexadecimal(from); }
  void integer(std::string_view name, std::optional<std::int64_t> from) const {
    if (from)
      into_[name] = *from;
  }

private:
  json::object& into_;
};

template <class Row>
bool read_rows(json::object const& tables, std::string_view name, std::vector<Row>& rows) {
  auto const* const list = find_array(tables, name);
  if (!list)
    return false;
  for (auto const& entry : *list)
    if (auto const* const row = entry.if_object())
      visit(field_reader(*row), rows.emplace_back());
  return true;
}

template <class Row>
json::value as_json(Row const& row) {
  json::object written;
  visit(field_writer(written), row);
  return written;
}

json::value as_json(std::string const& name) { return json::string_view(name); }

template <class Row>
std::string as_text(std::vector<Row> const& rows) {
  json::array list;
  for (auto const& row : rows)
    list.push_back(as_json(row));
  return json::serialize(list);
}

// A statement and the rows for its only parameter.
class write_step {
public:
  write_step(postgres_statement to_run, std::string given) : statement(to_run), parameter(std::move(given)) {}

  postgres_statement statement;
  std::string parameter;
};

std::vector<write_step> steps_of(unsigned format, changes const& decided) {
  std::vector<write_step> steps;
  auto const add = [&](postgres_statement statement, auto const& rows) {
    if (!rows.empty())
      steps.emplace_back(statement, as_text(rows));
  };
  if (decided.fingerprint_key)
    steps.emplace_back(format == 1 ? set_fingerprint_key_of_format_1 : set_fingerprint_key,
                       cipher::hexadecimal(*decided.fingerprint_key));
  if (decided.authentication_key)
    steps.emplace_back(set_authentication_key, cipher::hexadecimal(*decided.authentication_key));
  if (decided.database_id)
    steps.emplace_back(set_database_id, cipher::hexadecimal(*decided.database_id));
  if (decided.passphrase_cost)
    steps.emplace_back(set_passphrase_cost, std::to_string(*decided.passphrase_cost));
  add(remove_secrets, decided.remove_secrets);
  add(remove_models, decided.remove_models);
  add(remove_providers, decided.remove_providers);
  add(put_providers, decided.put_providers);
  add(put_models, decided.put_models);
  add(put_secrets, decided.put_secrets);
  return steps;
}

} // namespace

asio::awaitable<result<void>> make(postgres_connection::pointer connection, clock::time_point limit) {
  auto asking = format_of(connection, limit);
  auto const format = co_await std::move(asking);
  if (!format)
    co_return format.error();
  if (*format > 0)
    co_return result<void>();
  auto beginning = postgres_connection::execute(
      connection, std::string("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ") + lock_making, limit);
  auto const begun = co_await std::move(beginning);
  if (!begun)
    co_return begun;
  auto making = make_missing(connection, limit);
  auto const made = co_await std::move(making);
  auto ending = postgres_connection::execute(connection, made ? "COMMIT" : "ROLLBACK", limit);
  auto const ended = co_await std::move(ending);
  if (!made)
    co_return made;
  co_return ended;
}

asio::awaitable<result<std::int64_t>> read_revision(postgres_connection::pointer connection, clock::time_point limit) {
  auto asking = query_text(std::move(connection), find_revision, limit);
  auto const text = co_await std::move(asking);
  if (!text)
    co_return text.error();
  auto const revision = integer_in(*text);
  if (!revision)
    co_return not_ours();
  co_return *revision;
}

asio::awaitable<result<std::string>> read(postgres_connection::pointer connection, clock::time_point limit) {
  constexpr std::string_view undefined_column = "42703";
  for (bool is_first = true;; is_first = false) {
    auto asking = read_format(connection, limit);
    auto const format = co_await std::move(asking);
    if (!format)
      co_return format.error();
    auto reading = query_text(connection, read_statement(*format), limit);
    auto text = co_await std::move(reading);
    // Somebody has upgraded the tables in between.
    if (!is_first || text || text.error().error_code() != undefined_column)
      co_return text;
  }
}

asio::awaitable<result<void>> upgrade(postgres_connection::pointer connection, unsigned from, clock::time_point limit) {
  auto upgrading = postgres_connection::execute(std::move(connection), steps_from(from), limit);
  auto const upgraded = co_await std::move(upgrading);
  co_return upgraded;
}

result<snapshot> parse(std::string_view text) {
  auto const parsed = parse_json(text);
  auto const* const tables = parsed ? parsed->if_object() : nullptr;
  if (!tables)
    return not_ours();
  snapshot now;
  now.format = static_cast<unsigned>(find_integer(*tables, "version").value_or(0));
  now.revision = find_integer(*tables, "revision").value_or(0);
  now.salt = bytes_in(*tables, "salt");
  now.fingerprint_key = bytes_in(*tables, "fingerprint_key");
  now.authentication_key = bytes_in(*tables, "authentication_key");
  now.database_id = bytes_in(*tables, "database_id");
  now.passphrase_cost = find_integer(*tables, "passphrase_cost");
  if (!read_rows(*tables, "providers", now.providers) || !read_rows(*tables, "models", now.models) ||
      !read_rows(*tables, "secrets", now.secrets))
    return not_ours();
  return now;
}

std::string make_token() {
  char bytes[16];
  cipher::fill_random(bytes);
  return cipher::hexadecimal({bytes, sizeof bytes});
}

asio::awaitable<result<void>> lock(postgres_connection::pointer connection, clock::time_point limit) {
  std::vector<std::string> none;
  auto locking = postgres_connection::query(connection, lock_store, std::move(none), limit);
  auto const locked = co_await std::move(locking);
  if (!locked)
    co_return locked.error();
  if (locked->size() != 1)
    co_return lost_row(*connection);
  co_return result<void>();
}

asio::awaitable<result<bool>> was_made(postgres_connection::pointer connection, std::string token,
                                       clock::time_point limit) {
  std::vector<std::string> parameters(1, token);
  auto asking = postgres_connection::query(connection, find_change, std::move(parameters), limit);
  auto const rows = co_await std::move(asking);
  if (!rows)
    co_return rows.error();
  co_return rows->size() == 1 && rows->text(0, 0) == "t";
}

asio::awaitable<result<void>> lock_for_upgrade(postgres_connection::pointer connection, clock::time_point limit) {
  auto locking =
      postgres_connection::execute(std::move(connection), "LOCK TABLE claudio.store IN ACCESS EXCLUSIVE MODE", limit);
  auto const locked = co_await std::move(locking);
  co_return locked;
}

asio::awaitable<result<void>> write(postgres_connection::pointer connection, unsigned format,
                                    std::shared_ptr<changes const> decided, std::string token,
                                    clock::time_point limit) {
  std::vector<std::string> own_token(1, token);
  auto noting = postgres_connection::query(connection, note_change, std::move(own_token), limit);
  auto const noted = co_await std::move(noting);
  if (!noted)
    co_return noted.error();
  std::vector<std::string> none;
  auto counting = postgres_connection::query(connection, count_change, std::move(none), limit);
  auto const counted = co_await std::move(counting);
  if (!counted)
    co_return counted.error();
  auto const steps = steps_of(format, *decided);
  for (auto const& step : steps) {
    std::vector<std::string> parameters(1, step.parameter);
    auto writing = postgres_connection::query(connection, step.statement, std::move(parameters), limit);
    auto const written = co_await std::move(writing);
    if (!written)
      co_return written.error();
  }
  co_return result<void>();
}

} // namespace claudio::postgres_tables
