#include "call/live_source.hpp"

#include "async/parse_in_slices.hpp"
#include "call/whole_message.hpp"
#include "core/lower_case.hpp"
#include "core/utf8.hpp"
#include "observe/loggers.hpp"

#include <chrono>

namespace claudio::detail {
namespace asio = boost::asio;

namespace {

constexpr std::size_t read_size = 16 * 1024;

} // namespace

live_source::live_source(std::shared_ptr<endpoint> const& of, call_options const& options)
    : call(of, options), answer_source(of->home), observer_(options.observer), reader_(of->options.max_answer_bytes) {}

live_source::~live_source() {
  if (!opened_)
    return;
  error const failure(errc::cancelled, "the stream was dropped before its end");
  progress.info.served_model = shortened(response().model(), longest_model_name);
  progress.finish();
  tell_end(&failure);
}

// A server that can't stream answers whole.
bool live_source::takes(http_response const& response) const {
  auto const type = lower_case(response.header("content-type"));
  return response.status == 200 && !response.headers.has_content_coding() &&
         (type.starts_with("text/event-stream") || type.starts_with("application/json"));
}

// Reads up to the first event, which stays to be taken. Its failure is one of the attempt: nothing was handed out yet.
asio::awaitable<result<void>> live_source::read(session_lease& lease, http_response& response) {
  lease_ = std::move(lease);
  head_ = response;
  reader_.hide({secrets().begin(), secrets().end()});
  // An attempt before this one may have left half an event.
  reader_.restart();
  failure_.reset();
  while (true) {
    auto outcome = poll();
    if (outcome && outcome->has_error())
      co_return outcome->error();
    // A ping says nothing yet.
    if (outcome && !so_far().started() && **outcome && (**outcome)->type() == "ping")
      continue;
    if (outcome) {
      ahead_ = std::move(outcome);
      opened_ = true;
      progress.begin_stream();
      co_return result<void>();
    }
    auto waiting = wait();
    auto const waited = co_await std::move(waiting);
    if (!waited) {
      release();
      co_return waited.error();
    }
  }
}

// The permit is kept until the stream's end.
void live_source::settle(traffic::permit permit, response_headers const& headers) {
  permit.answered(headers);
  permit_ = std::move(permit);
}

std::optional<live_source::event_result> live_source::poll() {
  if (ahead_) {
    auto outcome = std::move(ahead_);
    ahead_.reset();
    return outcome;
  }
  if (failure_)
    return event_result(*failure_);
  switch (reader_.next()) {
  case message_reader::step::event:
    return take_event();
  case message_reader::step::end:
    return event_result(std::optional<message_event>());
  case message_reader::step::more:
  case message_reader::step::large:
    return std::nullopt;
  case message_reader::step::cut:
    return fail(truncation());
  case message_reader::step::failed:
    break;
  }
  return fail(reader_.failure(facts_of(head_), secrets(), std::chrono::system_clock::now()));
}

live_source::event_result live_source::take_event() {
  auto const type = event().type();
  if (type != "ping")
    progress.note_content();
  if (type == block_delta::event_type)
    note_chunk();
  if (so_far().complete())
    end_body();
  return std::optional<message_event>(message_event(event()));
}

// Before the first event nothing was handed out, so that the call can be made again.
error live_source::truncation() const {
  error_details details;
  details.message =
      opened_ ? "the stream ended before its answer was complete" : "the stream ended before its first event";
  if (!opened_)
    details.should_retry = true;
  return error(errc::stream_truncated, 0, std::move(details));
}

void live_source::note_chunk() {
  if (told_.chunks++ == 0)
    told_.first_chunk = arrived_ - progress.begun();
  else
    told_.intervals.add(arrived_ - last_chunk_);
  last_chunk_ = arrived_;
}

// The answer is complete, and nothing is waited for any more. If its body has ended too, as far as that has arrived,
// the session is fit for another request.
void live_source::end_body() {
  constexpr int most_reads = 128;
  char rest[1024];
  result<std::size_t> read = std::size_t{1};
  for (int i = 0; i < most_reads && read && *read > 0; ++i)
    read = lease_->read_arrived(rest);
  if (read && *read == 0)
    lease_.conclude(true);
  release();
}

asio::awaitable<void> live_source::parse_large() {
  sliced_json parsing(reader_.large());
  auto work = parse_in_slices(parsing);
  co_await std::move(work);
  reader_.take_large(parsing);
}

asio::awaitable<result<void>> live_source::wait() {
  if (reader_.has_large()) {
    auto work = parse_large();
    co_await std::move(work);
    co_return result<void>();
  }
  stopwatch const watch(progress.info.body);
  auto reading = lease_->read_some(reader_.prepare(read_size), progress);
  auto read = co_await std::move(reading);
  if (!read)
    co_return read.error();
  reader_.commit(*read);
  arrived_ = call_progress::clock::now();
  if (*read == 0)
    reader_.finish();
  co_return result<void>();
}

live_source::event_result live_source::fail(error failure) {
  release();
  // Else it is an attempt's, which may be followed by another.
  failure_.emplace(opened_ ? progress.finish(where->pool->explain(failure)) : failure);
  if (opened_)
    tell_end(&*failure_);
  return *failure_;
}

// Closes the session, or gives it back.
void live_source::release() {
  progress.info.served_model = shortened(response().model(), longest_model_name);
  if (so_far().complete())
    progress.info.cost = where->cost_of(response());
  if (so_far().repaired())
    call_log().warn("repaired call={} {}", progress.number, message_accumulator::repair_warning);
  reader_.answer().info(progress.finish());
  lease_ = session_lease();
  permit_.ended(so_far().complete() ? std::optional(response().usage()) : std::nullopt);
  if (!opened_)
    return;
  leave();
  if (so_far().complete())
    tell_end(nullptr);
}

void live_source::tell_end(error const* failure) {
  if (!progress.observed.active())
    return;
  told_.served_by = response().model();
  progress.observed.streamed(told_);
  progress.observed.end(progress.info, failure, so_far().started() ? &response() : nullptr);
}

} // namespace claudio::detail
