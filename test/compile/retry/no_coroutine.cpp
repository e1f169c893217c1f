// refused: the operation has to return boost::asio::awaitable<claudio::result<T>>
#include "case.hpp"
awaitable<void> use() {
  auto operation = []() -> result<int> { return 1; };
  auto outcome = co_await retry(retry_context(), operation);
  (void)outcome;
}
