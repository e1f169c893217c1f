// Many calls in flight: bench_scale THREADS one|each IN_FLIGHT CALLS_EACH
// Against ANTHROPIC_BASE_URL, whose authority is in SSL_CERT_FILE. "each": every thread has an io_context and a manager
// of its own; "one": all threads share both. Prints: calls per second, CPU µs per call, KiB per call in flight, and the
// 50th and 99th percentile of the latency in ms. bench/scale.sh makes a table and a plot of it.
#include "support/conversation.hpp"
#include "support/process_usage.hpp"

#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

namespace {

// What runs on one io_context.
class lane {
public:
  lane(int threads, claudio::configuration const& config)
      : context(threads), manager(threads == 1 ? claudio::model_manager(context.get_executor(), config, claudio::serial)
                                               : claudio::model_manager(context.get_executor(), config)) {}

  asio::io_context context;
  claudio::model_manager manager;
};

asio::awaitable<void> call(claudio::model model, bench::conversation const& prompt, std::size_t calls,
                           std::vector<double>& latencies, std::atomic<long>& failures) {
  for (std::size_t made = 0; made < calls; ++made) {
    auto const begun = clock_type::now();
    auto invoking = model.invoke(prompt.openai(static_cast<long>(made)));
    auto const answer = co_await std::move(invoking);
    if (!answer)
      ++failures;
    latencies.push_back(std::chrono::duration<double, std::milli>(clock_type::now() - begun).count());
  }
}

} // namespace

int main(int argc, char** argv) {
  std::string const kind = argc == 5 ? argv[2] : "";
  auto const threads = argc == 5 ? std::atoi(argv[1]) : 0;
  if (threads < 1 || (kind != "one" && kind != "each")) {
    std::cerr << "usage: ANTHROPIC_BASE_URL=… SSL_CERT_FILE=… bench_scale THREADS one|each IN_FLIGHT CALLS_EACH\n";
    return 2;
  }
  auto const in_flight = static_cast<std::size_t>(std::atol(argv[3]));
  auto const calls_each = static_cast<std::size_t>(std::atol(argv[4]));
  bench::raise_file_limit();

  bench::conversation const prompt;
  ::setenv("ANTHROPIC_API_KEY", "sk-ant-bench", 0);
  auto config = claudio::configuration::from_env().value();
  config.providers.front().options.pool.max_sessions = in_flight;
  config.providers.front().options.pool.max_idle = in_flight;
  if (auto const* authority = std::getenv("SSL_CERT_FILE"))
    config.providers.front().options.ca_file = authority;
  std::vector<std::unique_ptr<lane>> lanes;
  for (int i = 0; i < (kind == "each" ? threads : 1); ++i)
    lanes.push_back(std::make_unique<lane>(kind == "each" ? 1 : threads, config));

  std::vector<std::vector<double>> latencies(in_flight);
  std::atomic<long> failures{0};
  auto const run = [&](std::size_t calls) {
    for (std::size_t i = 0; i < in_flight; ++i) {
      latencies[i].clear();
      latencies[i].reserve(calls);
      auto& on = *lanes[i % lanes.size()];
      auto const model = on.manager.get_model_instance(prompt.model).value();
      auto const rethrow = [](std::exception_ptr failure) {
        if (failure)
          std::rethrow_exception(failure);
      };
      auto calling = call(model, prompt, calls, latencies[i], failures);
      if (kind == "each" || threads == 1)
        asio::co_spawn(on.context, std::move(calling), rethrow);
      else
        asio::co_spawn(asio::make_strand(on.context), std::move(calling), rethrow);
    }
    for (auto& on : lanes)
      on->context.restart();
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i)
      running.emplace_back([&, i] { lanes[static_cast<std::size_t>(i) % lanes.size()]->context.run(); });
    for (auto& thread : running)
      thread.join();
  };

  auto const resident_before = bench::status_kib("VmRSS");
  run(1); // opens the sessions
  auto const used_before = bench::process_usage::now();
  auto const begun = clock_type::now();
  std::atomic<bool> done{false};
  long resident = 0;
  std::thread sampling([&] {
    while (!done) {
      resident = std::max(resident, bench::status_kib("VmRSS"));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  run(calls_each);
  auto const seconds = std::chrono::duration<double>(clock_type::now() - begun).count();
  auto const cpu = bench::process_usage::now().cpu_microseconds() - used_before.cpu_microseconds();
  done = true;
  sampling.join();

  std::vector<double> all;
  for (auto const& one : latencies)
    all.insert(all.end(), one.begin(), one.end());
  std::sort(all.begin(), all.end());
  auto const share = [&](double part) {
    return all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))];
  };
  auto const count = static_cast<double>(all.size());
  std::cout << count / seconds << " " << cpu / count << " "
            << static_cast<double>(resident - resident_before) / static_cast<double>(in_flight) << " " << share(0.5)
            << " " << share(0.99) << "\n";
  if (failures > 0)
    std::cerr << failures << " calls failed\n";
  return failures > 0 ? 1 : 0;
}
