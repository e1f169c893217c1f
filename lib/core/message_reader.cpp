#include "core/message_reader.hpp"

#include "core/answer_events.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace claudio {

namespace {

bool is_blank(std::string_view data) noexcept {
  return std::all_of(data.begin(), data.end(), [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
}

} // namespace

void message_reader::restart() {
  parser_ = sse_parser(limit_);
  json_.clear();
  large_part_ = part::none;
  ready_.reset();
  fault_.reset();
  form_ = form::unknown;
  ended_ = false;
  failed_ = false;
}

std::span<char> message_reader::prepare(std::size_t n) {
  prepared_ = parser_.prepare(n);
  return prepared_;
}

void message_reader::commit(std::size_t n) {
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
    fault_ = answer_too_large(limit_);
}

void message_reader::feed(std::string_view bytes) {
  bytes.copy(prepare(bytes.size()).data(), bytes.size());
  commit(bytes.size());
}

void message_reader::finish() {
  parser_.finish();
  if (form_ == form::json && !fault_)
    read_json();
  ended_ = true;
}

void message_reader::read_json() {
  if (json_.size() > sliced_json::small)
    set_large(part::body, json_);
  else
    take_json(event_.read(json_));
}

// A body that ends early is left to be found cut off.
void message_reader::take_json(bool is_json) {
  if (!is_json)
    return;
  if (event_.type() == "message" && !event_.is_error()) {
    if (event_.repaired())
      answer_.note_repair();
    // Written out, its texts may be longer than they came.
    answer_.lift_limit();
    parser_ = sse_parser(std::numeric_limits<std::size_t>::max());
    parser_.feed(to_answer_events(event_.json()));
    parser_.finish();
  } else {
    failed_ = true;
  }
}

void message_reader::set_large(part what, std::string_view text) {
  large_part_ = what;
  large_ = text;
  repaired_.reset();
}

void message_reader::take_large(sliced_json& parsed) {
  auto value = parsed.take();
  if (!value && !repaired_) {
    repaired_ = repair_unicode(large_);
    if (repaired_) {
      large_ = *repaired_;
      return;
    }
  }
  auto const what = std::exchange(large_part_, part::none);
  if (what == part::input) {
    answer_.end_input(event_, std::move(value), parsed.values(), repaired_.has_value());
    ready_ = take(true);
    return;
  }
  bool const is_json = value && event_.read(large_, std::move(*value), parsed.values(), std::move(repaired_));
  if (what == part::body)
    take_json(is_json);
  else if (is_json || name_ == "error")
    ready_ = take(is_json);
  else
    fault_.emplace(errc::protocol, "the stream has an event that is " +
                                       (value ? std::string("no JSON object") : value.error().message()));
}

void message_reader::parse_large() {
  sliced_json parsing(large_);
  while (parsing.parse_some()) {
  }
  take_large(parsing);
}

inline message_reader::step message_reader::read_event(sse_event const& event) {
  name_ = event.name;
  if (event.data.size() > sliced_json::small) {
    set_large(part::event, event.data);
    return step::large;
  }
  bool const is_json = event_.read(event.data);
  if (is_json && answer_.ending_input(event_).size() > sliced_json::small) {
    set_large(part::input, answer_.ending_input(event_));
    return step::large;
  }
  return take(is_json);
}

inline message_reader::step message_reader::take(bool is_json) {
  if (name_ == "error" || (is_json && event_.is_error())) {
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

message_reader::step message_reader::next() {
  if (large_part_ != part::none)
    return step::large;
  if (auto const ready = std::exchange(ready_, std::nullopt))
    return *ready;
  if (answer_.complete())
    return step::end;
  if (failed_ || fault_)
    return step::failed;
  while (auto const event = parser_.next())
    if (event->name == "error" || !is_blank(event->data))
      return read_event(*event);
  if (parser_.failure()) {
    fault_ = answer_too_large(limit_);
    return step::failed;
  }
  return ended_ ? step::cut : step::more;
}

error message_reader::failure(response_facts head, std::span<std::string_view const> secrets,
                              std::chrono::system_clock::time_point now) const {
  if (fault_)
    return *fault_;
  head.status = 200;
  head.body = event_.text();
  bool const is_answer = form_ != form::json || event_.is_error();
  return is_answer ? make_stream_error(head, secrets, now) : make_response_error(head, secrets, now);
}

} // namespace claudio
