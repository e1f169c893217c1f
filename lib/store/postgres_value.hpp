#pragma once

#include "postgres/connection.hpp"

#include <claudio/error.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>

/// Queries of one row and one column, without parameters, of a store's tables in PostgreSQL.
namespace claudio::postgres_tables {

using clock = postgres_connection::clock;

boost::asio::awaitable<result<std::string>> query_text(postgres_connection::pointer connection,
                                                       postgres_statement statement, clock::time_point limit);
boost::asio::awaitable<result<bool>> query_bool(postgres_connection::pointer connection, postgres_statement statement,
                                                clock::time_point limit);
boost::asio::awaitable<result<std::int64_t>> query_integer(postgres_connection::pointer connection,
                                                           postgres_statement statement, clock::time_point limit);

/// Tables that something else has made or changed.
error not_ours();

} // namespace claudio::postgres_tables
