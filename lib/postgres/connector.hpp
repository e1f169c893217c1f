#pragma once

#include "postgres/connection.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace claudio {

/// Connects to one of a database's servers: the one that was had last, then the next ones. For one serial executor.
class postgres_connector {
public:
  using clock = postgres_connection::clock;

  postgres_connector(boost::asio::any_io_executor executor, std::shared_ptr<postgres_address const> address);

  /// Errors: those of the last server that was tried. One that says nothing takes no more than its share of the time.
  static boost::asio::awaitable<result<postgres_connection::pointer>> connect(std::shared_ptr<postgres_connector> self,
                                                                              clock::time_point limit);

  std::string name() const { return address_->name(); }

private:
  class lookup;
  static boost::asio::awaitable<result<std::vector<std::string>>>
  addresses_of(std::shared_ptr<postgres_connector> self, postgres_address::server where, clock::time_point limit);
  static boost::asio::awaitable<result<postgres_connection::pointer>>
  connect_to(std::shared_ptr<postgres_connector> self, postgres_address::server where, clock::time_point limit);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<postgres_address const> address_;
  std::size_t first_ = 0;                                  // of the servers
  std::map<std::string, std::shared_ptr<lookup>> lookups_; // that have not ended
};

} // namespace claudio
