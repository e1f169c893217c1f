// Whatever a stream holds and however it is split, it becomes the same events in OpenAI's format, which end with [DONE]
// or an error. What is read of an event without a JSON parser is what the parser finds. The input: a byte that chooses
// the context, the size of the reads, the stream.
#include "core/block_delta.hpp"
#include "core/json_access.hpp"
#include "support/merged_chunks.hpp"

#include <claudio/sse.hpp>
#include <claudio/stream_translator.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

std::string translate(claudio::answer_context const& context, std::string_view stream, std::size_t read_size) {
  claudio::stream_translator translator(context, {});
  std::string out;
  for (; !stream.empty(); stream.remove_prefix(std::min(read_size, stream.size())))
    translator.feed(stream.substr(0, read_size), out);
  translator.finish(out);
  require(translator.done());
  (void)translator.response();
  return out;
}

void check_plain_deltas(std::string_view stream) {
  claudio::sse_parser parser;
  parser.feed(stream);
  std::string unescaped;
  while (auto const event = parser.next()) {
    auto const plain = claudio::block_delta::read(event->data, unescaped);
    if (!plain)
      continue;
    auto const parsed = claudio::parse_json(event->data);
    require(parsed && parsed->is_object());
    auto const known = claudio::block_delta::of(parsed->get_object());
    require(known && known->index == plain->index && known->part == plain->part && known->text == plain->text);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  if (size < 2)
    return 0;
  std::string_view const stream(reinterpret_cast<char const*>(bytes) + 2, size - 2);
  claudio::answer_context context;
  context.function_call = (bytes[0] & 1) != 0;
  context.hide_reasoning = (bytes[0] & 2) != 0;
  context.usage_in_stream = (bytes[0] & 4) != 0;
  if (bytes[0] & 8)
    context.json_tool = "get";
  if (bytes[0] & 16)
    context.prefill = "{";
  auto const out = translate(context, stream, stream.size() + 1);
  require(translate(context, stream, 1u + bytes[1]) == out);
  check_plain_deltas(stream);

  claudio::sse_parser parser;
  parser.feed(out);
  std::string last;
  while (auto const event = parser.next()) {
    last = event->data;
    require(last.find("system_fingerprint") == std::string::npos || stream.find("system_fingerprint") != stream.npos);
  }
  require(!claudio::test::merged_chunks(out).fault.ends_with("comes twice"));
  require(last == "[DONE]" || last.starts_with("{\"error\":"));
  return 0;
}
