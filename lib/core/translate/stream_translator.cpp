#include "core/event_json.hpp"
#include "core/message_accumulator.hpp"
#include "core/response_error.hpp"
#include "core/translate/chunks.hpp"

#include <claudio/sse.hpp>
#include <claudio/stream_translator.hpp>

#include <boost/json/serialize.hpp>

namespace claudio {
namespace json = boost::json;

class stream_translator::state {
public:
  state(answer_context given, std::chrono::system_clock::time_point at)
      : context(std::move(given)), created(at), maker(context, created) {}

  void take_events(std::string& out) {
    while (auto const event = parser.next()) {
      if (done)
        return;
      take_event(*event, out);
    }
    if (auto const failure = parser.failure())
      fail(*failure, out);
  }

  void fail(error const& failure, std::string& out) {
    if (done)
      return;
    done = true;
    out += "data: " + json::serialize(to_openai_error(failure).body) + "\n\n";
  }

  answer_context const context;
  std::chrono::system_clock::time_point const created;
  sse_parser parser;
  event_json event_memory;
  message_accumulator accumulator;
  chunk_maker maker;
  bool done = false;

private:
  void take_event(sse_event const& event, std::string& out) {
    if (!event_memory.read(event.data))
      return fail(error(errc::protocol, "the stream has an event whose data is not a JSON object"), out);
    if (event_memory.type() == "error") {
      response_facts facts;
      facts.status = 200;
      facts.body = event.data;
      return fail(make_response_error(facts, {}, created), out);
    }
    if (!accumulator.apply(event_memory))
      return fail(
          error(errc::protocol, "the stream's answer is larger than 32 MiB, or has more values than any answer"), out);
    maker.apply(event_memory, accumulator);
    while (auto const* chunk = maker.next()) {
      out += "data: ";
      chunk->write(out);
      out += "\n\n";
    }
    if (!accumulator.complete())
      return;
    out += "data: [DONE]\n\n";
    done = true;
  }
};

stream_translator::stream_translator(answer_context context, std::chrono::system_clock::time_point created)
    : state_(std::make_unique<state>(std::move(context), created)) {}
stream_translator::stream_translator(stream_translator&&) noexcept = default;
stream_translator& stream_translator::operator=(stream_translator&&) noexcept = default;
stream_translator::~stream_translator() = default;

void stream_translator::feed(std::string_view bytes, std::string& out) {
  state_->parser.feed(bytes);
  state_->take_events(out);
}

void stream_translator::finish(std::string& out) {
  state_->parser.finish();
  state_->take_events(out);
  state_->fail(error(errc::stream_truncated, "the stream ended before its answer was complete"), out);
}

bool stream_translator::done() const noexcept { return state_->done; }

chat_response stream_translator::response() const {
  return to_openai(state_->accumulator.result(), state_->context, state_->created);
}

} // namespace claudio
