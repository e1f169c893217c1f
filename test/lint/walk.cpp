// One call and one stream, with each function that they enter and leave written to standard output: for walk.py, which
// compiles the library with -finstrument-functions.
#include "support/call.hpp"

#include <cstdio>
#include <vector>

namespace asio = boost::asio;
using namespace claudio;

namespace {

struct step {
  char what;
  void* function;
};

thread_local std::vector<step>* recorded = nullptr;

} // namespace

extern "C" {
__attribute__((no_instrument_function)) void __cyg_profile_func_enter(void* function, void*) {
  if (auto* const to = std::exchange(recorded, nullptr)) {
    to->push_back({'>', function});
    recorded = to;
  }
}
__attribute__((no_instrument_function)) void __cyg_profile_func_exit(void* function, void*) {
  if (auto* const to = std::exchange(recorded, nullptr)) {
    to->push_back({'<', function});
    recorded = to;
  }
}
}

namespace {

void print(char const* name, std::vector<step> const& steps) {
  std::printf("= %s\n", name);
  for (auto const& one : steps)
    std::printf("%c %p\n", one.what, one.function);
}

// The second call, on a session that is open.
void walk_invoke(testing::fake_server& server) {
  asio::io_context context(1);
  auto const claude = test::model_at(client::make(context.get_executor(), test::quick(server), serial).value());
  test::run(context, claude.invoke(test::hello())).value();
  std::vector<step> steps;
  recorded = &steps;
  auto const answer = test::run(context, claude.invoke(test::hello()));
  recorded = nullptr;
  answer.value();
  print("invoke", steps);
}

asio::awaitable<result<bool>> read_stream(model claude, std::vector<step>& steps) {
  auto opening = claude.stream(test::hello());
  auto stream = co_await std::move(opening);
  if (!stream)
    co_return stream.error();
  // The events that arrive after the first chunks have been read.
  for (int chunks = 0;; ++chunks) {
    recorded = chunks == 3 ? &steps : nullptr;
    auto const chunk = co_await stream->next();
    recorded = nullptr;
    if (!chunk)
      co_return chunk.error();
    if (!*chunk)
      co_return chunks > 3;
  }
}

void walk_stream(testing::fake_server& server) {
  server.script({testing::reply::answer("one two three four five six").pace(std::chrono::milliseconds(20))});
  asio::io_context context(1);
  auto const claude = test::model_at(client::make(context.get_executor(), test::quick(server), serial).value());
  std::vector<step> steps;
  test::run(context, read_stream(claude, steps)).value();
  print("stream event", steps);
}

} // namespace

int main() {
  testing::fake_server server;
  walk_invoke(server);
  walk_stream(server);
}
