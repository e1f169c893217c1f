// Calls against a server, so many in flight: invoke_bench PORT PATH CALLS IN_FLIGHT WARM_UP
// Prints one line of JSON, as the clients of ../shared/peers do, whose run/bench.py can run it beside them.
//
// Environment: PEERS_CA, PEERS_PROMPT, PEERS_NAME: the authority's file, the prompt's (empty: one of its own), and
//   the name in the output.
//   CLAUDIO_BENCH_MODE=native      message_request built, message read, per call; for a path with "stream": its events
//                      serialized  the request was serialized before
//                      openai      chat_request in, chat_response or chunks out
//                      elsewhere   native, called from a strand of each caller
//   CLAUDIO_BENCH_HANDSHAKES=N     pool.max_handshakes; 0 for any number
//   CLAUDIO_BENCH_OBSERVE=metrics  with metrics
//                         traces   with these, and spans of all calls in the file CLAUDIO_BENCH_TRACES
#include "call/endpoint.hpp"
#include "support/conversation.hpp"
#include "support/measurement.hpp"

#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/json/serialize.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <memory>
#include <vector>

namespace asio = boost::asio;

namespace {

std::string environment(char const* name, char const* otherwise) {
  auto const* value = std::getenv(name);
  return value ? value : otherwise;
}

class run {
public:
  run(claudio::client endpoint_, claudio::model model_, bench::conversation const& prompt_,
      bench::measurement& measured_)
      : endpoint(std::move(endpoint_)), model(std::move(model_)), prompt(prompt_), measured(measured_),
        serialized(boost::json::serialize(prompt.native(0).json())) {}

  claudio::client endpoint;
  claudio::model model;
  bench::conversation const& prompt;
  bench::measurement& measured;
  std::string const serialized;
  std::uint64_t check = 0; // what the answers said, so that reading them can't be left out
  long calls = 0;
};

// A call as a service would write it: begun, and its answer read. These are no coroutines: a caller has one frame.
asio::awaitable<claudio::result<claudio::message>> begin_native(run& on) {
  return on.endpoint.create(on.prompt.native(++on.calls));
}

asio::awaitable<claudio::result<claudio::message>> begin_serialized(run& on) {
  return on.endpoint.create(on.serialized);
}

asio::awaitable<claudio::result<claudio::chat_response>> begin_openai(run& on) {
  return on.model.invoke(on.prompt.openai(++on.calls));
}

std::uint64_t read(claudio::message const& answer) {
  auto const usage = answer.usage();
  return answer.text().size() + usage.input_tokens + usage.output_tokens;
}

std::uint64_t read(claudio::chat_response const& answer) { return answer.text().size() + answer.usage().total_tokens; }

bool failed(claudio::error const& failure) {
  std::cerr << failure << "\n";
  return false;
}

asio::awaitable<claudio::result<claudio::message_stream>> begin_native_stream(run& on) {
  return on.endpoint.stream(on.prompt.native(++on.calls));
}

asio::awaitable<claudio::result<claudio::chat_stream>> begin_openai_stream(run& on) {
  return on.model.stream(on.prompt.openai(++on.calls));
}

std::uint64_t read(claudio::message_event const& event) { return event.type().size(); }
std::uint64_t read(claudio::chat_chunk const& chunk) { return chunk.text().size(); }

template <auto Begin>
asio::awaitable<bool> read_stream(run& on) {
  auto opening = Begin(on);
  auto stream = co_await std::move(opening);
  if (!stream)
    co_return failed(stream.error());
  while (true) {
    auto const event = co_await stream->next();
    if (!event)
      co_return failed(event.error());
    if (!*event)
      co_return true;
    ++on.measured.events;
    on.check += read(**event);
  }
}

template <auto Begin>
asio::awaitable<void> call(run& on, std::size_t calls) {
  for (std::size_t made = 0; made < calls && on.measured.take(); ++made) {
    auto const begun = bench::measurement::clock::now();
    auto calling = Begin(on);
    auto const answer = co_await std::move(calling);
    if (answer)
      on.check += read(*answer);
    else
      on.measured.errors += !failed(answer.error());
    on.measured.completed(bench::measurement::clock::now() - begun);
  }
}

template <auto Begin>
asio::awaitable<void> call_stream(run& on, std::size_t calls) {
  for (std::size_t made = 0; made < calls && on.measured.take(); ++made) {
    auto const begun = bench::measurement::clock::now();
    auto reading = read_stream<Begin>(on);
    bool const whole = co_await std::move(reading);
    on.measured.errors += !whole;
    on.measured.completed(bench::measurement::clock::now() - begun);
  }
}

using caller = asio::awaitable<void> (*)(run&, std::size_t calls);

caller caller_of(std::string const& mode, bool streams) {
  if (mode == "native" || mode == "elsewhere")
    return streams ? &call_stream<&begin_native_stream> : &call<&begin_native>;
  if (mode == "openai")
    return streams ? &call_stream<&begin_openai_stream> : &call<&begin_openai>;
  if (mode == "serialized" && !streams)
    return &call<&begin_serialized>;
  return nullptr;
}

void print(run& on, std::string const& name, int port, std::string const& path, long calls, long in_flight) {
  auto& measured = on.measured;
  std::printf("{\"client\":\"%s\",\"port\":%d,\"path\":\"%s\",\"n\":%ld,\"c\":%ld,\"cpu_us\":%.3f,\"user_us\":%.3f,"
              "\"sys_us\":%.3f,\"rps\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"rss0_kb\":%.0f,\"rss_mid_kb\":%.0f,"
              "\"rss_peak_kb\":%ld,\"rss_per_conn_kb\":%.2f,\"heap_used_per_conn_kb\":%.2f,\"cold_cpu_us\":%.1f,"
              "\"cold_wall_us\":%.1f,\"events\":%ld,\"cpu_ns_event\":%.1f,\"errors\":%ld,\"check\":%llu}\n",
              name.c_str(), port, path.c_str(), calls, in_flight, measured.cpu_per_call(), measured.user_per_call(),
              measured.system_per_call(), measured.calls_per_second(), measured.latency(0.5), measured.latency(0.99),
              measured.resident_at_begin(), measured.resident_halfway(), bench::status_kib("VmHWM"),
              measured.kib_in_flight(), measured.heap_in_flight(), measured.opening_cpu(), measured.opening_wall(),
              measured.measured_events(), measured.nanoseconds_per_event(), measured.errors,
              static_cast<unsigned long long>(on.check));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: invoke_bench PORT PATH CALLS IN_FLIGHT WARM_UP\n";
    return 2;
  }
  int const port = std::atoi(argv[1]);
  std::string const path = argv[2];
  long const calls = std::atol(argv[3]);
  long const in_flight = std::atol(argv[4]);
  long const warm_up = std::atol(argv[5]);
  auto const mode = environment("CLAUDIO_BENCH_MODE", "native");
  auto const make_calls = caller_of(mode, path.find("stream") != std::string::npos);
  auto const slash = path.rfind('/');
  if (!make_calls || slash == std::string::npos) {
    std::cerr << "invoke_bench: no such mode for this path: " << mode << "\n";
    return 2;
  }
  bench::raise_file_limit();

