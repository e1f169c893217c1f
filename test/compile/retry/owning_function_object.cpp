// refused: Give the callable a name
#include "case.hpp"
awaitable<void> use(std::function<awaitable<result<int>>()> operation) {
  auto outcome = co_await retry(retry_context(), std::move(operation));
  (void)outcome;
}
