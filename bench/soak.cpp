// Everything at once, at random, for long: calls, streams, tool loops, cancellations, deadlines, and all the faults of
// the fake server, which runs in the same process. At the end both clients are drained, and every call, session,
// waiter, file descriptor and byte has to be accounted for.
//
//     bench_soak [--seconds 60] [--seed 1] [--callers 256] [--threads 4]
//
// All the time child processes are started, by exec and by fork alone, which hold copies of descriptors for a while.
//
// Half of the callers share a client and its thread, the others are spread over threads, each on a strand of its own.
// Exit status 1 when something is left. The seed decides what callers and server do, not when.
#include "support/process_usage.hpp"

#include <claudio/claudio.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <iostream>
#include <malloc.h>
#include <random>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;
using claudio::errc;
using claudio::testing::connection_fault;
using claudio::testing::reply;
using steady = std::chrono::steady_clock;

namespace {

struct arguments {
  int seconds = 60;
  unsigned seed = 1;
  int callers = 256;
  int threads = 4;
};

class dice {
public:
  explicit dice(unsigned seed) : generator_(seed) {}
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(generator_); }
  std::chrono::milliseconds milliseconds(int most) { return std::chrono::milliseconds(below(most) + 1); }

private:
  std::mt19937 generator_;
};

constexpr std::size_t codes = static_cast<std::size_t>(errc::circuit_open) + 1;
enum class action : std::size_t {
  create,
  invoke,
  stream,
  half_a_stream,
  tools,
  cancelled_call,
  cancelled_stream,
  late
};
constexpr std::array<char const*, 8> action_names{"create", "invoke",         "stream",           "stream dropped",
                                                  "tools",  "call cancelled", "stream cancelled", "deadline"};

// By action and how it ended; the last column: by the cancellation that it was meant to end by.
class tally {
public:
  static constexpr std::size_t abandoned = codes;

  void begin() { ++begun_; }
  void note(action what, std::size_t end) { ++counts_[static_cast<std::size_t>(what)][end]; }
  void note(action what, errc code) { note(what, static_cast<std::size_t>(code)); }

  std::uint64_t begun() const { return begun_; }
  std::uint64_t ended() const {
    std::uint64_t sum = 0;
    for (auto const& row : counts_)
      for (auto const& count : row)
        sum += count;
    return sum;
  }
  std::uint64_t count(errc code) const {
    std::uint64_t sum = 0;
    for (auto const& row : counts_)
      sum += row[static_cast<std::size_t>(code)];
    return sum;
  }
  void print() const {
    for (std::size_t what = 0; what < counts_.size(); ++what) {
      std::cout << action_names[what] << ":";
      for (std::size_t end = 0; end <= codes; ++end)
        if (auto const count = counts_[what][end].load(); count > 0)
          std::cout << " "
                    << (end == abandoned ? "abandoned"
                        : end == 0       ? "whole"
                                         : to_string(static_cast<errc>(end)))
                    << " " << count;
      std::cout << "\n";
    }
  }

private:
  std::atomic<std::uint64_t> begun_{0};
  std::array<std::array<std::atomic<std::uint64_t>, codes + 1>, action_names.size()> counts_{};
};

reply break_somewhere(reply whole, dice& chance) {
  auto const bytes = static_cast<std::size_t>(chance.below(2500));
  switch (chance.below(6)) {
  case 0:
    return whole.reset_after(bytes);
  case 1:
    return whole.close_after(bytes);
  case 2:
    return whole.stall_after(bytes);
  case 3:
    return whole.half_body();
  case 4:
    return whole.cut_after_events(static_cast<std::size_t>(chance.below(8)));
  default:
    return whole.error_after(static_cast<std::size_t>(chance.below(8)), "overloaded_error", "Overloaded");
  }
}

reply refuse(dice& chance) {
  constexpr std::array<int, 7> statuses{429, 529, 500, 503, 408, 400, 401};
  auto const status = statuses[static_cast<std::size_t>(chance.below(statuses.size()))];
  auto made = reply::status(status);
  if (chance.below(2) == 0)
    made.header("retry-after-ms", std::to_string(chance.below(30)));
  return made;
}

