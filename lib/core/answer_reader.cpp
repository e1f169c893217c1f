#include "core/answer_reader.hpp"

#include "core/answer_events.hpp"

#include <algorithm>
#include <limits>

namespace claudio {

namespace {

bool is_blank(std::string_view data) noexcept {
  return std::all_of(data.begin(), data.end(), [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
}

} // namespace

void answer_reader::restart() {
  parser_ = sse_parser(limit_);
  json_.clear();
  fault_.reset();
  form_ = form::unknown;
  ended_ = false;
  failed_ = false;
}

std::span<char> answer_reader::prepare(std::size_t n) {
  prepared_ = parser_.prepare(n);
  return prepared_;
}

void answer_reader::commit(std::size_t n) {
  std::string_view const bytes(prepared_.data(), n);
  if (form_ == form::unknown) {
    // Behind white space and a byte order mark.
    auto const first = bytes.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    if (first != std::string_view::npos)
      form_ = bytes[first] == '{' ? form::json : form::events;
  }
  if (form_ != form::json)
    return parser_.commit(n);
  if (json_.size() + n <= limit_)
    json_ += bytes;
  else
    fault_.emplace(errc::protocol, "the answer is larger than " + std::to_string(limit_) + " bytes");
}

void answer_reader::feed(std::string_view bytes) {
  bytes.copy(prepare(bytes.size()).data(), bytes.size());
  commit(bytes.size());
}

void answer_reader::finish() {
  if (form_ == form::json && !fault_)
    read_json();
  parser_.finish();
  ended_ = true;
}

// One that ends early is left to be found cut off.
void answer_reader::read_json() {
  if (!event_.read(json_))
    return;
  if (event_.type() == "message" && !event_.is_error()) {
    if (event_.repaired())
      answer_.note_repair();
    // Written out, its texts may be longer than they came.
    parser_ = sse_parser(std::numeric_limits<std::size_t>::max());
    parser_.feed(to_answer_events(event_.json()));
  } else {
    failed_ = true;
  }
}

inline answer_reader::step answer_reader::take(sse_event const& event) {
  bool const is_json = event_.read(event.data);
  if (event.name == "error" || (is_json && event_.is_error())) {
    failed_ = true;
    return step::failed;
  }
  if (!is_json) {
    fault_.emplace(errc::protocol, "the stream has an event whose data is not a JSON object");
    return step::failed;
  }
  event_.redact(secrets_);
  if (auto const taken = answer_.apply(event_); !taken) {
    fault_ = taken.error();
    return step::failed;
  }
  return step::event;
}

answer_reader::step answer_reader::next() {
  if (answer_.complete())
    return step::end;
  if (failed_ || fault_)
    return step::failed;
  while (auto const event = parser_.next())
    if (event->name == "error" || !is_blank(event->data))
      return take(*event);
  if (parser_.failure()) {
    fault_ = parser_.failure();
    return step::failed;
  }
  return ended_ ? step::cut : step::more;
}

error answer_reader::failure(response_facts head, std::span<std::string_view const> secrets,
                             std::chrono::system_clock::time_point now) const {
  if (fault_)
    return *fault_;
  head.status = 200;
  head.body = event_.text();
  bool const is_answer = form_ != form::json || event_.is_error();
  return is_answer ? make_stream_error(head, secrets, now) : make_response_error(head, secrets, now);
}

} // namespace claudio
