#pragma once

#include "postgres/connection.hpp"
#include "store/backend.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

/// What is read from and written to a store's tables in PostgreSQL, in the schema `claudio`.
namespace claudio::postgres_tables {

using clock = postgres_connection::clock;

boost::asio::awaitable<result<std::int64_t>> read_revision(postgres_connection::pointer connection,
                                                           clock::time_point limit);

/// All tables at one moment, as the text for `parse`.
boost::asio::awaitable<result<std::string>> read(postgres_connection::pointer connection, clock::time_point limit);

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
