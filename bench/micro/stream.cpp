// A stream of text from bytes to chunks in OpenAI's format, beside what it can't do without: finding the line ends, and
// parsing the events' JSON.
#include <claudio/sse.hpp>
#include <claudio/stream_translator.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstring>

namespace {

constexpr std::int64_t event_count = 206;
constexpr std::size_t read_size = 4096;

std::string stream_text() {
  std::string stream;
  auto const add = [&](std::string const& type, std::string const& rest) {
    stream += "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + rest + "}\n\n";
  };
  add("message_start", R"(,"message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[]})");
  add("content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})");
  for (std::int64_t i = 0; i < event_count - 5; ++i)
    add("content_block_delta", R"(,"index":0,"delta":{"type":"text_delta","text":" some"})");
  add("content_block_stop", R"(,"index":0)");
  add("message_delta", R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":200})");
  add("message_stop", "");
  return stream;
}

void count_events(benchmark::State& state, std::string const& stream) {
  auto const events = static_cast<double>(state.iterations() * event_count);
  state.counters["event"] = benchmark::Counter(events, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
}

void line_ends_found(benchmark::State& state) {
  auto const stream = stream_text();
  for (auto _ : state) {
    std::size_t lines = 0;
    char const* at = stream.data();
    char const* const end = at + stream.size();
    while (auto const* found = static_cast<char const*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) {
      ++lines;
      at = found + 1;
    }
    benchmark::DoNotOptimize(lines);
  }
  count_events(state, stream);
}
BENCHMARK(line_ends_found);

void json_parsed(benchmark::State& state) {
  auto const stream = stream_text();
  std::vector<std::string> data;
  claudio::sse_parser parser;
  parser.feed(stream);
  while (auto const event = parser.next())
    data.emplace_back(event->data);
  for (auto _ : state)
    for (auto const& text : data)
      benchmark::DoNotOptimize(boost::json::parse(text));
  count_events(state, stream);
}
BENCHMARK(json_parsed);

void chunks_made(benchmark::State& state) {
  auto const stream = stream_text();
  std::string out;
  for (auto _ : state) {
    claudio::stream_translator translator(claudio::answer_context(), {});
    for (std::string_view rest = stream; !rest.empty(); rest.remove_prefix(std::min(read_size, rest.size()))) {
      out.clear();
      translator.feed(rest.substr(0, read_size), out);
      benchmark::DoNotOptimize(out.data());
    }
    if (!translator.done())
      state.SkipWithError("the stream did not end");
  }
  count_events(state, stream);
}
BENCHMARK(chunks_made);

} // namespace
