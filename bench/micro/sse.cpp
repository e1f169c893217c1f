// The events of a 25 KB stream that comes in 4 KB reads, beside a bare search for the line ends of the same reads.
#include <claudio/sse.hpp>

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstring>

namespace {

constexpr std::int64_t event_count = 206;
constexpr std::size_t read_size = 4096;

void append_event(std::string& stream, std::string_view type, std::string_view rest) {
  stream.append("event: ").append(type).append("\ndata: {\"type\":\"").append(type).append("\"").append(rest);
  stream.append("}\n\n");
}

std::string stream_text() {
  std::string stream;
  append_event(stream, "message_start",
               R"(,"message":{"id":"msg_1","type":"message","role":"assistant","content":[]})");
  append_event(stream, "content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})");
  append_event(stream, "ping", "");
  for (std::int64_t i = 0; i < event_count - 6; ++i)
    append_event(stream, "content_block_delta", R"(,"index":0,"delta":{"type":"text_delta","text":" some"})");
  append_event(stream, "content_block_stop", R"(,"index":0)");
  append_event(stream, "message_delta", R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":200})");
  append_event(stream, "message_stop", "");
  return stream;
}

template <class Function>
void for_each_read(std::string_view stream, Function function) {
  for (; !stream.empty(); stream.remove_prefix(std::min(read_size, stream.size())))
    function(stream.substr(0, read_size));
}

void count_events(benchmark::State& state, std::string const& stream) {
  auto const events = static_cast<double>(state.iterations() * event_count);
  state.counters["event"] = benchmark::Counter(events, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
}

void events_parsed(benchmark::State& state) {
  auto const stream = stream_text();
  claudio::sse_parser parser;
  std::int64_t count = 0;
  for (auto _ : state)
    for_each_read(stream, [&](std::string_view bytes) {
      parser.feed(bytes);
      while (auto event = parser.next()) {
        benchmark::DoNotOptimize(event);
        ++count;
      }
    });
  if (count != state.iterations() * event_count)
    state.SkipWithError("not the events that were sent");
  count_events(state, stream);
}
BENCHMARK(events_parsed);

void line_ends_only(benchmark::State& state) {
  auto const stream = stream_text();
  for (auto _ : state)
    for_each_read(stream, [](std::string_view bytes) {
      auto const* begin = bytes.data();
      auto const* const end = begin + bytes.size();
      while (auto const* found = std::memchr(begin, '\n', static_cast<std::size_t>(end - begin))) {
        benchmark::DoNotOptimize(found);
        begin = static_cast<char const*>(found) + 1;
      }
    });
  count_events(state, stream);
}
BENCHMARK(line_ends_only);

} // namespace
