// compiles
#include "case.hpp"
awaitable<void> use(std::string owned) {
  auto const operation = [owned](unsigned) -> awaitable<result<std::string>> { co_return owned; };
  auto outcome = co_await retry(retry_context(), operation);
  (void)outcome;
}
