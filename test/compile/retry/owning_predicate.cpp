// refused: Give the predicate a name
#include "case.hpp"
awaitable<void> use(std::string owned) {
  auto operation = [&]() -> awaitable<result<std::string>> { co_return owned; };
  auto outcome = co_await retry(retry_context(), operation,
                                [owned](claudio::error const& failure) { return failure.message() == owned; });
  (void)outcome;
}
