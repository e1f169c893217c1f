// compiles
#include "case.hpp"
awaitable<void> use(std::string const& outside) {
  auto outcome =
      co_await retry(retry_context(), [&]() -> awaitable<result<int>> { co_return static_cast<int>(outside.size()); });
  (void)outcome;
}
