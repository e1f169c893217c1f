#include "store/postgres_value.hpp"

#include "store/table_faults.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <vector>

namespace claudio::postgres_tables {
namespace asio = boost::asio;

asio::awaitable<result<std::string>> query_text(postgres_connection::pointer connection, postgres_statement statement,
                                                clock::time_point limit) {
  std::vector<std::string> none;
  auto asking = postgres_connection::query(connection, statement, std::move(none), limit);
  auto const rows = co_await std::move(asking);
  if (!rows)
    co_return rows.error();
  if (rows->size() != 1)
    co_return table_faults::lost_row(connection->name());
  co_return std::string(rows->text(0, 0));
}

asio::awaitable<result<bool>> query_bool(postgres_connection::pointer connection, postgres_statement statement,
                                         clock::time_point limit) {
  auto asking = query_text(std::move(connection), statement, limit);
  auto const text = co_await std::move(asking);
  if (!text)
    co_return text.error();
  co_return *text == "t";
}

asio::awaitable<result<std::int64_t>> query_integer(postgres_connection::pointer connection,
                                                    postgres_statement statement, clock::time_point limit) {
  auto asking = query_text(std::move(connection), statement, limit);
  auto const text = co_await std::move(asking);
  if (!text)
    co_return text.error();
  std::int64_t number = 0;
  auto const* const end = text->data() + text->size();
  auto const read = std::from_chars(text->data(), end, number);
  if (read.ec != std::errc() || read.ptr != end)
    co_return not_ours();
  co_return number;
}

error not_ours() {
  return error(errc::storage, "the database's tables in the schema claudio are not as this version made them");
}

} // namespace claudio::postgres_tables
