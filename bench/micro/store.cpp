#include <claudio/model_manager.hpp>
#include <claudio/store.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/array.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdlib.h> // mkdtemp
#include <unistd.h>

namespace {
namespace asio = boost::asio;
namespace json = boost::json;

constexpr int providers = 200;
constexpr int models = 5000;

std::vector<claudio::key_source> keys() {
  static auto const key = claudio::make_encryption_key();
  return {claudio::key_source::text(key, "the benchmark's key")};
}

template <class T>
T run(asio::io_context& context, asio::awaitable<T> work) {
  std::optional<T> outcome;
  asio::co_spawn(context, std::move(work), [&](std::exception_ptr, T value) { outcome.emplace(std::move(value)); });
  context.restart();
  context.run();
  return std::move(*outcome);
}

json::object configuration() {
  json::array all_providers;
  for (int i = 0; i < providers; ++i) {
    json::object config;
    config["api_key"] = "sk-ant-api03-" + std::string(80, 'k') + std::to_string(i);
    json::object provider;
    provider["name"] = "provider-" + std::to_string(i);
    provider["provider_type"] = "anthropic";
    provider["provider_config"] = std::move(config);
    all_providers.push_back(std::move(provider));
  }
  json::array all_models;
  for (int i = 0; i < models; ++i) {
    json::object parameters;
    parameters["max_tokens"] = 4096;
    json::object model;
    model["name"] = "claude-sonnet-4-6-" + std::to_string(i);
    model["type"] = "LLM";
    model["provider_name"] = "provider-" + std::to_string(i % providers);
    model["model_params"] = std::move(parameters);
    all_models.push_back(std::move(model));
  }
  json::object config;
  config["providers"] = std::move(all_providers);
  config["models"] = std::move(all_models);
  return config;
}

// A database in a folder of its own.
class database {
public:
  database() {
    std::string folder = (std::filesystem::temp_directory_path() / "claudio-bench-XXXXXX").string();
    if (::mkdtemp(folder.data()))
      folder_ = folder;
    auto opened = run(context, claudio::store::open(context.get_executor(), url(), keys()));
    auto const imported = run(context, opened.value().import_configuration(configuration()));
    imported.value();
  }
  database(database const&) = delete;
  database& operator=(database const&) = delete;
  ~database() { std::filesystem::remove_all(folder_); }

  std::string url() const {
    char const* const given = std::getenv("CLAUDIO_BENCH_STORE");
    return given ? given : "sqlite:" + folder_ + "/claudio.db";
  }

  asio::io_context context;

private:
  std::string folder_;
};

// What a program does when it starts: open, load, make a manager.
void start(benchmark::State& state) {
  database made;
  for (auto _ : state) {
    asio::io_context context;
    auto opened = run(context, claudio::store::open(context.get_executor(), made.url(), keys()));
    auto config = run(context, opened.value().load());
    claudio::model_manager const manager(context.get_executor(), std::move(config.value()), claudio::serial);
    if (!manager.get_model_instance("claude-sonnet-4-6-4999"))
      state.SkipWithError("the model is not there");
  }
}

void load(benchmark::State& state) {
  database made;
  auto opened = run(made.context, claudio::store::open(made.context.get_executor(), made.url(), keys()));
  for (auto _ : state) {
    auto config = run(made.context, opened.value().load());
    if (config.value().models.size() != models)
      state.SkipWithError("not all models are there");
  }
}

// From the beginning of a change to the end of another store's wait for it.
void see(benchmark::State& state) {
  using clock = std::chrono::steady_clock;
  database made;
  auto watching = run(made.context, claudio::store::open(made.context.get_executor(), made.url(), keys()));
  auto changing = run(made.context, claudio::store::open(made.context.get_executor(), made.url(), keys()));
  json::object patch;
  for (auto _ : state) {
    auto const revision = run(made.context, watching.value().content()).value().revision;
    patch["max_tokens"] = static_cast<std::int64_t>(revision);
    clock::time_point begun;
    clock::time_point seen;
    asio::co_spawn(made.context, watching.value().wait_for_change(revision),
                   [&](std::exception_ptr, claudio::result<void> const&) { seen = clock::now(); });
    asio::steady_timer pause(made.context, std::chrono::milliseconds(20 + revision % 100));
    pause.async_wait([&](boost::system::error_code) {
      begun = clock::now();
      asio::co_spawn(made.context, changing.value().update_model("claude-sonnet-4-6-0", patch), asio::detached);
    });
    made.context.restart();
    made.context.run();
    state.SetIterationTime(std::chrono::duration<double>(seen - begun).count());
  }
}

void unseal(benchmark::State& state) {
  auto const vault = claudio::vault::open(keys(), std::string_view()).value();
  claudio::secret_place place;
  place.database = "0123456789abcdef";
  place.owner = "anthropic";
  place.row = "00112233445566778899aabbccddeeff";
  place.column = "api_key";
  place.version = 1;
  auto const sealed = vault.seal(claudio::secret(std::string(108, 'k')), place).value();
  for (auto _ : state) {
    auto text = vault.unseal(sealed, place);
    benchmark::DoNotOptimize(text);
  }
}

} // namespace

BENCHMARK(start)->Name("open, load and make a manager: 200 providers, 5,000 models")->Unit(benchmark::kMillisecond);
BENCHMARK(load)->Name("load 200 providers, 5,000 models")->Unit(benchmark::kMillisecond);
BENCHMARK(see)->Name("a change is seen")->UseManualTime()->Iterations(20)->Unit(benchmark::kMillisecond);
BENCHMARK(unseal)->Name("decrypt a key of 108 characters")->Unit(benchmark::kMicrosecond);
