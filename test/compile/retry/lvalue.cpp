// compiles
#include "case.hpp"
awaitable<void> use(std::string owned) {
  auto operation = [owned]() -> awaitable<result<int>> { co_return static_cast<int>(owned.size()); };
  auto outcome = co_await retry(retry_context(), operation);
  (void)outcome;
}
