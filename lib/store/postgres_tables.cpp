#include "store/postgres_tables.hpp"

#include "store/postgres_format.hpp"
#include "store/postgres_rows.hpp"
#include "store/postgres_value.hpp"
#include "store/table_faults.hpp"
#include "vault/cipher.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace claudio::postgres_tables {
namespace asio = boost::asio;

namespace {

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

asio::awaitable<result<std::int64_t>> read_revision(postgres_connection::pointer connection, clock::time_point limit) {
  return query_integer(std::move(connection), find_revision, limit);
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
    co_return table_faults::lost_row(connection->name());
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
