#pragma once

#include "postgres/connection.hpp"
#include "store/backend.hpp"

#include <boost/asio/awaitable.hpp>

/// The format of a store's tables in PostgreSQL: what they are made with, and brought from one to the next.
namespace claudio::postgres_tables {

using clock = postgres_connection::clock;

/// Makes the tables of a new database; those that are there stay as they are, and are only read. Any number of
/// processes may do so at once. Errors: those of the connection; `errc::storage` for a database of a newer version.
boost::asio::awaitable<result<void>> make(postgres_connection::pointer connection, clock::time_point limit);

/// Of tables that are there. Errors: as above.
boost::asio::awaitable<result<unsigned>> read_format(postgres_connection::pointer connection, clock::time_point limit);

/// In a transaction: keeps everybody from the table `store`, before it is locked as for a change. Who waits for the row
/// has a lock of the table too, so that the other order would be a deadlock.
boost::asio::awaitable<result<void>> lock_for_upgrade(postgres_connection::pointer connection, clock::time_point limit);
/// In a transaction with both locks: brings tables of an older format to the newest.
boost::asio::awaitable<result<void>> upgrade(postgres_connection::pointer connection, unsigned from,
                                             clock::time_point limit);

} // namespace claudio::postgres_tables
