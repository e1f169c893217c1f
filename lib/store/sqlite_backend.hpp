#pragma once

#include "store/backend.hpp"
#include "store/sqlite_database.hpp"
#include "store/worker.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

namespace claudio {

/// Keeps the tables in a SQLite file. The file is opened with the first operation.
class sqlite_backend final : public store_backend {
public:
  sqlite_backend(boost::asio::execution_context& home, std::string path);

  boost::asio::awaitable<result<void>> read(reader use) override;
  boost::asio::awaitable<result<void>> change(decision decide) override;
  boost::asio::awaitable<result<std::string>> upgrade(decision decide) override;
  boost::asio::awaitable<result<void>> wait_for_change(std::int64_t seen) override;
  boost::asio::awaitable<result<void>> forget_overwritten() override;

private:
  using operation = std::function<result<void>(sqlite_database& database)>;

  boost::asio::awaitable<result<void>> run(operation work);
  result<void> open(std::atomic<bool> const& cancelled);

  std::string path_;
  std::optional<sqlite_database> database_; // of the worker
  worker worker_;
};

} // namespace claudio
