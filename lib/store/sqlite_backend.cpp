#include "store/sqlite_backend.hpp"

#include "store/sqlite_backup.hpp"
#include "store/sqlite_tables.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <system_error>
#include <unistd.h>

namespace claudio {
namespace asio = boost::asio;

namespace {

// Rolled back unless it is committed, also when an exception leaves it.
class transaction {
public:
  explicit transaction(sqlite_database& database) : database_(database) {}
  transaction(transaction const&) = delete;
  transaction& operator=(transaction const&) = delete;
  ~transaction() {
    if (is_open_)
      database_.execute("ROLLBACK");
  }

  result<void> begin(char const* how) {
    auto const begun = database_.execute(how);
    is_open_ = begun.has_value();
    return begun;
  }
  result<void> commit() {
    auto const committed = database_.execute("COMMIT");
    is_open_ = !committed;
    return committed;
  }

private:
  sqlite_database& database_;
  bool is_open_ = false;
};

result<void> in_transaction(sqlite_database& database, char const* begin,
                            std::function<result<void>(sqlite_database&)> const& work) {
  transaction all(database);
  if (auto const begun = all.begin(begin); !begun)
    return begun;
  if (auto const done = work(database); !done)
    return done;
  return all.commit();
}

// The wait for a lock is given up while this lives and the flag is set.
class watch_of {
public:
  watch_of(sqlite_database& database, std::atomic<bool> const& cancelled) : database_(database) {
    database_.watch(&cancelled);
  }
  watch_of(watch_of const&) = delete;
  watch_of& operator=(watch_of const&) = delete;
  ~watch_of() { database_.watch(nullptr); }

private:
  sqlite_database& database_;
};

// SQLite tells of a file that it can't make only that it is not there.
error why_unwritable(std::string const& path, error const& otherwise) {
  for (auto const& place : {path, std::filesystem::path(path).parent_path().string()})
    if (::faccessat(AT_FDCWD, place.c_str(), W_OK, AT_EACCESS) != 0 && errno != ENOENT)
      return error(errc::storage, "the database \"" + path + "\" can't be changed: \"" + place +
                                      "\" is read-only here (" + std::generic_category().message(errno) +
                                      "); the file and its folder have to be writable");
  return otherwise;
}

// SQLite does not wait when somebody else changes to it at the same moment; a transaction does.
result<void> use_write_ahead_log(sqlite_database& database) {
  constexpr int rounds = 20;
  auto set = database.execute("PRAGMA journal_mode = WAL");
  for (int round = 0; !set && round < rounds; ++round) {
    if (auto const waited = database.execute("BEGIN IMMEDIATE; COMMIT"); !waited)
      return waited;
    set = database.execute("PRAGMA journal_mode = WAL");
  }
  return set;
}

} // namespace

sqlite_backend::sqlite_backend(asio::execution_context& home, std::string path)
    : path_(std::filesystem::absolute(path).string()), worker_(home) {}

// No job owns this object: the coroutine that waits for it does.
asio::awaitable<result<void>> sqlite_backend::run(access wanted, operation work) {
  return worker_.run([this, wanted, work = std::move(work)](std::atomic<bool> const& cancelled) -> result<void> {
    return perform(wanted, work, cancelled);
  });
}

result<void> sqlite_backend::perform(access wanted, operation const& work, std::atomic<bool> const& cancelled) {
  constexpr int rounds = 5;
  for (int round = 0; round < rounds; ++round) {
    if (auto const is_in_place = check_in_place(); !is_in_place)
      return is_in_place;
    // It may be writable by now.
    if (snapshot_ && (wanted == access::change || !snapshot_->is_current()))
      snapshot_.reset();
    if (!database_ && !snapshot_)
      if (auto const opened = open(wanted, cancelled); !opened)
        return opened;
    auto& database = snapshot_ ? snapshot_->database() : *database_;
    watch_of const watched(database, cancelled);
    auto const done = work(database);
    // A change that went to a file that was removed meanwhile is not made.
    if (auto const is_in_place = check_in_place(); done && !is_in_place)
      return is_in_place;
    if (database_ && !log_.exists())
      log_ = file_state(log_path_);
    if (!snapshot_ || snapshot_->is_current())
      return done;
  }
  return error(errc::storage, "the database \"" + path_ +
                                  "\" is changed all the time by another process; reading it needs write access");
}

result<void> sqlite_backend::check_in_place() const {
  file_state const now(path_);
  if (log_.exists() && now.is_same_file(file_) && !file_state(log_path_).is_same_file(log_))
    return error(errc::storage, "the file \"" + log_path_ +
                                    "\", with what was changed last, was removed while the "
                                    "database was open; put it back, or restart this program");
  if (!file_.exists() || now.is_same_file(file_))
    return {};
  return error(errc::storage, "the database \"" + path_ + "\" was " + (now.exists() ? "replaced" : "removed") +
                                  " while it was open; put the file back, or restart this program to use another one");
}

result<void> sqlite_backend::open(access wanted, std::atomic<bool> const& cancelled) {
  auto opened = open_for_changes(cancelled);
  if (!opened && wanted == access::read && opened.error().error_code() == unwritable_code) {
    auto const snapshot = open_as_it_is();
    opened = snapshot ? snapshot : opened.error().with_note(snapshot.error().message());
  } else if (!opened && wanted == access::change && opened.error().error_code() == unwritable_code) {
    opened = why_unwritable(path_, opened.error());
  }
  if (!opened)
    return opened;
  if (!file_.exists()) {
    file_ = file_state(path_);
    log_path_ = std::filesystem::weakly_canonical(path_).string() + "-wal";
  }
  if (database_ && database_->has_moved()) {
    database_.reset();
    return error(errc::storage, "the database \"" + path_ + "\" was replaced while it was opened; try again");
  }
  return {};
}

result<void> sqlite_backend::open_as_it_is() {
  auto snapshot = sqlite_snapshot::open(path_);
  if (!snapshot)
    return snapshot.error();
  if (auto const set = snapshot->database().execute("PRAGMA trusted_schema = OFF"); !set)
    return set;
  if (auto const made = make_tables(snapshot->database()); !made)
    return made;
  snapshot_.emplace(std::move(*snapshot));
  return {};
}

result<void> sqlite_backend::open_for_changes(std::atomic<bool> const& cancelled) {
  auto opened = sqlite_database::open(path_);
  if (!opened)
    return opened.error();
  watch_of const watched(*opened, cancelled);
  // A commit is on the disk when it is reported, and what was overwritten is gone.
  if (auto const set =
          opened->execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; "
                          "PRAGMA trusted_schema = OFF");
      !set)
    return set;
  if (auto const made = make_tables(*opened); !made)
    return made;
  // Only now: it changes the file, which could have been another program's.
  if (auto const set = use_write_ahead_log(*opened); !set)
    return set;
  database_.emplace(std::move(*opened));
  return {};
}

