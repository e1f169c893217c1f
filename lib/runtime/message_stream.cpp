#include "runtime/message_stream.hpp"

#include "core/response_error.hpp"
#include "runtime/client_state.hpp"
#include "runtime/on_home.hpp"
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
      progress(call.limits.value_or(client->options.limits), call.deadline),
      accumulator_(client->options.max_answer_bytes) {}

message_stream_state::~message_stream_state() {
  wipe_secrets();
  if (!opened_)
    return;
  error const failure(errc::cancelled, "the stream was dropped before its end");
  progress.info.served_model = shortened(response().model(), longest_model_name);
  progress.finish();
  tell_end(&failure);
}

void message_stream_state::start(session_lease lease, std::vector<std::string> secrets) {
  lease_ = std::move(lease);
  secrets_ = std::move(secrets);
  // An attempt before this one may have left half an event.
  parser_ = sse_parser(client->options.max_answer_bytes);
  large_.reset();
  failure_.reset();
  body_ended_ = false;
}

asio::awaitable<result<void>> message_stream_state::await_first() {
  while (true) {
    auto outcome = poll();
    if (outcome && outcome->has_error())
      co_return outcome->error();
    // A ping says nothing yet.
    if (outcome && !accumulator_.started() && **outcome && (**outcome)->type() == "ping")
      continue;
    if (outcome) {
      ahead_ = std::move(outcome);
      opened_ = true;
      if (!lease_)
        end_opened();
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

void message_stream_state::hold(traffic::permit permit) {
  permit_ = std::move(permit);
  if (!lease_)
    end_permit();
}

void message_stream_state::end_permit() {
  permit_.ended(accumulator_.complete() ? std::optional(response().usage()) : std::nullopt);
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
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return self->fail(error(errc::cancelled, "the caller cancelled"));
}

std::optional<message_stream_state::event_result> message_stream_state::poll() {
  if (ahead_) {
    auto outcome = std::move(ahead_);
    ahead_.reset();
    return outcome;
  }
  if (failure_)
    return event_result(*failure_);
  if (large_)
    return std::nullopt;
  if (auto const event = parser_.next())
    return read_event(*event);
  if (parser_.failure())
    return fail(answer_too_large(client->options.max_answer_bytes));
  if (!body_ended_)
    return std::nullopt;
  if (!accumulator_.complete())
    return fail(error(errc::stream_truncated, accumulator_.started() ? "the stream ended before its answer was complete"
                                                                     : "the stream ended before its first event"));
  return event_result(std::optional<message_event>());
}

// Nothing: it is a large one.
std::optional<message_stream_state::event_result> message_stream_state::read_event(sse_event const& event) {
  if (event.data.size() > sliced_json::small) {
    large_ = event;
    return std::nullopt;
  }
  bool const readable = event_.read(event.data);
  if (readable && accumulator_.ending_input(event_).size() > sliced_json::small) {
    large_ = event;
    return std::nullopt;
  }
  return take_event(readable);
}

// An event, or the input of a tool that an event ends, is parsed in slices.
asio::awaitable<void> message_stream_state::read_large() {
  bool readable = true;
  if (large_->data.size() > sliced_json::small) {
    sliced_json parsing(large_->data);
    auto work = parse_in_slices(parsing);
    auto parsed = co_await std::move(work);
    if (!parsed) {
      ahead_ = fail(error(errc::protocol, "the stream has an event that is " + parsed.error().message()));
      co_return;
    }
    readable = event_.read(large_->data, std::move(*parsed), parsing.values());
  }
  if (readable && accumulator_.ending_input(event_).size() > sliced_json::small) {
    sliced_json parsing(accumulator_.ending_input(event_));
    auto work = parse_in_slices(parsing);
    auto parsed = co_await std::move(work);
    accumulator_.end_input(event_.json(), std::move(parsed), parsing.values());
  }
  large_.reset();
  ahead_ = take_event(readable);
}

message_stream_state::event_result message_stream_state::take_event(bool readable) {
  if (!readable)
    return fail(error(errc::protocol, "the stream has an event whose data is not a JSON object"));
  auto const type = event_.type();
  if (type == "error") {
    response_facts facts;
    facts.status = 200;
    facts.body = event_.text();
    facts.request_id = progress.info.request_id;
    std::vector<std::string_view> const secrets(secrets_.begin(), secrets_.end());
    return fail(make_response_error(facts, &event_.json(), secrets, std::chrono::system_clock::now()));
  }
  if (!accumulator_.apply(event_))
    return fail(accumulator_.overflow());
  if (type != "ping")
    progress.note_content();
  if (type == block_delta::event_type)
    note_chunk();
  if (accumulator_.complete())
    end_body();
  return std::optional<message_event>(message_event(event_));
}

void message_stream_state::note_chunk() {
  if (told_.chunks++ == 0)
    told_.first_chunk = arrived_ - progress.begun();
  else
    told_.intervals.add(arrived_ - last_chunk_);
  last_chunk_ = arrived_;
}

// The rest of a complete answer's body is its end: with it the session is fit for another request.
void message_stream_state::end_body() {
  if (!lease_)
    return;
  char rest[256];
  auto const read = lease_->read_arrived(rest);
  if (read && *read == 0 && lease_->reusable())
    lease_.conclude();
  if (!read || *read > 0 || lease_->reusable())
    release();
}

asio::awaitable<result<void>> message_stream_state::read_more() {
  if (large_) {
    auto work = read_large();
    co_await std::move(work);
    co_return result<void>();
  }
  if (!lease_) {
    body_ended_ = true;
    co_return result<void>();
  }
  stopwatch const watch(progress.info.body);
  auto reading = lease_->read_some(parser_.prepare(read_size), progress);
  auto read = co_await std::move(reading);
  if (!read)
    co_return read.error();
  parser_.commit(*read);
  arrived_ = call_progress::clock::now();
  if (*read > 0)
    co_return result<void>();
  body_ended_ = true;
  parser_.finish();
  if (accumulator_.complete())
    lease_.conclude();
  release();
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
  if (accumulator_.complete())
    progress.info.cost = client->cost_of(response());
  accumulator_.info(progress.finish());
  lease_ = session_lease();
  end_permit();
  if (opened_)
    end_opened();
  wipe_secrets();
}

void message_stream_state::end_opened() {
  place_.leave();
  if (accumulator_.complete())
    tell_end(nullptr);
}

void message_stream_state::tell_end(error const* failure) {
  if (!progress.observed.active())
    return;
  told_.served_by = response().model();
  progress.observed.streamed(told_);
  progress.observed.end(progress.info, failure, accumulator_.started() ? &response() : nullptr);
}

void message_stream_state::wipe_secrets() noexcept {
  for (auto& secret : secrets_)
    wipe(secret);
  secrets_.clear();
}

} // namespace detail

namespace {

using event_result = detail::message_stream_state::event_result;

asio::awaitable<event_result> empty_stream() {
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

asio::awaitable<event_result> message_stream::next() { return state_ ? next_event(state_) : empty_stream(); }

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