reply decide(claudio::testing::received_request const& request, dice& chance) {
  // A text whose length nobody else has, so that memory can't hide in equal sizes.
  reply whole = reply::answer(std::string(static_cast<std::size_t>(chance.below(3000)), 'x') + " end");
  if (request.body.find("\"tools\"") != std::string::npos && chance.below(2) == 0)
    whole = reply::answer().tool_call("add", {{"a", 1}, {"b", 2}}).tool_call("add", {{"a", 3}, {"b", 4}});
  whole.delay(chance.milliseconds(20));
  switch (chance.below(20)) {
  case 0:
    return break_somewhere(std::move(whole), chance);
  case 1:
    return refuse(chance);
  case 2:
    return whole.then_close();
  case 3:
    return reply::garbage();
  case 4:
    return whole.record_per_event();
  case 5:
    return chance.below(10) == 0 ? whole.pings_only(5ms) : whole.pace(2ms);
  default:
    return whole;
  }
}

asio::awaitable<void> break_connections(claudio::testing::fake_server& server, steady::time_point end, unsigned seed) {
  dice chance(seed);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (steady::now() < end) {
    timer.expires_after(chance.milliseconds(100));
    co_await timer.async_wait(asio::use_awaitable);
    server.script_connections({static_cast<connection_fault>(1 + chance.below(4))});
  }
}

// One caller, with all that it works with.
class caller {
public:
  caller(claudio::model m, tally& t, unsigned seed, steady::time_point end)
      : claude_(std::move(m)), endpoint_(claude_.endpoint()), count_(t), chance_(seed), end_(end) {
    tools_.add("add", "Adds two numbers.", {{"type", "object"}}, [](boost::json::object const& arguments) {
      return std::to_string(arguments.at("a").to_number<int>() + arguments.at("b").to_number<int>());
    });
  }

  asio::awaitable<void> run() {
    while (steady::now() < end_) {
      count_.begin();
      auto const what = static_cast<action>(chance_.below(static_cast<int>(action_names.size())));
      auto acting = act(what);
      co_await std::move(acting);
    }
  }

private:
  asio::awaitable<void> act(action what) {
    switch (what) {
    case action::create:
    case action::late:
      return create(what);
    case action::invoke:
      return invoke();
    case action::stream:
    case action::half_a_stream:
      return stream(what);
    case action::tools:
      return loop();
    case action::cancelled_call:
      return cancel(what, create(action::create, false));
    case action::cancelled_stream:
      return cancel(what, stream(action::stream, false));
    }
    throw std::logic_error("no such action");
  }

