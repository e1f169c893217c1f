// compiles
#include "case.hpp"
awaitable<void> use(std::string owned) {
  auto operation = [&]() -> awaitable<result<std::string>> { co_return owned; };
  auto is_worthwhile = [owned](claudio::error const& failure) { return failure.message() == owned; };
  auto outcome = co_await retry(retry_context(), operation, is_worthwhile);
  outcome = co_await retry(retry_context(), operation, [](claudio::error const&) { return true; });
}
