// Many calls from one thread: 02_many_calls [CALLS [IN_FLIGHT]]. Reads ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL.
#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>
#include <sys/resource.h>

namespace asio = boost::asio;

struct progress {
  int left, succeeded = 0, failed = 0;
};

// One of the callers: takes the next call until none is left.
asio::awaitable<void> call_repeatedly(claudio::model claude, progress& work) {
  claudio::chat_request request;
  request.system("You are a helpful assistant.").user("Hello, how are you?").max_tokens(1000);
  while (work.left > 0) {
    --work.left;
    auto response = co_await claude.invoke(request);
    ++(response ? work.succeeded : work.failed);
    if (!response && work.failed == 1)
      std::cerr << "first failure: " << response.error() << "\n";
  }
}

int main(int argc, char** argv) {
  progress work{argc > 1 ? std::atoi(argv[1]) : 5000};
  int const in_flight = argc > 2 ? std::atoi(argv[2]) : 500;
  asio::io_context context(1);
  auto manager = claudio::model_manager::from_env(context.get_executor(), claudio::serial).value();
  auto claude = manager.get_model_instance("claude-sonnet-4-6").value();
  auto const begin = std::chrono::steady_clock::now();
  for (int i = 0; i < in_flight; ++i)
    asio::co_spawn(context, call_repeatedly(claude, work), asio::detached);
  context.run();
  std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - begin;

  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  std::cout << work.succeeded << " calls succeeded, " << work.failed << " failed, " << in_flight
            << " in flight on one thread: " << static_cast<int>(work.succeeded / seconds.count()) << " calls/s in "
            << seconds.count() << " s, " << used.ru_maxrss / 1024 << " MiB at most\n";
  return work.failed == 0 ? 0 : 1;
}
