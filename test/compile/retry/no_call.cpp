// refused: the operation can't be called with nothing, nor with the attempt's number
#include "case.hpp"
awaitable<void> use() {
  auto operation = [](std::string) -> awaitable<result<int>> { co_return 1; };
  auto outcome = co_await retry(retry_context(), operation);
  (void)outcome;
}
