#include "postgres/pool.hpp"

#include "postgres/fixtures.hpp"
#include "store/operations.hpp"

#include <functional>

using namespace claudio;
using namespace claudio::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

constexpr postgres_statement sleep_for{"sleep_for", "SELECT pg_sleep($1::float)"};

std::shared_ptr<postgres_pool> pool_in(asio::io_context& context, std::size_t most, std::string const& url) {
  return std::make_shared<postgres_pool>(context.get_executor(), address_of(url), most);
}

asio::awaitable<result<void>> note_process(postgres_connection::pointer connection, std::string* into) {
  std::vector<std::string> none;
  auto asking = postgres_connection::query(std::move(connection), own_process, std::move(none), in(10s));
  auto const rows = co_await std::move(asking);
  if (!rows)
    co_return rows.error();
  *into = rows->text(0, 0);
  co_return result<void>();
}

asio::awaitable<result<void>> sleep_on(postgres_connection::pointer connection, std::string seconds,
                                       bool in_transaction) {
  if (in_transaction) {
    auto beginning = postgres_connection::execute(connection, "BEGIN", in(10s));
    auto const begun = co_await std::move(beginning);
    if (!begun)
      co_return begun;
  }
  std::vector<std::string> parameters(1, seconds);
  auto asking = postgres_connection::query(std::move(connection), sleep_for, std::move(parameters), in(10s));
  auto const rows = co_await std::move(asking);
  if (!rows)
    co_return rows.error();
  co_return result<void>();
}

std::string process_of(asio::io_context& context, std::shared_ptr<postgres_pool> const& pool) {
  std::string process;
  postgres_pool::work const work = [&](postgres_connection::pointer connection) {
    return note_process(std::move(connection), &process);
  };
  succeeds(run(context, postgres_pool::run(pool, work, in(10s))));
  return process;
}

postgres_pool::work sleeping(std::string const& seconds, bool in_transaction = false) {
  return
      [=](postgres_connection::pointer connection) { return sleep_on(std::move(connection), seconds, in_transaction); };
}

} // namespace

BOOST_AUTO_TEST_SUITE(postgres_pools, *boost::unit_test::precondition(has_postgresql))

BOOST_AUTO_TEST_CASE(connections_are_used_again) {
  asio::io_context context;
  auto const pool = pool_in(context, 4, postgresql_url("postgres"));
  auto const first = process_of(context, pool);
  BOOST_TEST(process_of(context, pool) == first);
  BOOST_TEST(pool->idle() == 1u);
}

BOOST_AUTO_TEST_CASE(there_are_not_more_than_allowed) {
  asio::io_context context;
  auto const pool = pool_in(context, 2, postgresql_url("postgres"));
  std::vector<std::unique_ptr<running<void>>> many;
  for (int i = 0; i < 10; ++i)
    many.push_back(std::make_unique<running<void>>(context, postgres_pool::run(pool, sleeping("0.02"), in(10s))));
  finish(context);
  for (auto const& one : many)
    succeeds(one->outcome());
  BOOST_TEST(pool->idle() == 2u);
  running<void> long_one(context, postgres_pool::run(pool, sleeping("0.5"), in(10s)));
  running<void> other(context, postgres_pool::run(pool, sleeping("0.5"), in(10s)));
  running<void> late(context, postgres_pool::run(pool, sleeping("0"), in(50ms)));
  finish(context);
  fails_with(late.outcome(), errc::storage, "all connections");
  succeeds(long_one.outcome());
}

BOOST_AUTO_TEST_CASE(what_was_cancelled_leaves_its_connection_usable) {
  for (bool const in_transaction : {false, true}) {
    asio::io_context context;
    auto const pool = pool_in(context, 2, postgresql_url("postgres"));
    auto const process = process_of(context, pool);
    ending<void> cancelled(context, postgres_pool::run(pool, sleeping("60", in_transaction), in(100s)));
    tick(context, 30);
    BOOST_TEST(!cancelled.has_ended);
    cancelled.signal.emit(asio::cancellation_type::terminal);
    auto const begin = std::chrono::steady_clock::now();
    finish(context);
    BOOST_TEST(cancelled.has_ended);
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 5s));
    // The one that was cancelled, and the one that told the server so.
    BOOST_TEST(pool->idle() == 2u);
    BOOST_TEST(process_of(context, pool) == process);
  }
}

BOOST_AUTO_TEST_CASE(many_cancellations_leave_no_more_connections_than_allowed) {
  asio::io_context context;
  auto const pool = pool_in(context, 4, postgresql_url("postgres"));
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<ending<void>>> many;
    for (int i = 0; i < 10; ++i)
      many.push_back(std::make_unique<ending<void>>(context, postgres_pool::run(pool, sleeping("60"), in(100s))));
    tick(context, 100);
    for (auto const& one : many)
      one->signal.emit(asio::cancellation_type::terminal);
    finish(context);
    BOOST_TEST(pool->idle() <= 4u);
  }
  BOOST_TEST(!process_of(context, pool).empty());
}

BOOST_AUTO_TEST_CASE(at_every_handler_a_cancellation_leaves_no_transaction) {
  asio::io_context other;
  auto const observer = pool_in(other, 1, postgresql_url("postgres"));
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 300; ++n) {
    asio::io_context context;
    auto const pool = pool_in(context, 1, postgresql_url("postgres"));
    ending<void> operation(context, postgres_pool::run(pool, sleeping("0.001", true), in(100s)));
    context.restart();
    for (std::size_t step = 0; step < n && !operation.has_ended; ++step)
      context.run_one();
    finished = operation.has_ended;
    operation.signal.emit(asio::cancellation_type::terminal);
    finish(context);
    BOOST_TEST(!process_of(context, pool).empty());
  }
  BOOST_TEST(finished);
}

BOOST_AUTO_TEST_CASE(a_context_goes_at_every_handler) {
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 300; ++n) {
    asio::io_context context;
    auto const pool = pool_in(context, 1, postgresql_url("postgres"));
    ending<void> operation(context, postgres_pool::run(pool, sleeping("0.001", true), in(100s)));
    for (std::size_t step = 0; step < n && !operation.has_ended; ++step)
      context.run_one();
    finished = operation.has_ended;
  }
  BOOST_TEST(finished);
}

BOOST_AUTO_TEST_CASE(work_is_done_again_when_its_connection_broke) {
  asio::io_context context;
  auto const pool = pool_in(context, 4, postgresql_url("postgres"));
  auto const before = process_of(context, pool);
  asio::io_context elsewhere;
  auto const other = run(elsewhere, connecting_to(elsewhere, postgresql_url("postgres"), 10s)).value();
  constexpr postgres_statement terminate{"terminate", "SELECT pg_terminate_backend($1::int, 5000)"};
  succeeds(query(elsewhere, other, terminate, {before}));
  BOOST_TEST(process_of(context, pool) != before);
}

BOOST_AUTO_TEST_CASE(errors_of_the_work_are_not_repeated) {
  asio::io_context context;
  auto const pool = pool_in(context, 4, postgresql_url("postgres"));
  int times = 0;
  postgres_pool::work const work = [&](postgres_connection::pointer connection) {
    ++times;
    return postgres_connection::execute(std::move(connection), "SELECT 1/0", in(10s));
  };
  fails_with(run(context, postgres_pool::run(pool, work, in(10s))), errc::storage, "division by zero");
  BOOST_TEST(times == 1);
  BOOST_TEST(pool->idle() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
