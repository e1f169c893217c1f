// The retry combinator around a coroutine of one's own: no client, no model.
#include <claudio/retry.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> fetch_a_quote(int& price) {
  // Any coroutine that gives a result<T> will do; this one fails twice.
  auto ask_the_exchange = [&](unsigned attempt) -> asio::awaitable<claudio::result<int>> {
    if (attempt < 3)
      co_return claudio::error(claudio::errc::connect, "the exchange does not answer");
    co_return 4711;
  };

  claudio::retry_policy policy;
  policy.max_retries = 5;
  policy.base_delay = 100ms;
  claudio::retry_context context(policy);
  context.deadline = std::chrono::steady_clock::now() + 10s;
  context.on_attempt = [](claudio::attempt_info const& attempt) {
    std::cout << "attempt " << attempt.number << ": "
              << (attempt.failure ? attempt.failure->to_string() : std::string("done")) << "\n";
  };

  // Named and passed as it is: g++ 12 would not compile a temporary that owns what it captures.
  auto quote = co_await claudio::retry(context, ask_the_exchange);
  if (quote)
    price = *quote;
}

int main() {
  asio::io_context context;
  int price = 0;
  asio::co_spawn(context, fetch_a_quote(price), asio::detached);
  context.run();
  std::cout << "price " << price << "\n";
  return price == 4711 ? 0 : 1;
}
