#include "store/postgres_backend.hpp"

#include "async/on_home.hpp"
#include "async/worker.hpp"
#include "postgres/pool.hpp"
#include "store/postgres_format.hpp"
#include "store/postgres_rows.hpp"
#include "store/postgres_tables.hpp"

#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>

namespace claudio {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = postgres_connection::clock;
using pointer = postgres_connection::pointer;

namespace {

constexpr std::size_t most_connections = 4;
constexpr auto time_for_an_operation = 10s;
// A server that restarts is back by then; one that is not is worth a word to whoever waits for changes.
constexpr auto time_to_come_back = 3s;
// A notification is not lost but with its connection, and this notices one that is lost.
constexpr auto look_anyway_after = 5s;

// What a database or role has as defaults is not meant for this.
constexpr char const* begin_change = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

// A change that is being made, perhaps by one connection after the other.
class pending_change {
public:
  pending_change(store_backend::decision to_ask, bool is_to_upgrade)
      : decide(std::move(to_ask)), is_upgrade(is_to_upgrade) {}

  store_backend::decision decide;
  bool const is_upgrade;
  unsigned format = newest_format; // of the tables, as they are
  std::shared_ptr<changes> decided;
  std::string text;
  std::string const token = postgres_tables::make_token(); // by which the tables tell that it was made
  bool was_sent = false;                                   // a COMMIT that was not answered
};

error lock_is_taken(error const& failure) {
  constexpr std::string_view lock_not_available = "55P03";
  return failure.error_code() == lock_not_available ? failure.with_note("another process is changing it") : failure;
}

} // namespace

class postgres_backend::tables {
public:
  tables(asio::any_io_executor executor, std::shared_ptr<postgres_address const> address)
      : home(executor), connections(std::make_shared<postgres_pool>(executor, address, most_connections)),
        watchers(std::make_shared<postgres_pool>(executor, address, 0)), changing(executor, 1),
        deciding(asio::query(executor, asio::execution::context)) {}

  static asio::awaitable<result<void>> read(std::shared_ptr<tables> self, reader use);
  static asio::awaitable<result<void>> change(std::shared_ptr<tables> self, decision decide, bool is_upgrade);
  static asio::awaitable<result<void>> wait_for_change(std::shared_ptr<tables> self, std::int64_t seen);
  static asio::awaitable<result<void>> forget_overwritten(std::shared_ptr<tables> self);

  asio::any_io_executor const home;

private:
  static asio::awaitable<result<void>> prepare(std::shared_ptr<tables> self, pointer connection,
                                               clock::time_point limit);
  static asio::awaitable<result<void>> read_on(std::shared_ptr<tables> self, std::shared_ptr<reader const> use,
                                               pointer connection, clock::time_point limit);
  static asio::awaitable<result<void>> change_on(std::shared_ptr<tables> self, std::shared_ptr<pending_change> pending,
                                                 pointer connection, clock::time_point limit);
  static asio::awaitable<result<void>> decide_on(std::shared_ptr<tables> self, std::shared_ptr<pending_change> pending,
                                                 pointer connection, clock::time_point limit);
  static asio::awaitable<result<void>> wait_on(std::shared_ptr<tables> self, std::int64_t seen, pointer connection,
                                               std::shared_ptr<clock::time_point> listening_since);

