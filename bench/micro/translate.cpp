// Translation of a conversation with tools, 1 KB and 100 KB, both directions, beside Boost.JSON's parse and serialize
// of the same text: text in, translated text out, by way of requests and answers as objects, and directly.
#include <claudio/translate.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <benchmark/benchmark.h>

namespace {

namespace json = boost::json;

std::string const words = "The quick brown fox jumps over the lazy dog, \"twice\" on Tuesdays.\n";

std::string prose(std::size_t size) {
  std::string text;
  while (text.size() < size)
    text += words;
  return text;
}

json::value tool(std::string const& name) {
  return json::parse(R"({"type":"function","function":{"name":")" + name +
                     R"(","description":"Gives the weather.","parameters":{"type":"object","properties":)" +
                     R"({"city":{"type":"string"},"days":{"type":"integer"}},"required":["city"]}}})");
}

// Turns of a user's question, a tool call, its result and an answer, until the request has about so many bytes.
std::string request_text(std::size_t size) {
  std::size_t const piece = size < 10'000 ? 60 : 600;
  claudio::chat_request request;
  request.model("claude-sonnet-4-6").max_tokens(1000).temperature(0.7).system("You are a helpful assistant.");
  json::array tools;
  for (int i = 0; i < (size < 10'000 ? 1 : 10); ++i)
    tools.push_back(tool("get_weather_" + std::to_string(i)));
  request.set("tools", tools);
  for (int turn = 0; json::serialize(request.json()).size() + piece < size; ++turn) {
    std::string const id = "call_" + std::to_string(turn);
    request.user(prose(piece));
    request.message(json::parse(R"({"role":"assistant","content":null,"tool_calls":[{"id":")" + id +
                                R"(","type":"function","function":{"name":"get_weather_0","arguments":)" +
                                R"("{\"city\":\"Paris\",\"days\":3}"}}]})")
                        .as_object());
    json::object result;
    result.emplace("role", "tool");
    result.emplace("tool_call_id", id);
    result.emplace("content", prose(piece));
    request.message(std::move(result));
    request.assistant(prose(piece));
  }
  return json::serialize(request.user("And then?").json());
}

std::string answer_text(std::size_t size) {
  json::object call;
  call.emplace("type", "tool_use");
  call.emplace("id", "toolu_01");
  call.emplace("name", "get_weather_0");
  call.emplace("input", json::parse(R"({"city":"Paris","days":3})"));
  json::array content;
  json::object text;
  text.emplace("type", "text");
  text.emplace("text", prose(size - 450));
  content.push_back(std::move(text));
  content.push_back(std::move(call));
  auto answer = json::parse(R"({"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-6",
    "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":250,"cache_creation_input_tokens":0,
    "cache_read_input_tokens":0,"output_tokens":170,"service_tier":"standard"}})");
  answer.as_object()["content"] = std::move(content);
  return json::serialize(answer);
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes));
  state.counters["size"] = static_cast<double>(bytes);
}

void json_only(benchmark::State& state, std::string const& text) {
  for (auto _ : state)
    benchmark::DoNotOptimize(json::serialize(json::parse(text)));
  count_bytes(state, text.size());
}

void request_json_only(benchmark::State& state) {
  json_only(state, request_text(static_cast<std::size_t>(state.range(0))));
}

void request_translated(benchmark::State& state) {
  auto const text = request_text(static_cast<std::size_t>(state.range(0)));
  claudio::translation_target target;
  target.model = "claude-sonnet-4-6";
  target.capabilities = claudio::capabilities_of(target.model);
  for (auto _ : state) {
    auto const translated = claudio::to_anthropic(std::move(*claudio::chat_request::parse(text)), target);
    benchmark::DoNotOptimize(json::serialize(translated->request.json()));
  }
  count_bytes(state, text.size());
}

void request_text_translated(benchmark::State& state) {
  auto const text = request_text(static_cast<std::size_t>(state.range(0)));
  claudio::translation_target target;
  target.model = "claude-sonnet-4-6";
  target.capabilities = claudio::capabilities_of(target.model);
  for (auto _ : state)
    benchmark::DoNotOptimize(claudio::to_anthropic_text(text, target)->text);
  count_bytes(state, text.size());
}

void answer_json_only(benchmark::State& state) {
  json_only(state, answer_text(static_cast<std::size_t>(state.range(0))));
}

void answer_translated(benchmark::State& state) {
  auto const text = answer_text(static_cast<std::size_t>(state.range(0)));
  claudio::answer_context const context;
  for (auto _ : state) {
    auto const translated = claudio::to_openai(std::move(*claudio::message::parse(text)), context, {});
    benchmark::DoNotOptimize(json::serialize(translated.json()));
  }
  count_bytes(state, text.size());
}

void answer_text_translated(benchmark::State& state) {
  auto const text = answer_text(static_cast<std::size_t>(state.range(0)));
  claudio::answer_context const context;
  std::vector<std::string> warnings;
  for (auto _ : state)
    benchmark::DoNotOptimize(*claudio::to_openai_text(text, context, {}, warnings));
  count_bytes(state, text.size());
}

BENCHMARK(request_json_only)->Arg(1000)->Arg(100'000);
BENCHMARK(request_translated)->Arg(1000)->Arg(100'000);
BENCHMARK(request_text_translated)->Arg(1000)->Arg(100'000);
BENCHMARK(answer_json_only)->Arg(1000)->Arg(100'000);
BENCHMARK(answer_translated)->Arg(1000)->Arg(100'000);
BENCHMARK(answer_text_translated)->Arg(1000)->Arg(100'000);

} // namespace