  claudio::message_request native() {
    claudio::message_request request;
    request.model("claude-sonnet-4-6").max_tokens(100).user(std::string(text_size(), 'q'));
    return request;
  }
  claudio::chat_request chat() {
    claudio::chat_request request;
    request.user(std::string(text_size(), 'q')).max_tokens(100);
    return request;
  }
  std::size_t text_size() {
    return static_cast<std::size_t>(1 + chance_.below(chance_.below(50) == 0 ? 200'000 : 2000));
  }

  asio::awaitable<void> create(action what, bool counts = true) {
    claudio::call_options options;
    if (what == action::late)
      options.timeout(chance_.milliseconds(400));
    auto const request = native();
    auto creating = endpoint_.create(request, options);
    auto const answer = co_await std::move(creating);
    if (counts)
      count_.note(what, answer ? errc::none : answer.error().code());
  }

  asio::awaitable<void> invoke() {
    auto const request = chat();
    auto invoking = claude_.invoke(request);
    auto const answer = co_await std::move(invoking);
    count_.note(action::invoke, answer ? errc::none : answer.error().code());
  }

  asio::awaitable<void> stream(action what, bool counts = true) {
    int const most = what == action::half_a_stream ? chance_.below(6) : 1'000'000;
    bool const slow = chance_.below(10) == 0;
    auto const request = chat();
    auto opening = claude_.stream(request);
    auto stream = co_await std::move(opening);
    errc end = stream ? errc::none : stream.error().code();
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (int i = 0; end == errc::none && i < most; ++i) {
      auto reading = stream->next();
      auto const chunk = co_await std::move(reading);
      if (!chunk)
        end = chunk.error().code();
      if (!chunk || !*chunk)
        break;
      if (!slow)
        continue;
      pause.expires_after(1ms);
      co_await pause.async_wait(asio::use_awaitable);
    }
    if (counts)
      count_.note(what, end);
  }

  asio::awaitable<void> loop() {
    auto const request = chat();
    auto running = claudio::run_tools(claude_, request, tools_);
    auto const run = co_await std::move(running);
    count_.note(action::tools, run ? errc::none : run.error().code());
  }

  asio::awaitable<void> cancel(action what, asio::awaitable<void> work) {
    asio::steady_timer timer(co_await asio::this_coro::executor, chance_.milliseconds(300));
    auto waiting = timer.async_wait(asio::use_awaitable);
    auto const first = co_await (std::move(work) || std::move(waiting));
    count_.note(what, first.index() == 0 ? static_cast<std::size_t>(errc::none) : tally::abandoned);
  }

  claudio::model claude_;
  claudio::client endpoint_;
  claudio::toolbox tools_;
  tally& count_;
  dice chance_;
  steady::time_point end_;
};

std::size_t open_files() {
  auto const all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t bytes_in_use() {
  malloc_trim(0);
  return mallinfo2().uordblks;
}

claudio::configuration configuration_of(claudio::testing::fake_server const& server) {
  claudio::configuration config;
  claudio::provider_configuration provider;
  provider.name = "fake";
  provider.options = server.provider();
  provider.options.retry.base_delay = 5ms;
  provider.options.limits.connect = 2s;
  provider.options.limits.tls = 500ms;
  provider.options.limits.first_byte = 500ms;
  provider.options.limits.between_bytes = 300ms;
  provider.options.limits.between_content = 600ms;
  provider.options.limits.total = 5s;
  provider.options.pool.max_sessions = 64; // fewer than callers
  provider.options.pool.max_idle = 32;
  provider.options.pool.max_age = 3s;
  provider.options.pool.max_requests = 50;
  provider.options.rates.rpm = 120'000; // so that calls wait for their turn
  provider.options.breaker.open = 20ms; // and go on soon
  config.providers.push_back(provider);
  claudio::model_configuration model;
  model.name = "claude-sonnet-4-6";
  model.provider_name = "fake";
  config.models.push_back(model);
  return config;
}

bool is_empty(claudio::session_pool_statistics const& pool, char const* whose) {
  std::cout << whose << " client: " << pool.opened << " sessions opened, " << pool.reused << " reuses, " << pool.waits
            << " waits, most open " << pool.most_open << "; left: " << pool.open << " sessions, " << pool.waiting
            << " waiting\n";
  return pool.open == 0 && pool.waiting == 0;
}

// Starts child processes that live for a fraction of a second, a few at once. Says how many.
unsigned start_children(steady::time_point end, unsigned seed) {
  constexpr std::size_t most = 4;
  dice chance(seed);
  std::vector<pid_t> alive;
  unsigned started = 0;
  char program[] = "/bin/sleep";
  char time[] = "0.2";
  char* const words[] = {program, time, nullptr};
  while (steady::now() < end || !alive.empty()) {
    std::erase_if(alive, [](pid_t child) { return ::waitpid(child, nullptr, WNOHANG) == child; });
    if (steady::now() < end && alive.size() < most) {
      pid_t child = -1;
      if (chance.below(2) == 0) {
        ::posix_spawn(&child, program, nullptr, nullptr, words, environ);
      } else if ((child = ::fork()) == 0) {
        timespec const while_they_go_on{0, 200'000'000};
        ::nanosleep(&while_they_go_on, nullptr);
        ::_exit(0);
      }
      started += child > 0 ? 1 : 0;
      if (child > 0)
        alive.push_back(child);
    }
    std::this_thread::sleep_for(10ms);
  }
  return started;
}

// Runs it all once; what it leaves behind is seen from outside.
bool soak(arguments const& given) {
  tally count;
  auto const end = steady::now() + std::chrono::seconds(given.seconds);
  claudio::testing::fake_server_options options;
  options.keep_requests = 0;
  claudio::testing::fake_server server(options);
  dice servers_chance(given.seed);
  server.on_request([&](claudio::testing::received_request const& request) { return decide(request, servers_chance); });

  asio::io_context context(1);
  asio::thread_pool threads(static_cast<std::size_t>(given.threads));
  claudio::model_manager const serial(context.get_executor(), configuration_of(server), claudio::serial);
  claudio::model_manager const spread(threads.get_executor(), configuration_of(server));
  auto const model_of = [](claudio::model_manager const& manager) {
    return manager.get_model_instance("claude-sonnet-4-6").value();
  };
  std::vector<std::unique_ptr<caller>> callers;
  std::vector<std::future<void>> running;
  for (int i = 0; i < given.callers; ++i) {
    bool const is_serial = i % 2 == 0;
    callers.push_back(std::make_unique<caller>(model_of(is_serial ? serial : spread), count,
                                               given.seed * 100'000 + static_cast<unsigned>(i), end));
    if (is_serial)
      running.push_back(asio::co_spawn(context, callers.back()->run(), asio::use_future));
    else
      running.push_back(asio::co_spawn(asio::make_strand(threads), callers.back()->run(), asio::use_future));
  }
  running.push_back(
      asio::co_spawn(asio::make_strand(threads), break_connections(server, end, given.seed), asio::use_future));
  std::thread home([&] { context.run(); });
  auto children = std::async(std::launch::async, start_children, end, given.seed);

  std::array<long, 11> resident{};
  for (std::size_t tenth = 1; tenth <= 10; ++tenth) {
    std::this_thread::sleep_until(end - std::chrono::seconds(given.seconds) * (10 - tenth) / 10);
    resident[tenth] = bench::status_kib("VmRSS");
    std::cout << tenth * 10 << " %: " << count.ended() << " calls, " << resident[tenth] << " KiB resident, "
              << open_files() << " files" << std::endl;
  }
  for (auto& each : running)
    each.get();
  std::cout << children.get() << " child processes\n";
  home.join();
  context.restart();
  auto drained = asio::co_spawn(context, serial.drain(steady::now() + 10s), asio::use_future);
  context.run();
  bool all_well = drained.get().has_value();
  // In the first part all that is cached comes to its size.
  bool const flat = given.seconds < 10 || resident[10] < resident[3] + resident[3] / 5;
  if (!flat)
    std::cout << "memory grows\n";
  all_well = all_well && flat;
  all_well = asio::co_spawn(threads, spread.drain(steady::now() + 10s), asio::use_future).get() && all_well;
  threads.join();

  count.print();
  all_well = is_empty(model_of(serial).endpoint().pool(), "the serial") && all_well;
  all_well = is_empty(model_of(spread).endpoint().pool(), "the spread") && all_well;
  std::cout << count.begun() << " calls begun, " << count.ended() << " ended; " << server.connections()
            << " connections accepted\n";
  // None of these is an answer to what the server does.
  for (auto const code :
       {errc::cancelled, errc::transformation, errc::configuration, errc::unsupported, errc::shut_down})
    all_well = count.count(code) == 0 && all_well;
  return all_well && count.begun() == count.ended();
}

} // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App app("Calls, streams, tools, cancellations and faults at random; then everything has to be accounted for");
  app.add_option("--seconds", given.seconds, "How long it lasts (60)")->check(CLI::Range(1, 86'400));
  app.add_option("--seed", given.seed, "What callers and server do follows from it (1)");
  app.add_option("--callers", given.callers, "Calls at once (256)")->check(CLI::Range(1, 10'000));
  app.add_option("--threads", given.threads, "For the half of the callers that are spread (4)")
      ->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  bench::raise_file_limit();

  // What is made once for the whole process is no leak.
  arguments brief = given;
  brief.seconds = 1;
  std::cout << "one second first, to see afterwards what a process keeps for itself\n";
  bool all_well = soak(brief);
  auto const files = open_files();
  auto const bytes = bytes_in_use();
  std::cout << "\n" << given.seconds << " seconds, seed " << given.seed << "\n";
  all_well = soak(given) && all_well;
  auto const files_after = open_files();
  auto const bytes_after = bytes_in_use();
  std::cout << "files open before and after: " << files << ", " << files_after << "; bytes in use: " << bytes << ", "
            << bytes_after << "\n";
  // Caches of threads and libraries may have grown a little.
  all_well = all_well && files_after == files && bytes_after < bytes + 256 * 1024;
  std::cout << (all_well ? "nothing is left" : "SOMETHING IS LEFT") << "\n";
  return all_well ? 0 : 1;
}
