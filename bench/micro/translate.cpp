// Translation of a 1 KB request and its answer, beside Boost.JSON's parse and serialize of the same text.
#include <claudio/translate.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <benchmark/benchmark.h>

namespace {

std::string request_text() {
  claudio::chat_request request;
  request.system("You are a helpful assistant.").model("claude-sonnet-4-6").max_tokens(1000).temperature(0.7);
  for (int turn = 0; turn < 5; ++turn)
    request.user(std::string(80, 'u')).assistant(std::string(80, 'a'));
  request.user("And then?");
  return boost::json::serialize(request.json());
}

std::string answer_text() {
  return R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"text","text":")" +
         std::string(700, 'x') +
         R"("}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":250,"output_tokens":170}})";
}

claudio::translation_target target() {
  claudio::translation_target made;
  made.model = "claude-sonnet-4-6";
  made.capabilities = claudio::capabilities_of(made.model);
  return made;
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes));
}

void request_json_only(benchmark::State& state) {
  auto const text = request_text();
  for (auto _ : state)
    benchmark::DoNotOptimize(boost::json::serialize(boost::json::parse(text)));
  count_bytes(state, text.size());
}
BENCHMARK(request_json_only);

void request_translated(benchmark::State& state) {
  auto const text = request_text();
  auto const to = target();
  for (auto _ : state) {
    auto const translated = claudio::to_anthropic(claudio::chat_request::parse(text).value(), to);
    benchmark::DoNotOptimize(boost::json::serialize(translated->request.json()));
  }
  count_bytes(state, text.size());
}
BENCHMARK(request_translated);

void answer_json_only(benchmark::State& state) {
  auto const text = answer_text();
  for (auto _ : state)
    benchmark::DoNotOptimize(boost::json::serialize(boost::json::parse(text)));
  count_bytes(state, text.size());
}
BENCHMARK(answer_json_only);

void answer_translated(benchmark::State& state) {
  auto const text = answer_text();
  for (auto _ : state) {
    auto const answer = claudio::message::parse(text);
    auto const translated = claudio::to_openai(*answer, {}, {});
    benchmark::DoNotOptimize(boost::json::serialize(translated.json()));
  }
  count_bytes(state, text.size());
}
BENCHMARK(answer_translated);

} // namespace
