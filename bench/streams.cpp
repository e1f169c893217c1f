// Whether memory stays flat: bench_streams [STREAMS [ROUNDS]]. Reads that many streams at once, round after round, and
// prints what is resident after each. Against ANTHROPIC_BASE_URL, e.g. `claudio fake-server --plaintext --pace 20ms`.
#include "support/process_usage.hpp"

#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;

namespace {

struct counts {
  std::size_t whole = 0;
  std::size_t broken = 0;
  std::size_t events = 0;
};

asio::awaitable<void> read_stream(claudio::client endpoint, counts& seen) {
  claudio::message_request request;
  request.model("claude-sonnet-4-6").max_tokens(1000).user("Tell me everything about the sea, at length, please.");
  auto stream = co_await endpoint.stream(std::move(request));
  bool whole = stream.has_value();
  while (whole) {
    auto const event = co_await stream->next();
    whole = event.has_value();
    if (!event || !*event)
      break;
    ++seen.events;
  }
  ++(whole ? seen.whole : seen.broken);
}

} // namespace

int main(int argc, char** argv) {
  int const streams = argc > 1 ? std::atoi(argv[1]) : 1000;
  int const rounds = argc > 2 ? std::atoi(argv[2]) : 10;
  asio::io_context context(1);
  auto manager = claudio::model_manager::from_env(context.get_executor(), claudio::serial).value();
  auto const endpoint = manager.get_model_instance("claude-sonnet-4-6").value().endpoint();
  for (int round = 1; round <= rounds; ++round) {
    counts seen;
    for (int i = 0; i < streams; ++i)
      asio::co_spawn(context, read_stream(endpoint, seen), asio::detached);
    context.restart();
    context.run();
    std::cout << "round " << round << ": " << seen.whole << " streams, " << seen.broken << " broken, " << seen.events
              << " events, " << bench::status_kib("VmRSS") << " KiB resident\n";
  }
}
