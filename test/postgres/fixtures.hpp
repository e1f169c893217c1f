#pragma once

#include "postgres/connector.hpp"
#include "store/database.hpp"
#include "store/fixtures.hpp"
#include "support/call.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

namespace claudio::test {

/// For suites that need a server: a precondition.
inline boost::test_tools::assertion_result has_postgresql(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result has(std::getenv("CLAUDIO_TEST_POSTGRESQL") != nullptr);
  has.message() << "no server: run it with test/postgresql/with_server.sh";
  return has;
}

inline constexpr postgres_statement own_process{"own_process", "SELECT pg_backend_pid()"};

inline std::shared_ptr<postgres_address const> address_of(std::string const& url) {
  return std::make_shared<postgres_address const>(postgres_address::parse(url).value());
}

inline postgres_connection::clock::time_point in(std::chrono::milliseconds time) {
  return postgres_connection::clock::now() + time;
}

inline boost::asio::awaitable<result<postgres_connection::pointer>>
connecting_to(boost::asio::io_context& context, std::string const& url, std::chrono::milliseconds time) {
  return postgres_connector::connect(std::make_shared<postgres_connector>(context.get_executor(), address_of(url)),
                                     in(time));
}

inline result<postgres_rows> query(boost::asio::io_context& context, postgres_connection::pointer connection,
                                   postgres_statement statement,
                                   std::vector<std::string> parameters = std::vector<std::string>(),
                                   std::chrono::milliseconds time = std::chrono::seconds(10)) {
  return run(context, postgres_connection::query(std::move(connection), statement, std::move(parameters), in(time)));
}

/// An operation of which only the end matters: what Asio throws after a cancellation is for the outermost coroutine.
template <class T>
class ending {
public:
  ending(boost::asio::io_context& context, boost::asio::awaitable<result<T>> work) {
    auto ended = [this](std::exception_ptr, result<T> const&) { has_ended = true; };
    boost::asio::co_spawn(context, std::move(work), boost::asio::bind_cancellation_slot(signal.slot(), ended));
  }
  ending(ending const&) = delete;
  ending& operator=(ending const&) = delete;

  boost::asio::cancellation_signal signal;
  bool has_ended = false;
};

/// The server's port, for proxies in front of it.
inline unsigned short postgresql_port() {
  auto const address = address_of(postgresql_url("postgres"));
  return static_cast<unsigned short>(std::stoi(address->servers().front().port));
}

/// The same database by another port.
inline std::string by_port(std::string url, unsigned short port) {
  auto const from = ":" + std::to_string(postgresql_port());
  auto const at = url.find(from + "/");
  return url.replace(at, from.size(), ":" + std::to_string(port));
}

} // namespace claudio::test
