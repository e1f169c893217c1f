#pragma once

#include "store/backend.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>

namespace claudio {

/// Keeps the tables in a PostgreSQL database. It connects with the first operation; what is handed over is called on
/// another thread, so that the event loop goes on. A server that goes away is waited for, for some seconds: only then
/// operations fail.
class postgres_backend final : public store_backend {
public:
  /// Errors: `errc::configuration` for what is no such address.
  static result<std::unique_ptr<store_backend>> make(boost::asio::any_io_executor executor, std::string const& url);

  boost::asio::awaitable<result<void>> read(reader use) override;
  boost::asio::awaitable<result<void>> change(decision decide) override;
  boost::asio::awaitable<result<std::string>> upgrade(decision decide) override;
  boost::asio::awaitable<result<void>> wait_for_change(std::int64_t seen) override;
  boost::asio::awaitable<result<void>> forget_overwritten() override;

private:
  class tables;
  explicit postgres_backend(std::shared_ptr<tables> made) : tables_(std::move(made)) {}

  std::shared_ptr<tables> tables_;
};

} // namespace claudio
