// refused: Give the callable a name
#include "case.hpp"
awaitable<void> use(std::string owned) {
  auto outcome = co_await retry(retry_context(),
                                [owned]() -> awaitable<result<int>> { co_return static_cast<int>(owned.size()); });
  (void)outcome;
}
