#pragma once

#include "async/worker.hpp"
#include "store/backend.hpp"
#include "store/sqlite_database.hpp"
#include "store/sqlite_snapshot.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

namespace claudio {

/// Keeps the tables in a SQLite file. The file is opened with the first operation; where nothing can be written, it is
/// read as it is. Once it is removed or replaced every operation fails, until it is back.
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

  enum class access { read, change };

  boost::asio::awaitable<result<void>> run(access wanted, operation work);
  // These run on the worker.
  result<void> perform(access wanted, operation const& work, std::atomic<bool> const& cancelled);
  result<void> open(access wanted, std::atomic<bool> const& cancelled);
  result<void> open_for_changes(std::atomic<bool> const& cancelled);
  result<void> open_as_it_is();
  result<void> check_in_place() const;

  std::string path_; // absolute
  file_state file_;  // which file it was when it was opened first
  std::string log_path_;
  file_state log_; // the write-ahead log, which stays as long as somebody has the database open
  std::optional<sqlite_database> database_;
  std::optional<sqlite_snapshot> snapshot_; // in its place, where nothing can be written
  worker worker_;
};

} // namespace claudio
