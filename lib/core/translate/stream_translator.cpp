#include "core/message_reader.hpp"
#include "core/translate/chunks.hpp"

#include <claudio/stream_translator.hpp>

#include <boost/json/serialize.hpp>

namespace claudio {
namespace json = boost::json;

class stream_translator::state {
public:
  using step = message_reader::step;

  state(answer_context given, std::chrono::system_clock::time_point at)
      : context(std::move(given)), created(at), maker(context, created) {}

  void take_events(std::string& out) {
    while (!done) {
      switch (reader.next()) {
      case step::event:
        write_chunks(out);
        break;
      case step::large:
        reader.parse_large();
        break;
      case step::more:
        return;
      case step::end:
        done = true;
        out += "data: [DONE]\n\n";
        break;
      case step::cut:
        fail(error(errc::stream_truncated, "the stream ended before its answer was complete"), out);
        break;
      case step::failed:
        fail(reader.failure(response_facts(), {}, created), out);
        break;
      }
    }
  }

  answer_context const context;
  std::chrono::system_clock::time_point const created;
  message_reader reader;
  chunk_maker maker;
  bool done = false;

private:
  void write_chunks(std::string& out) {
    maker.apply(reader.event(), reader.answer());
    while (auto const* chunk = maker.next()) {
      out.append("data: ", 6);
      chunk->write(out);
      out.append("\n\n", 2);
    }
  }

  void fail(error const& failure, std::string& out) {
    done = true;
    out += "data: " + json::serialize(to_openai_error(failure).body) + "\n\n";
  }
};

stream_translator::stream_translator(answer_context context, std::chrono::system_clock::time_point created)
    : state_(std::make_unique<state>(std::move(context), created)) {}
stream_translator::stream_translator(stream_translator&&) noexcept = default;
stream_translator& stream_translator::operator=(stream_translator&&) noexcept = default;
stream_translator::~stream_translator() = default;

void stream_translator::feed(std::string_view bytes, std::string& out) {
  if (state_->done)
    return;
  state_->reader.feed(bytes);
  state_->take_events(out);
}

void stream_translator::finish(std::string& out) {
  state_->reader.finish();
  state_->take_events(out);
}

bool stream_translator::done() const noexcept { return state_->done; }

chat_response stream_translator::response() const {
  auto const& answer = state_->reader.answer();
  std::vector<std::string> warnings;
  if (answer.repaired())
    warnings.emplace_back(message_accumulator::repair_warning);
  return to_openai(answer.result(), state_->context, state_->created, std::move(warnings));
}

} // namespace claudio
