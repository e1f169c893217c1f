#include "testing/reply_writer.hpp"

#include "core/json_access.hpp"
#include "testing/dates.hpp"

#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace claudio::testing {
namespace http = boost::beast::http;
namespace json = boost::json;

namespace {

// Events that need not leave alone leave together, up to about a TLS record.
constexpr std::size_t piece_size = 16 * 1024;
constexpr std::string_view last_chunk = "0\r\n\r\n";

void append_chunk(std::string& bytes, std::string const& text) {
  std::array<char, 16> digits{};
  auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), text.size(), 16).ptr;
  bytes.append(digits.data(), end).append("\r\n").append(text).append("\r\n");
}

std::uint64_t chunked_size(std::vector<stream_event> const& events) {
  std::uint64_t size = last_chunk.size();
  for (auto const& event : events) {
    std::string chunk;
    append_chunk(chunk, event.text);
    size += chunk.size() * event.times;
  }
  return size;
}

using header_list = std::vector<std::pair<std::string, std::string>>;

std::string make_head(int status, header_list framing, header_list const& replacements, std::uint64_t number,
                      std::chrono::sys_seconds date) {
  header_list headers{{"date", http_date(date)},
                      {"request-id", make_id("req_", number)},
                      {"anthropic-organization-id", std::string(organization_id)},
                      {"server", "claudio-fake"}};
  headers.insert(headers.begin(), framing.begin(), framing.end());
  for (auto const& [name, value] : replacements) {
    auto const same = std::find_if(headers.begin(), headers.end(), [&](auto const& old) { return old.first == name; });
    if (same == headers.end())
      headers.emplace_back(name, value);
    else
      same->second = value;
  }
  std::string head = "HTTP/1.1 " + std::to_string(status) + " " +
                     std::string(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)))) + "\r\n";
  for (auto const& [name, value] : headers)
    head += name + ": " + value + "\r\n";
  return head + "\r\n";
}

// An empty one where the text is something else.
json::object parse_object(std::string_view text) {
  auto parsed = parse_json(text);
  return parsed && parsed->is_object() ? std::move(parsed->get_object()) : json::object();
}

} // namespace

answer reply_writer::make_answer(reply const& made, received_request const& request, json::object const& asked,
                                 std::uint64_t number) {
  answer said;
  said.model = find_string(asked, "model");
  said.request_bytes = request.body.size();
  said.number = number;
  said.repeat = made.repeat_deltas_;
  said.content = made.thinking_;
  if (!made.text_.empty() || made.tool_calls_.empty()) {
    json::object block;
    block.emplace("type", "text");
    block.emplace("text", made.text_.empty() ? echo(asked) : made.text_);
    said.content.emplace_back(std::move(block));
  }
  std::uint64_t calls = 0;
  for (auto const& call : made.tool_calls_) {
    json::object block = call.get_object();
    if (find_string(block, "id").empty())
      block["id"] = make_id("toolu_", number * 1000 + calls++);
    said.content.emplace_back(std::move(block));
  }
  said.stop_reason = made.tool_calls_.empty() ? "end_turn" : "tool_use";
  if (!made.stop_reason_.empty())
    said.stop_reason = made.stop_reason_;
  return said;
}

reply_writer::reply_writer(reply const& made, received_request const& request, std::uint64_t number,
                           std::chrono::sys_seconds date)
    : number_(number), date_(date), delay_(made.delay_), ending_(made.then_close_ ? ending::close : ending::keep) {
  if (made.raw_) {
    first_ = *made.raw_;
    apply_fault(made, 0, first_.size());
  } else if (!answers(made)) {
    set_body(made, made.body_ ? *made.body_ : error_body(made.status_, "", number));
  } else {
    json::object const asked = parse_object(request.body);
    auto said = make_answer(made, request, asked, number);
    auto const* stream = asked.if_contains("stream");
    if (stream && stream->is_bool() && stream->get_bool())
      set_stream(made, said);
    else
      set_body(made, answer_body(std::move(said)));
  }
}

void reply_writer::set_body(reply const& made, std::string const& body) {
  header_list const framing{{"content-type", made.content_type_}, {"content-length", std::to_string(body.size())}};
  std::string const head = make_head(made.status_, framing, made.headers_, number_, date_);
  first_ = head + body;
  apply_fault(made, head.size(), body.size());
}

void reply_writer::set_stream(reply const& made, answer const& said) {
  events_ = made.pings_only_ ? ping_events(said) : answer_events(said);
  if (made.events_)
    cut_events(events_, *made.events_);
  if (!made.error_type_.empty())
    events_.push_back(error_event(made.error_type_, made.error_message_));
  pace_ = made.pace_;
  piece_per_event_ = made.record_per_event_ || pace_.count() > 0;
  header_list const framing{{"content-type", "text/event-stream; charset=utf-8"},
                            {"cache-control", "no-cache"},
                            {"transfer-encoding", "chunked"}};
  first_ = make_head(made.status_, framing, made.headers_, number_, date_);
  apply_fault(made, first_.size(), chunked_size(events_));
}

void reply_writer::apply_fault(reply const& made, std::uint64_t head_size, std::uint64_t body_size) {
  left_ = made.fault_after_;
  switch (made.fault_) {
  case reply::fault::none:
    left_ = std::numeric_limits<std::uint64_t>::max();
    break;
  case reply::fault::half_body:
    left_ = head_size + body_size / 2;
    ending_ = ending::close;
    break;
  case reply::fault::reset:
    ending_ = ending::reset;
    break;
  case reply::fault::close:
    ending_ = ending::close;
    break;
  case reply::fault::stall:
    ending_ = ending::stall;
    break;
  }
}

std::optional<reply_writer::piece> reply_writer::next() {
  piece made;
  made.pause = std::exchange(delay_, std::chrono::milliseconds(0));
  made.bytes = std::exchange(first_, std::string());
  if (made.bytes.empty() || (streams() && !piece_per_event_))
    append_events(made);
  if (made.bytes.size() > left_)
    made.bytes.resize(static_cast<std::size_t>(left_));
  left_ -= made.bytes.size();
  if (made.bytes.empty() && made.pause.count() == 0)
    return std::nullopt;
  return made;
}

// One event where each leaves alone, else as many as make a good write.
void reply_writer::append_events(piece& made) {
  if (!streams() || over_ || left_ == 0)
    return;
  do {
    while (event_ < events_.size() && repetition_ == events_[event_].times) {
      ++event_;
      repetition_ = 0;
    }
    if (event_ == events_.size()) {
      made.bytes += last_chunk;
      over_ = true;
      return;
    }
    if (event_ > 0 || repetition_ > 0)
      made.pause = std::max(made.pause, pace_);
    append_chunk(made.bytes, events_[event_].text);
    ++repetition_;
  } while (!piece_per_event_ && made.bytes.size() < piece_size);
}

std::optional<answer> reply_writer::answer_of(reply const& made, received_request const& request,
                                              std::uint64_t number) {
  if (made.raw_ || !answers(made))
    return std::nullopt;
  return make_answer(made, request, parse_object(request.body), number);
}

std::string reply_writer::text(reply const& made, received_request const& request) {
  std::string const status = std::to_string(made.status_) + " ";
  if (!answers(made))
    return status + (made.body_ ? *made.body_ : error_body(made.status_, "", 1));
  return status + answer_body(make_answer(made, request, parse_object(request.body), 1));
}

std::string reply_text(reply const& made, received_request const& request) { return reply_writer::text(made, request); }

} // namespace claudio::testing