  std::shared_ptr<postgres_pool> const connections;
  std::shared_ptr<postgres_pool> const watchers;
  semaphore changing; // one at a time, which leaves connections to those who read
  worker deciding;
  bool prepared = false;
};

asio::awaitable<result<void>> postgres_backend::tables::prepare(std::shared_ptr<tables> self, pointer connection,
                                                                clock::time_point limit) {
  if (self->prepared)
    co_return result<void>();
  auto making = postgres_tables::make(std::move(connection), limit);
  auto const made = co_await std::move(making);
  self->prepared = self->prepared || made.has_value();
  co_return made;
}

asio::awaitable<result<void>> postgres_backend::tables::read_on(std::shared_ptr<tables> self,
                                                                std::shared_ptr<reader const> use, pointer connection,
                                                                clock::time_point limit) {
  auto preparing = prepare(self, connection, limit);
  auto const ready = co_await std::move(preparing);
  if (!ready)
    co_return ready;
  auto reading = postgres_tables::read(connection, limit);
  auto text = co_await std::move(reading);
  if (!text)
    co_return text.error();
  auto const seen = std::make_shared<std::string>(std::move(*text));
  worker::job const job = [use, seen](std::atomic<bool> const&) -> result<void> {
    auto const now = postgres_tables::parse(*seen);
    return now ? (*use)(*now) : now.error();
  };
  auto using_it = self->deciding.run(job);
  auto const used = co_await std::move(using_it);
  co_return used;
}

asio::awaitable<result<void>> postgres_backend::tables::read(std::shared_ptr<tables> self, reader use) {
  auto const shared = std::make_shared<reader const>(std::move(use));
  auto const limit = clock::now() + time_for_an_operation;
  postgres_pool::work const work = [self, shared, limit](pointer connection) {
    return read_on(self, shared, std::move(connection), limit);
  };
  auto running = postgres_pool::run(self->connections, work, limit);
  auto const outcome = co_await std::move(running);
  co_return outcome;
}

// In a transaction. When the row is locked nobody else can change anything until it ends, nor can an earlier try of
// this change still be going on: either it was made, or it never will be.
asio::awaitable<result<void>> postgres_backend::tables::decide_on(std::shared_ptr<tables> self,
                                                                  std::shared_ptr<pending_change> pending,
                                                                  pointer connection, clock::time_point limit) {
  if (pending->is_upgrade) {
    auto keeping_off = postgres_tables::lock_for_upgrade(connection, limit);
    auto const kept_off = co_await std::move(keeping_off);
    if (!kept_off)
      co_return lock_is_taken(kept_off.error());
  }
  auto locking = postgres_tables::lock(connection, limit);
  auto const locked = co_await std::move(locking);
  if (!locked)
    co_return lock_is_taken(locked.error());
  if (pending->was_sent) {
    auto asking = postgres_tables::was_made(connection, pending->token, limit);
    auto const made = co_await std::move(asking);
    if (!made)
      co_return made.error();
    pending->was_sent = false;
    if (*made) {
      pending->decided = std::make_shared<changes>();
      co_return result<void>();
    }
  }
  auto reading = postgres_tables::read(connection, limit);
  auto text = co_await std::move(reading);
  if (!text)
    co_return text.error();
  pending->text = std::move(*text);
  worker::job const job = [pending](std::atomic<bool> const&) -> result<void> {
    auto const now = postgres_tables::parse(pending->text);
    if (!now)
      return now.error();
    pending->format = now->format;
    bool const is_done = pending->is_upgrade && now->format == newest_format;
    auto decided = is_done ? changes() : pending->decide(*now);
    if (!decided)
      return decided.error();
    pending->decided = std::make_shared<changes>(std::move(*decided));
    return {};
  };
  auto deciding = self->deciding.run(job);
  auto const decided = co_await std::move(deciding);
  if (!decided || pending->decided->empty())
    co_return decided;
  if (pending->is_upgrade) {
    auto upgrading = postgres_tables::upgrade(connection, pending->format, limit);
    auto const upgraded = co_await std::move(upgrading);
    if (!upgraded)
      co_return upgraded;
    pending->format = newest_format;
  }
  auto writing = postgres_tables::write(connection, pending->format, pending->decided, pending->token, limit);
  auto const written = co_await std::move(writing);
  co_return written;
}

asio::awaitable<result<void>> postgres_backend::tables::change_on(std::shared_ptr<tables> self,
                                                                  std::shared_ptr<pending_change> pending,
                                                                  pointer connection, clock::time_point limit) {
  auto preparing = prepare(self, connection, limit);
  auto const ready = co_await std::move(preparing);
  if (!ready)
    co_return ready;
  auto beginning = postgres_connection::execute(connection, begin_change, limit);
  auto const begun = co_await std::move(beginning);
  if (!begun)
    co_return begun;
  auto deciding = decide_on(self, pending, connection, limit);
  auto const decided = co_await std::move(deciding);
  bool const is_commit = decided && !pending->decided->empty();
  pending->was_sent = pending->was_sent || is_commit;
  auto ending = postgres_connection::execute(connection, is_commit ? "COMMIT" : "ROLLBACK", limit);
  auto const ended = co_await std::move(ending);
  if (!decided)
    co_return decided;
  // Whether an empty change is rolled back is all the same.
  if (!is_commit)
    co_return result<void>();
  if (ended || !is_lost_connection(ended.error()))
    pending->was_sent = false;
  co_return ended;
}

asio::awaitable<result<void>> postgres_backend::tables::change(std::shared_ptr<tables> self, decision decide,
                                                               bool is_upgrade) {
  auto const pending = std::make_shared<pending_change>(std::move(decide), is_upgrade);
  auto const limit = clock::now() + time_for_an_operation;
  semaphore::permit turn(self->changing);
  auto waiting = turn.wait(limit);
  auto const granted = co_await std::move(waiting);
  if (granted == wait_outcome::late)
    co_return error(errc::storage, "other changes of this process to " + self->connections->name() + " take too long");
  postgres_pool::work const work = [self, pending, limit](pointer connection) {
    return change_on(self, pending, std::move(connection), limit);
  };
  auto running = postgres_pool::run(self->connections, work, limit);
  auto const outcome = co_await std::move(running);
  if (!outcome && pending->was_sent)
    co_return outcome.error().with_note("whether the change was made is not known");
  co_return outcome;
}

asio::awaitable<result<void>> postgres_backend::tables::wait_on(std::shared_ptr<tables> self, std::int64_t seen,
                                                                pointer connection,
                                                                std::shared_ptr<clock::time_point> listening_since) {
  auto preparing = prepare(self, connection, clock::now() + time_for_an_operation);
  auto const ready = co_await std::move(preparing);
  if (!ready)
    co_return ready;
  auto listening = postgres_connection::execute(connection, std::string("LISTEN ") + postgres_tables::channel,
                                                clock::now() + look_anyway_after);
  auto const listens = co_await std::move(listening);
  // A standby does not tell; it is looked at.
  constexpr std::string_view read_only = "25006";
  if (!listens && listens.error().error_code() != read_only)
    co_return listens;
  *listening_since = clock::now();
  while (true) {
    auto looking = postgres_tables::read_revision(connection, clock::now() + look_anyway_after);
    auto const revision = co_await std::move(looking);
    if (!revision)
      co_return revision.error();
    if (*revision != seen)
      co_return result<void>();
    auto waiting = postgres_connection::wait_for_notification(connection, clock::now() + look_anyway_after);
    auto const notified = co_await std::move(waiting);
    if (!notified)
      co_return notified.error();
  }
}

asio::awaitable<result<void>> postgres_backend::tables::wait_for_change(std::shared_ptr<tables> self,
                                                                        std::int64_t seen) {
  auto const listening_since = std::make_shared<clock::time_point>(clock::time_point::max());
  postgres_pool::work const work = [self, seen, listening_since](pointer connection) {
    return wait_on(self, seen, std::move(connection), listening_since);
  };
  while (true) {
    *listening_since = clock::time_point::max();
    auto running = postgres_pool::run(self->watchers, work, clock::now() + time_to_come_back);
    auto const outcome = co_await std::move(running);
    // The time to come back begins when a connection breaks that was well.
    bool const was_well = clock::now() - time_to_come_back > *listening_since;
    if (outcome || !was_well || !is_lost_connection(outcome.error()))
      co_return outcome;
  }
}

asio::awaitable<result<void>> postgres_backend::tables::forget_overwritten(std::shared_ptr<tables> self) {
  auto const limit = clock::now() + time_for_an_operation;
  postgres_pool::work const work = [limit](pointer connection) {
    return postgres_connection::execute(std::move(connection), "VACUUM claudio.secrets, claudio.store", limit);
  };
  auto running = postgres_pool::run(self->connections, work, limit);
  // The server does it sooner or later without being asked.
  co_await std::move(running);
  co_return result<void>();
}

result<std::unique_ptr<store_backend>> postgres_backend::make(asio::any_io_executor executor, std::string const& url) {
  auto address = postgres_address::parse(url);
  if (!address)
    return address.error();
  auto shared = std::make_shared<postgres_address const>(std::move(*address));
  asio::any_io_executor home = asio::make_strand(std::move(executor));
  return std::unique_ptr<store_backend>(
      new postgres_backend(std::make_shared<tables>(std::move(home), std::move(shared))));
}

asio::awaitable<result<void>> postgres_backend::read(reader use) {
  return on_home<void>(tables_->home, tables::read(tables_, std::move(use)));
}

asio::awaitable<result<void>> postgres_backend::change(decision decide) {
  return on_home<void>(tables_->home, tables::change(tables_, std::move(decide), false));
}

// The server's own tools make copies.
asio::awaitable<result<std::string>> postgres_backend::upgrade(decision decide) {
  auto upgrading = on_home<void>(tables_->home, tables::change(tables_, std::move(decide), true));
  auto const upgraded = co_await std::move(upgrading);
  if (!upgraded)
    co_return upgraded.error();
  co_return std::string();
}

asio::awaitable<result<void>> postgres_backend::wait_for_change(std::int64_t seen) {
  return on_home<void>(tables_->home, tables::wait_for_change(tables_, seen));
}

asio::awaitable<result<void>> postgres_backend::forget_overwritten() {
  return on_home<void>(tables_->home, tables::forget_overwritten(tables_));
}

} // namespace claudio
