#pragma once

#include "postgres/connection.hpp"
#include "store/backend.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

/// A store's tables in PostgreSQL, in the schema `claudio`.
namespace claudio::postgres_tables {

using clock = postgres_connection::clock;

/// Makes the tables of a new database; those that are there stay as they are, and are only read. Any number of
/// processes may do so at once. Errors: those of the connection; `errc::storage` for a database of a newer version.
boost::asio::awaitable<result<void>> make(postgres_connection::pointer connection, clock::time_point limit);

/// In a transaction: keeps everybody from the table `store`, before it is locked as for a change. Who waits for the row
/// has a lock of the table too, so that the other order would be a deadlock.
boost::asio::awaitable<result<void>> lock_for_upgrade(postgres_connection::pointer connection, clock::time_point limit);
/// In a transaction with both locks: brings tables of an older format to the newest.
boost::asio::awaitable<result<void>> upgrade(postgres_connection::pointer connection, unsigned from,
                                             clock::time_point limit);

boost::asio::awaitable<result<std::int64_t>> read_revision(postgres_connection::pointer connection,
                                                           clock::time_point limit);

/// All tables at one moment, as the text for `parse`.
boost::asio::awaitable<result<std::string>> read(postgres_connection::pointer connection, clock::time_point limit);
/// Takes its time: for another thread than the event loop's.
result<snapshot> parse(std::string_view text);

/// In a transaction: locks the row of the table `store`, as all do who change something.
boost::asio::awaitable<result<void>> lock(postgres_connection::pointer connection, clock::time_point limit);
/// In a transaction that has the lock, to tables of that format. The token tells later that this change was made, when
/// nobody has heard: a transaction's number does not, since a server that crashed gives it to another one.
boost::asio::awaitable<result<void>> write(postgres_connection::pointer connection, unsigned format,
                                           std::shared_ptr<changes const> decided, std::string token,
                                           clock::time_point limit);
boost::asio::awaitable<result<bool>> was_made(postgres_connection::pointer connection, std::string token,
                                              clock::time_point limit);
std::string make_token();

/// Notifications of this channel are sent with each change.
constexpr char const* channel = "claudio_store";

} // namespace claudio::postgres_tables
