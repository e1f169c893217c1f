#include "runtime/message_stream.hpp"

#include "async/on_home.hpp"
#include "observe/loggers.hpp"
#include "runtime/client_state.hpp"
#include "runtime/parse_in_slices.hpp"

#include <claudio/secret.hpp>

#include <boost/asio/dispatch.hpp>

namespace claudio {
namespace asio = boost::asio;

namespace detail {

namespace {

constexpr std::size_t read_size = 16 * 1024;

} // namespace

message_stream_state::message_stream_state(std::shared_ptr<client_state> of, call_options const& call)
    : client(std::move(of)), observer_of_call(call.observer), home(client->home),
      progress(call.limits.value_or(client->options.limits), call.deadline), reader_(client->options.max_answer_bytes) {
}

message_stream_state::~message_stream_state() {
  wipe_secrets();
  if (!opened_)
    return;
  error const failure(errc::cancelled, "the stream was dropped before its end");
  progress.info.served_model = shortened(response().model(), longest_model_name);
  progress.finish();
  tell_end(&failure);
}

void message_stream_state::start(session_lease lease, http_response head, std::vector<std::string> secrets) {
  lease_ = std::move(lease);
  head_ = std::move(head);
  secrets_ = std::move(secrets);
  reader_.hide({secrets_.begin(), secrets_.end()});
  // An attempt before this one may have left half an event.
  reader_.restart();
  failure_.reset();
}

asio::awaitable<result<void>> message_stream_state::await_first() {
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
    auto reading = read_more();
    auto read = co_await std::move(reading);
    if (!read) {
      release();
      co_return read.error();
    }
  }
}

void message_stream_state::end_permit() {
  permit_.ended(so_far().complete() ? std::optional(response().usage()) : std::nullopt);
}

asio::awaitable<message_stream_state::event_result>
message_stream_state::next(std::shared_ptr<message_stream_state> self) {
  try {
    while (true) {
      auto outcome = self->poll();
      if (outcome)
        co_return std::move(*outcome);
      auto reading = self->read_more();
      auto read = co_await std::move(reading);
      if (!read)
        co_return self->fail(read.error());
    }
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return self->fail(cancelled_by_caller());
}

std::optional<message_stream_state::event_result> message_stream_state::poll() {
  if (ahead_) {
    auto outcome = std::move(ahead_);
    ahead_.reset();
    return outcome;
  }
  if (failure_)
    return event_result(*failure_);
  switch (reader_.next()) {
  case answer_reader::step::event:
    return take_event();
  case answer_reader::step::end:
    return event_result(std::optional<message_event>());
  case answer_reader::step::more:
  case answer_reader::step::large:
    return std::nullopt;
  case answer_reader::step::cut:
    return fail(truncation());
  case answer_reader::step::failed:
    break;
  }
  return fail(reported_failure());
}

message_stream_state::event_result message_stream_state::take_event() {
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
error message_stream_state::truncation() const {
  error_details details;
  details.message =
      opened_ ? "the stream ended before its answer was complete" : "the stream ended before its first event";
  if (!opened_)
    details.should_retry = true;
  return error(errc::stream_truncated, 0, std::move(details));
}

error message_stream_state::reported_failure() const {
  std::vector<std::string_view> const secrets(secrets_.begin(), secrets_.end());
  return reader_.failure(facts_of(head_), secrets, std::chrono::system_clock::now());
}

void message_stream_state::note_chunk() {
  if (told_.chunks++ == 0)
    told_.first_chunk = arrived_ - progress.begun();
  else
    told_.intervals.add(arrived_ - last_chunk_);
  last_chunk_ = arrived_;
}

// The answer is complete, and nothing is waited for any more. If its body has ended too, as far as that has arrived,
// the session is fit for another request.
void message_stream_state::end_body() {
  constexpr int most_reads = 128;
  char rest[1024];
  result<std::size_t> read = std::size_t{1};
  for (int i = 0; i < most_reads && read && *read > 0; ++i)
    read = lease_->read_arrived(rest);
  if (read && *read == 0)
    lease_.conclude(true);
  release();
}

asio::awaitable<void> message_stream_state::parse_large() {
  sliced_json parsing(reader_.large());
  auto work = parse_in_slices(parsing);
  co_await std::move(work);
  reader_.take_large(parsing);
}

asio::awaitable<result<void>> message_stream_state::read_more() {
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

message_stream_state::event_result message_stream_state::fail(error failure) {
  release();
  // Else it is an attempt's, which may be followed by another.
  failure_.emplace(opened_ ? progress.finish(client->pool->explain(failure)) : failure);
  if (opened_)
    tell_end(&*failure_);
  return *failure_;
}

// Closes the session, or gives it back.
void message_stream_state::release() {
  progress.info.served_model = shortened(response().model(), longest_model_name);
  if (so_far().complete())
    progress.info.cost = client->cost_of(response());
  if (so_far().repaired())
    call_log().warn("repaired call={} {}", progress.number, message_accumulator::repair_warning);
  reader_.answer().info(progress.finish());
  lease_ = session_lease();
  end_permit();
  if (opened_)
    end_opened();
  wipe_secrets();
}

void message_stream_state::end_opened() {
  place_.leave();
  if (so_far().complete())
    tell_end(nullptr);
}

void message_stream_state::tell_end(error const* failure) {
  if (!progress.observed.active())
    return;
  told_.served_by = response().model();
  progress.observed.streamed(told_);
  progress.observed.end(progress.info, failure, so_far().started() ? &response() : nullptr);
}

void message_stream_state::wipe_secrets() noexcept {
  reader_.hide({});
  for (auto& secret : secrets_)
    wipe(secret);
  secrets_.clear();
}

} // namespace detail

namespace {

using event_result = detail::message_stream_state::event_result;

asio::awaitable<event_result> no_event() {
  co_return error(errc::configuration, "an empty claudio::message_stream; get one from client::stream()");
}

// Hands out what has arrived without another coroutine, when the caller is at home.
asio::awaitable<event_result> next_event(std::shared_ptr<detail::message_stream_state> state) {
  auto const caller = co_await asio::this_coro::executor;
  if (caller == state->home)
    if (auto outcome = state->poll())
      co_return std::move(*outcome);
  auto work = detail::message_stream_state::next(state);
  auto there = on_home<std::optional<message_event>>(state->home, std::move(work));
  auto outcome = co_await std::move(there);
  co_return outcome;
}

} // namespace

asio::awaitable<event_result> message_stream::next() { return state_ ? next_event(state_) : no_event(); }

message const& message_stream::response() const noexcept {
  static auto const* const none = new message;
  return state_ ? state_->response() : *none;
}

message_stream& message_stream::operator=(message_stream&& other) noexcept {
  if (this != &other) {
    drop();
    state_ = std::move(other.state_);
  }
  return *this;
}

message_stream::~message_stream() { drop(); }

// The session goes where it lives, and what is still to be told is told there.
void message_stream::drop() noexcept {
  if (!state_ || state_->over())
    return;
  auto const home = state_->home;
  asio::dispatch(home, [state = std::move(state_)]() mutable { state.reset(); });
}

} // namespace claudio
