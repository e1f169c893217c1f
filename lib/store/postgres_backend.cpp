#include "store/postgres_backend.hpp"

#include "postgres/pool.hpp"
#include "runtime/on_home.hpp"
#include "store/postgres_tables.hpp"
#include "store/worker.hpp"

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

// With the row of the table `store`, which all who change something lock. The transaction's number tells later whether
// it was committed.
constexpr postgres_statement lock_store{"claudio_lock_store",
                                        "SELECT pg_current_xact_id()::text FROM claudio.store FOR UPDATE"};
constexpr postgres_statement find_outcome{"claudio_find_outcome", "SELECT pg_xact_status($1::text::xid8)"};

// A change that is being made, perhaps by one connection after the other.
class pending_change {
public:
  explicit pending_change(store_backend::decision to_ask) : decide(std::move(to_ask)) {}

  store_backend::decision decide;
  std::shared_ptr<changes> decided;
  std::string text;
  std::string transaction; // whose COMMIT was sent, and not answered
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
        watchers(std::make_shared<postgres_pool>(executor, address, 0)),
        deciding(asio::query(executor, asio::execution::context)) {}

  static asio::awaitable<result<void>> read(std::shared_ptr<tables> self, reader use);
  static asio::awaitable<result<void>> change(std::shared_ptr<tables> self, decision decide);
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
  static asio::awaitable<result<bool>> was_committed(std::shared_ptr<pending_change> pending, pointer connection,
                                                     clock::time_point limit);
  static asio::awaitable<result<void>> wait_on(std::shared_ptr<tables> self, std::int64_t seen, pointer connection);

  std::shared_ptr<postgres_pool> const connections;
  std::shared_ptr<postgres_pool> const watchers;
  worker deciding;
  bool prepared = false;
};

asio::awaitable<result<void>> postgres_backend::tables::prepare(std::shared_ptr<tables> self, pointer connection,
                                                                clock::time_point limit) {
  if (self->prepared)
    co_return result<void>();
  auto migrating = postgres_tables::migrate(std::move(connection), limit);
  auto const migrated = co_await std::move(migrating);
  self->prepared = self->prepared || migrated.has_value();
  co_return migrated;
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

asio::awaitable<result<bool>> postgres_backend::tables::was_committed(std::shared_ptr<pending_change> pending,
                                                                      pointer connection, clock::time_point limit) {
  std::vector<std::string> parameters(1, pending->transaction);
  auto asking = postgres_connection::query(connection, find_outcome, std::move(parameters), limit);
  auto const rows = co_await std::move(asking);
  if (!rows)
    co_return rows.error();
  auto const status = rows->size() == 1 ? rows->text(0, 0) : std::string_view();
  if (status == "in progress") {
    // The server has not noticed yet that the connection broke. As if none could be had: it is asked again.
    error_details details;
    details.message = connection->name() + " does not know yet whether a change was made";
    details.error_code = "08007";
    co_return error(errc::storage, 0, std::move(details));
  }
  co_return status == "committed";
}

// What is decided is known when the row is locked, so that nobody else can change anything until it is written.
asio::awaitable<result<void>> postgres_backend::tables::decide_on(std::shared_ptr<tables> self,
                                                                  std::shared_ptr<pending_change> pending,
                                                                  pointer connection, clock::time_point limit) {
  auto reading = postgres_tables::read(connection, limit);
  auto text = co_await std::move(reading);
  if (!text)
    co_return text.error();
  pending->text = std::move(*text);
  worker::job const job = [pending](std::atomic<bool> const&) -> result<void> {
    auto const now = postgres_tables::parse(pending->text);
    if (!now)
      return now.error();
    auto decided = pending->decide(*now);
    if (!decided)
      return decided.error();
    pending->decided = std::make_shared<changes>(std::move(*decided));
    return {};
  };
  auto deciding = self->deciding.run(job);
  auto const decided = co_await std::move(deciding);
  if (!decided || pending->decided->empty())
    co_return decided;
  auto writing = postgres_tables::write(connection, pending->decided, limit);
  auto const written = co_await std::move(writing);
  co_return written;
}

asio::awaitable<result<void>> postgres_backend::tables::change_on(std::shared_ptr<tables> self,
                                                                  std::shared_ptr<pending_change> pending,
                                                                  pointer connection, clock::time_point limit) {
  if (!pending->transaction.empty()) {
    auto asking = was_committed(pending, connection, limit);
    auto const committed = co_await std::move(asking);
    if (!committed)
      co_return committed.error();
    if (*committed)
      co_return result<void>();
    pending->transaction.clear();
  }
  auto preparing = prepare(self, connection, limit);
  auto const ready = co_await std::move(preparing);
  if (!ready)
    co_return ready;
  auto beginning = postgres_connection::execute(connection, "BEGIN", limit);
  auto const begun = co_await std::move(beginning);
  if (!begun)
    co_return begun;
  std::vector<std::string> none;
  auto locking = postgres_connection::query(connection, lock_store, std::move(none), limit);
  auto const locked = co_await std::move(locking);
  result<void> done;
  if (!locked) {
    done = lock_is_taken(locked.error());
  } else {
    auto deciding = decide_on(self, pending, connection, limit);
    done = co_await std::move(deciding);
  }
  bool const is_commit = done && !pending->decided->empty();
  if (is_commit)
    pending->transaction = locked->size() == 1 ? locked->text(0, 0) : std::string_view();
  auto ending = postgres_connection::execute(connection, is_commit ? "COMMIT" : "ROLLBACK", limit);
  auto const ended = co_await std::move(ending);
  if (!done)
    co_return done;
  if (ended || !is_lost_connection(ended.error()))
    pending->transaction.clear();
  co_return ended;
}

asio::awaitable<result<void>> postgres_backend::tables::change(std::shared_ptr<tables> self, decision decide) {
  auto const pending = std::make_shared<pending_change>(std::move(decide));
  auto const limit = clock::now() + time_for_an_operation;
  postgres_pool::work const work = [self, pending, limit](pointer connection) {
    return change_on(self, pending, std::move(connection), limit);
  };
  auto running = postgres_pool::run(self->connections, work, limit);
  auto const outcome = co_await std::move(running);
  if (!outcome && !pending->transaction.empty())
    co_return outcome.error().with_note("whether the change was made is not known");
  co_return outcome;
}

asio::awaitable<result<void>> postgres_backend::tables::wait_on(std::shared_ptr<tables> self, std::int64_t seen,
                                                                pointer connection) {
  auto preparing = prepare(self, connection, clock::now() + time_for_an_operation);
  auto const ready = co_await std::move(preparing);
  if (!ready)
    co_return ready;
  auto listening = postgres_connection::execute(connection, std::string("LISTEN ") + postgres_tables::channel,
                                                clock::now() + look_anyway_after);
  auto const listens = co_await std::move(listening);
  if (!listens)
    co_return listens;
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
  postgres_pool::work const work = [self, seen](pointer connection) {
    return wait_on(self, seen, std::move(connection));
  };
  auto running = postgres_pool::run(self->watchers, work, clock::now() + time_to_come_back);
  auto const outcome = co_await std::move(running);
  co_return outcome;
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
  return on_home<void>(tables_->home, tables::change(tables_, std::move(decide)));
}

asio::awaitable<result<void>> postgres_backend::wait_for_change(std::int64_t seen) {
  return on_home<void>(tables_->home, tables::wait_for_change(tables_, seen));
}

asio::awaitable<result<void>> postgres_backend::forget_overwritten() {
  return on_home<void>(tables_->home, tables::forget_overwritten(tables_));
}

} // namespace claudio