  auto const prompt_file = environment("PEERS_PROMPT", "payload/prompt.json");
  auto const prompt = prompt_file.empty() ? bench::conversation() : bench::conversation(prompt_file);
  claudio::provider_options options;
  options.api_key = claudio::secret("sk-ant-api03-0123456789abcdef0123456789abcdef");
  options.api_base = "https://localhost:" + std::to_string(port) + path.substr(0, slash);
  options.ca_file = environment("PEERS_CA", "/tmp/peers-build/pki/ca.pem");
  options.pool.max_sessions = static_cast<std::size_t>(in_flight);
  options.pool.max_idle = static_cast<std::size_t>(in_flight);
  options.pool.max_handshakes =
      static_cast<std::size_t>(std::atol(environment("CLAUDIO_BENCH_HANDSHAKES", "16").c_str()));

  asio::io_context context(1);
  // Its own path below the endpoint, since some servers have their streams elsewhere.
  claudio::trusted_authorities authorities;
  std::vector<std::shared_ptr<claudio::observer>> observers;
  auto const observe = environment("CLAUDIO_BENCH_OBSERVE", "off");
  if (observe == "metrics" || observe == "traces")
    observers.push_back(std::make_shared<claudio::metrics>());
  if (observe == "traces")
    observers.push_back(claudio::trace_file::open(environment("CLAUDIO_BENCH_TRACES", "spans.jsonl")).value());
  auto endpoint = claudio::detail::endpoint::make(context.get_executor(), options, authorities, "bench",
                                                  claudio::observe_with(std::move(observers)), path.substr(slash));
  if (!endpoint) {
    std::cerr << endpoint.error() << "\n";
    return 2;
  }
  claudio::translation_target target;
  target.model = prompt.model;
  target.capabilities = claudio::capabilities_of("claude-sonnet-4-6");
  bench::measurement measured(static_cast<std::size_t>(calls), static_cast<std::size_t>(in_flight),
                              static_cast<std::size_t>(warm_up));
  run on(*endpoint, claudio::model(*endpoint, target), prompt, measured);
  auto const rethrow = [](std::exception_ptr failure) {
    if (failure)
      std::rethrow_exception(failure);
  };
  auto const run_callers = [&](std::size_t calls_each) {
    for (long i = 0; i < in_flight; ++i) {
      if (mode == "elsewhere")
        asio::co_spawn(asio::make_strand(context), make_calls(on, calls_each), rethrow);
      else
        asio::co_spawn(context, make_calls(on, calls_each), rethrow);
    }
    context.restart();
    context.run();
  };
  // First one call each, so that all sessions are open before one is used again.
  run_callers(1);
  run_callers(std::numeric_limits<std::size_t>::max());
  print(on, environment("PEERS_NAME", "claudio"), port, path, calls, in_flight);
  return measured.complete() && measured.errors == 0 ? 0 : 1;
}