asio::awaitable<result<void>> sqlite_backend::read(reader use) {
  return run(access::read, [use = std::move(use)](sqlite_database& database) {
    return in_transaction(database, "BEGIN", [&](sqlite_database& within) -> result<void> {
      auto const now = read_tables(within);
      return now ? use(*now) : now.error();
    });
  });
}

asio::awaitable<result<void>> sqlite_backend::change(decision decide) {
  return run(access::change, [decide = std::move(decide)](sqlite_database& database) {
    return in_transaction(database, "BEGIN IMMEDIATE", [&](sqlite_database& within) -> result<void> {
      auto const now = read_tables(within);
      if (!now)
        return now.error();
      auto const decided = decide(*now);
      if (!decided)
        return decided.error();
      return decided->empty() ? result<void>() : write_tables(within, now->format, *decided);
    });
  });
}

asio::awaitable<result<std::string>> sqlite_backend::upgrade(decision decide) {
  auto const copy = std::make_shared<std::string>();
  auto upgrading = run(access::change, [this, copy, decide = std::move(decide)](sqlite_database& database) {
    return in_transaction(database, "BEGIN IMMEDIATE", [&](sqlite_database& within) -> result<void> {
      auto const now = read_tables(within);
      if (!now)
        return now.error();
      if (now->format == newest_format)
        return {};
      auto const decided = decide(*now);
      if (!decided)
        return decided.error();
      // Nobody else can write before this transaction ends.
      auto copied = back_up(path_, path_ + ".format-" + std::to_string(now->format));
      if (!copied)
        return copied.error();
      *copy = std::move(*copied);
      if (auto const upgraded = upgrade_tables(within, now->format); !upgraded)
        return upgraded;
      return write_tables(within, newest_format, *decided);
    });
  });
  auto const upgraded = co_await std::move(upgrading);
  if (!upgraded)
    co_return upgraded.error();
  co_return *copy;
}

// SQLite tells nobody; to look costs some microseconds.
asio::awaitable<result<void>> sqlite_backend::wait_for_change(std::int64_t seen) {
  constexpr std::chrono::milliseconds pause{300};
  asio::steady_timer timer(co_await asio::this_coro::executor);
  auto const revision = std::make_shared<std::int64_t>(seen);
  while (true) {
    auto looking = run(access::read, [revision](sqlite_database& database) -> result<void> {
      auto const now = database.integer("SELECT revision FROM store");
      if (!now)
        return now.error();
      *revision = *now;
      return {};
    });
    auto const looked = co_await std::move(looking);
    if (!looked || *revision != seen)
      co_return looked;
    timer.expires_after(pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<result<void>> sqlite_backend::forget_overwritten() {
  return run(access::change, [](sqlite_database& database) -> result<void> {
    // It does what it can beside the readers of other processes, and says so in a row.
    auto const busy = database.integer("PRAGMA wal_checkpoint(TRUNCATE)");
    return busy ? result<void>() : busy.error();
  });
}

} // namespace claudio
