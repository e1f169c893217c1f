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

/// In a transaction: locks the row of the table `store`, as all do who change something.
boost::asio::awaitable<result<void>> lock(postgres_connection::pointer connection, clock::time_point limit);
/// In a transaction that has the lock. The token tells later that this change was made, when nobody has heard: a
/// transaction's number does not, since a server that crashed gives it to another one.
boost::asio::awaitable<result<void>> write(postgres_connection::pointer connection,
                                           std::shared_ptr<changes const> decided, std::string token,
                                           clock::time_point limit);
boost::asio::awaitable<result<bool>> was_made(postgres_connection::pointer connection, std::string token,
                                              clock::time_point limit);
std::string make_token();

/// Notifications of this channel are sent with each change.
constexpr char const* channel = "claudio_store";

} // namespace claudio::postgres_tables
