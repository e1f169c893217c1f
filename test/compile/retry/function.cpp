// compiles
#include "case.hpp"
awaitable<result<int>> operation(unsigned number);
awaitable<void> use() {
  auto outcome = co_await retry(retry_context(), operation);
  auto pointer = co_await retry(retry_context(), &operation);
  (void)outcome;
  (void)pointer;
}
