// The parts of a call besides its JSON: the pool's decisions, a retry's, TLS records, and the way to another executor.
#include "async/on_home.hpp"
#include "net/tls_engine.hpp"
#include "policy/pool_state.hpp"
#include "support/memory_server.hpp"

#include <claudio/retry.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <array>
#include <benchmark/benchmark.h>
#include <stdexcept>
#include <string>
#include <vector>

using namespace claudio;
namespace asio = boost::asio;

namespace {

class nobody : public boost::intrusive::list_base_hook<> {
public:
  void grant(std::unique_ptr<int>) {}
  void grant_place() {}
};

void pool_take_and_give_back(benchmark::State& state) {
  pool_state<std::unique_ptr<int>, nobody> pool(1000, 1000, std::chrono::seconds(55));
  auto const now = std::chrono::steady_clock::now();
  for (int i = 0; i < state.range(0); ++i) {
    pool.take_place();
    pool.give_back(std::make_unique<int>(i), now);
  }
  for (auto _ : state) {
    auto session = pool.take_idle();
    benchmark::DoNotOptimize(session);
    pool.give_back(std::move(*session), now);
  }
}
BENCHMARK(pool_take_and_give_back)->Arg(1)->Arg(1000);

void retry_decide(benchmark::State& state) {
  retry_policy const policy;
  error const failure(errc::overloaded, 529, error_details());
  for (auto _ : state)
    benchmark::DoNotOptimize(decide(policy, 1, failure, std::chrono::seconds(60), 0.5));
}
BENCHMARK(retry_decide);

class secured {
public:
  secured() : server_(context()) {
    auto made = tls_engine::make(test::make_client_context(authority_.pem()), "localhost");
    client_ = std::move(made.value());
    while (client_->handshake(output_) == tls_status::wants_input) {
      server_.input(std::exchange(output_, {}));
      server_.handshake();
      from_server_ = server_.output();
      client_->input(from_server_);
    }
    server_.input(std::exchange(output_, {}));
    server_.handshake();
    from_server_ = server_.output();
    client_->input(from_server_);
    std::size_t got = 0;
    client_->read(piece_, got, output_);
  }

  void write(std::string_view text) {
    output_.clear();
    if (client_->write(text, output_) != tls_status::done)
      throw std::runtime_error(client_->failure());
  }

  std::string record(std::string const& text) {
    server_.write(text);
    return server_.output();
  }

  std::size_t read(std::string_view ciphertext) {
    std::size_t got = 0;
    client_->input(ciphertext);
    if (client_->read(piece_, got, output_) != tls_status::done)
      throw std::runtime_error(client_->failure());
    return got;
  }

private:
  test::server_context context() {
    return test::make_server_context(authority_.issue("DNS:localhost"), TLS1_3_VERSION);
  }

  testing::certificate_authority authority_;
  test::memory_server server_;
  std::unique_ptr<tls_engine> client_;
  std::string from_server_;
  std::string output_;
  std::array<char, 64 * 1024> piece_;
};

void tls_encrypt(benchmark::State& state) {
  secured session;
  std::string const text(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state)
    session.write(text);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(tls_encrypt)->Arg(1500)->Arg(16000);

void tls_decrypt(benchmark::State& state) {
  secured session;
  std::string const text(static_cast<std::size_t>(state.range(0)), 'x');
  // Many in a turn, since to stop the clock takes longer than a record.
  std::vector<std::string> records(100);
  for (auto _ : state) {
    state.PauseTiming();
    for (auto& record : records)
      record = session.record(text);
    state.ResumeTiming();
    for (auto const& record : records)
      benchmark::DoNotOptimize(session.read(record));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records.size()));
}
BENCHMARK(tls_decrypt)->Arg(1500)->Arg(16000);

asio::awaitable<result<int>> work() { co_return 1; }

asio::awaitable<void> call_repeatedly(benchmark::State& state, asio::any_io_executor home) {
  for (auto _ : state) {
    auto calling = on_home<int>(home, work());
    auto const outcome = co_await std::move(calling);
    benchmark::DoNotOptimize(outcome.has_value());
  }
}

void call_from_home(benchmark::State& state) {
  asio::io_context context(1);
  asio::co_spawn(context, call_repeatedly(state, context.get_executor()), asio::detached);
  context.run();
}
BENCHMARK(call_from_home);

void call_from_a_strand(benchmark::State& state) {
  asio::io_context context(1);
  asio::co_spawn(asio::make_strand(context), call_repeatedly(state, context.get_executor()), asio::detached);
  context.run();
}
BENCHMARK(call_from_a_strand);

} // namespace
