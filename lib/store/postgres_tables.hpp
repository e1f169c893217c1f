#pragma once

#include "postgres/connection.hpp"
#include "store/backend.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

/// A store's tables in PostgreSQL, in the schema `claudio`.
namespace claudio::postgres_tables {

using clock = postgres_connection::clock;

/// Makes the tables of a new database, and brings those of an older version up to this one; for tables of this version
/// it needs to read only. Any number of processes may do so at once. Errors: those of the connection; `errc::storage`
/// for a database of a newer version.
boost::asio::awaitable<result<void>> migrate(postgres_connection::pointer connection, clock::time_point limit);

boost::asio::awaitable<result<std::int64_t>> read_revision(postgres_connection::pointer connection,
                                                           clock::time_point limit);

/// All tables at one moment, as the text for `parse`.
boost::asio::awaitable<result<std::string>> read(postgres_connection::pointer connection, clock::time_point limit);
/// Takes its time: for another thread than the event loop's.
result<snapshot> parse(std::string_view text);

/// In a transaction that has locked the row of the table `store`.
boost::asio::awaitable<result<void>> write(postgres_connection::pointer connection,
                                           std::shared_ptr<changes const> decided, clock::time_point limit);

/// Notifications of this channel are sent with each change.
constexpr char const* channel = "claudio_store";

} // namespace claudio::postgres_tables
