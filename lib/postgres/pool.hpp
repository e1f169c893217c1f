#pragma once

#include "async/semaphore.hpp"
#include "postgres/connector.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace claudio {

/// Connections to one database that are kept and used again. For one serial executor.
class postgres_pool : public std::enable_shared_from_this<postgres_pool> {
public:
  using clock = postgres_connection::clock;
  using work = std::function<boost::asio::awaitable<result<void>>(postgres_connection::pointer)>;

  /// @param most that are in use at once; 0: any number. Those whose work was cancelled, and who end it, come on top.
  postgres_pool(boost::asio::any_io_executor executor, std::shared_ptr<postgres_address const> address,
                std::size_t most);

  /// Does something on a connection. When the connection breaks, or none can be had, it is done again on another one,
  /// after pauses that double, while there is time: it must be such as can be repeated. Cancelled work leaves its
  /// connection usable: the server is asked to end what it does, and an open transaction is rolled back.
  /// Errors: those of the work; `errc::storage` when there is no connection until `limit`.
  static boost::asio::awaitable<result<void>> run(std::shared_ptr<postgres_pool> self, work job,
                                                  clock::time_point limit);

  /// The connections that wait for use.
  std::size_t idle() const noexcept { return idle_.size(); }
  std::string name() const { return connector_->name(); }

private:
  class lease;
  static boost::asio::awaitable<result<postgres_connection::pointer>> take(std::shared_ptr<postgres_pool> self,
                                                                           clock::time_point limit);
  static boost::asio::awaitable<void> recover(std::shared_ptr<postgres_pool> self, postgres_connection::pointer left);
  void put_back(postgres_connection::pointer used);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<postgres_connector> connector_;
  std::size_t most_idle_;
  semaphore turns_;
  std::vector<postgres_connection::pointer> idle_; // the last one was used last
  std::size_t recovering_ = 0;
};

} // namespace claudio
