#pragma once

#include <claudio/error.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace claudio {

class sqlite_statement;

/// The medium is read-only or full, the folder another user's, or the device fails.
constexpr std::string_view unwritable_code = "unwritable";

/// A connection to a SQLite database, for one thread. Errors of all members: `errc::storage`, in words that tell what
/// to do, with `error_code()` `unwritable_code` when SQLite could not write what it has to; `errc::cancelled`.
class sqlite_database {
public:
  sqlite_database() = default;

  /// Opens a file, which is made for its owner only when it is not there.
  static result<sqlite_database> open(std::string const& path);

  /// Opens a file that nobody changes meanwhile, to read it: without locks, and without a file beside it.
  static result<sqlite_database> open_immutable(std::string const& path);
  /// Opens a copy, which messages call by the file that it was made of.
  static result<sqlite_database> open_copy(std::string const& path, std::string const& copy);

  /// Whether SQLite's file is not the one that its path leads to.
  bool has_moved() const;

  /// Runs statements that give no rows.
  result<void> execute(std::string const& sql);
  result<sqlite_statement> prepare(std::string_view sql);
  /// The first column of the first row.
  result<std::int64_t> integer(std::string_view sql);

  /// While it is set, waiting for a lock that another process has is given up.
  void watch(std::atomic<bool> const* cancelled) noexcept;

  error failure(std::string_view doing) const;
  /// What messages call it: `the database "PATH"`.
  std::string name() const;

private:
  struct close {
    void operator()(sqlite3* opened) const noexcept;
  };
  struct lock_wait {
    std::atomic<bool> const* cancelled = nullptr;
    int waited_ms = 0;
  };

  static result<sqlite_database> open(std::string const& path, std::string const& name, int flags);
  static int wait_for_lock(void* waiting, int times) noexcept;
  bool is_cancelled() const noexcept { return wait_->cancelled && *wait_->cancelled; }

  std::string path_;
  std::unique_ptr<lock_wait> wait_;
  std::unique_ptr<sqlite3, close> connection_;
};

/// A prepared statement. Parameters and columns count from 0.
class sqlite_statement {
public:
  sqlite_statement() = default;
  sqlite_statement(sqlite_database const& database, sqlite3_stmt* prepared);

  /// The text has to live until the next step. Failures show there.
  sqlite_statement& text(int parameter, std::string_view value);
  sqlite_statement& blob(int parameter, std::string_view value);
  sqlite_statement& integer(int parameter, std::optional<std::int64_t> value);

  /// Whether there is a row. After the last one the statement can be run again.
  result<bool> step();
  /// `step()` for what gives no row.
  result<void> run();

  std::string column_text(int column) const;
  std::int64_t column_integer(int column) const;
  std::optional<std::int64_t> column_optional(int column) const;

private:
  struct finalize {
    void operator()(sqlite3_stmt* prepared) const noexcept;
  };

  void note(int status) noexcept;

  sqlite_database const* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, finalize> prepared_;
  bool is_bound_ = true;
};

} // namespace claudio
