#include "store/postgres_format.hpp"

#include "store/postgres_value.hpp"
#include "store/table_faults.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <array>

namespace claudio::postgres_tables {
namespace asio = boost::asio;

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

asio::awaitable<result<unsigned>> read_format(postgres_connection::pointer connection, clock::time_point limit) {
  auto asking = query_integer(connection, find_version, limit);
  auto const format = co_await std::move(asking);
  if (!format)
    co_return format.error();
  if (*format < oldest_format)
    co_return not_ours();
  if (*format > newest_format)
    co_return table_faults::newer_format(connection->name(), *format);
  co_return static_cast<unsigned>(*format);
}

asio::awaitable<result<void>> lock_for_upgrade(postgres_connection::pointer connection, clock::time_point limit) {
  auto locking =
      postgres_connection::execute(std::move(connection), "LOCK TABLE claudio.store IN ACCESS EXCLUSIVE MODE", limit);
  auto const locked = co_await std::move(locking);
  co_return locked;
}

asio::awaitable<result<void>> upgrade(postgres_connection::pointer connection, unsigned from, clock::time_point limit) {
  auto upgrading = postgres_connection::execute(std::move(connection), steps_from(from), limit);
  auto const upgraded = co_await std::move(upgrading);
  co_return upgraded;
}

} // namespace claudio::postgres_tables
