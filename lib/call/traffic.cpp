#include "call/traffic.hpp"

#include "call/api_keys.hpp"

#include <algorithm>
#include <utility>

namespace claudio {
namespace asio = boost::asio;

namespace {

limiter_options limiter_options_of(provider_options const& options) {
  limiter_options made;
  for (auto const& key : keys_of(options)) {
    made.weights.push_back(key.weight);
    made.limits.push_back(key.limits);
  }
  made.pacing = options.pacing;
  made.breaker = options.breaker;
  return made;
}

rate_limit_headers read_limits(response_headers const& headers) {
  rate_limit_headers told;
  headers.for_each_from_rate_limits([&](std::string_view name, std::string_view value) { told.read(name, value); });
  told.date(headers.find("date"));
  return told;
}

// A 4xx was turned away at the door.
bool was_counted(error const& failure) { return failure.http_status() < 400 || failure.http_status() >= 500; }

} // namespace

class traffic::waiter final : public limiter::waiter {
public:
  waiter(traffic& owner, limiter::demand const& what) : limiter::waiter(what), stay(owner.waiters_), owner_(owner) {
    owner_.limiter_.enqueue(*this);
  }
  ~waiter() override {
    if (!stay.granted())
      owner_.limiter_.remove(*this);
    else if (ticket_.open())
      owner_.limiter_.end_uncounted(ticket_, clock::now());
    owner_.serve();
  }

  void granted(limiter::ticket const& given) noexcept override {
    ticket_ = given;
    stay.grant();
  }
  void refused(error const& why) noexcept override {
    reason = why;
    stay.grant();
  }
  limiter::ticket take() noexcept { return std::exchange(ticket_, limiter::ticket()); }

  std::optional<error> reason;
  wait_queue::waiter stay; // over when the limiter has decided

private:
  traffic& owner_;
  limiter::ticket ticket_;
};

traffic::traffic(asio::any_io_executor executor, provider_options const& options,
                 std::shared_ptr<observation const> observed)
    : timer_(executor), max_wait_(options.pacing.max_wait), limiter_(limiter_options_of(options)),
      waiters_(std::move(executor)), observed_(std::move(observed)) {}

traffic::~traffic() {
  if (limiter_.breaker().now_in(clock::now()) != circuit_breaker::state::closed) {
    breaker_event event;
    event.endpoint = &observed_->endpoint;
    event.gone = true;
    observed_->tell(&observer::breaker_changed, event);
  }
  for (std::size_t key = 0; key < limiter_.keys().size(); ++key)
    if (limiter_.keys().is_set_aside(key)) {
      key_event event;
      event.endpoint = &observed_->endpoint;
      event.key = key;
      event.gone = true;
      observed_->tell(&observer::key_changed, event);
    }
}

// How long the call may wait for its turn: what is left of all its attempts' time for it.
traffic::clock::time_point traffic::patience_ends(call_progress const& progress) const {
  auto const deadline = progress.until(call_phase::pacing);
  if (max_wait_.count() == 0)
    return deadline;
  auto const left = to_nanoseconds(max_wait_) - progress.info.pacing;
  return std::min(deadline, saturating_add(clock::now(), std::max(left, std::chrono::nanoseconds(0))));
}

result<traffic::permit> traffic::try_admit(limiter::demand const& wanted, call_progress const& progress) {
  auto const now = clock::now();
  auto admitted = limiter_.try_admit(wanted, saturating_difference(patience_ends(progress), now), now);
  if (!admitted)
    return admitted.error();
  if (!*admitted)
    return permit();
  return permit(shared_from_this(), **admitted);
}

asio::awaitable<result<traffic::permit>> traffic::wait(limiter::demand const& wanted, call_progress& progress) {
  told_wait watch(progress, wait_reason::pacing, progress.info.pacing);
  waiter place(*this, wanted);
  auto const until = patience_ends(progress);
  serve();
  auto outcome = wait_outcome::granted;
  if (!place.stay.granted()) {
    auto waiting = place.stay.wait(until);
    outcome = co_await std::move(waiting);
  }
  if (place.reason)
    co_return *place.reason;
  if (outcome == wait_outcome::granted) {
    watch.granted();
    co_return permit(shared_from_this(), place.take());
  }
  if (outcome != wait_outcome::late)
    co_return progress.cancelled("waiting for a turn under the rate limits");
  if (until >= progress.until(call_phase::pacing))
    co_return progress.timeout(call_phase::pacing);
  error_details details;
  details.message = "the call's turn under the rate limits did not come within " + std::to_string(max_wait_.count()) +
                    " ms (pacing.max_wait_ms)";
  details.param = "pacing.max_wait_ms";
  details.should_retry = false;
  co_return error(errc::rate_limited, 0, std::move(details));
}

asio::awaitable<result<traffic::permit>> traffic::admit(limiter::demand const& wanted, call_progress& progress) {
  auto admitted = try_admit(wanted, progress);
  if (admitted && !*admitted) {
    auto waiting = wait(wanted, progress);
    admitted = co_await std::move(waiting);
  }
  co_return admitted;
}

bool traffic::note(limiter::ticket const& ticket, response_headers const& headers, error const* failure,
                   clock::time_point now) {
  auto const changed = limiter_.note_answer(
      ticket, limiter_.heeds_limits(ticket, failure) ? read_limits(headers) : rate_limit_headers(), failure, now);
  if (changed.circuit_opened || changed.circuit_closed) {
    breaker_event event;
    event.endpoint = &observed_->endpoint;
    event.state = changed.circuit_opened ? breaker_state::open : breaker_state::closed;
    if (changed.circuit_opened) {
      event.open_for = limiter_.breaker().time_to_probe(now);
      event.failure = failure;
    }
    observed_->tell(&observer::breaker_changed, event);
  }
  if (changed.key_set_aside || changed.key_restored) {
    key_event event;
    event.endpoint = &observed_->endpoint;
    event.key = ticket.key();
    event.failure = changed.key_set_aside ? failure : nullptr;
    observed_->tell(&observer::key_changed, event);
  }
  return failure && limiter_.has_other_key(ticket, *failure, now);
}

void traffic::settle(limiter::ticket& ticket, std::optional<message_usage> const& usage, clock::time_point now) {
  auto const held = limiter_.reservation_of(ticket);
  limiter_.end(ticket, usage, now);
  if (!held)
    return;
  pacing_event event;
  event.endpoint = &observed_->endpoint;
  event.model = held->model;
  event.key = held->key;
  event.limits = limiter_.levels_of(*held, now);
  event.reserved = held->amounts;
  event.used = usage;
  observed_->tell(&observer::pacing_changed, event);
}

void traffic::serve() { wake_at(limiter_.serve(clock::now())); }

void traffic::wake_at(std::optional<clock::time_point> time) {
  if (!time) {
    wakes_at_ = clock::time_point::max();
    timer_.cancel();
    return;
  }
  if (*time >= wakes_at_)
    return;
  wakes_at_ = *time;
  timer_.expires_at(*time);
  timer_.async_wait([self = weak_from_this()](boost::system::error_code failure) {
    auto const owner = failure ? nullptr : self.lock();
    if (!owner)
      return;
    owner->wakes_at_ = clock::time_point::max();
    owner->serve();
  });
}

traffic::permit& traffic::permit::operator=(permit&& other) noexcept {
  if (this != &other) {
    release();
    owner_ = std::move(other.owner_);
    ticket_ = other.ticket_;
  }
  return *this;
}

void traffic::permit::release() noexcept {
  auto const owner = std::move(owner_);
  if (!owner || !ticket_.open())
    return;
  // Nobody knows what the server made of it.
  owner->settle(ticket_, std::nullopt, clock::now());
  owner->serve();
}

void traffic::permit::answered(response_headers const& headers) {
  owner_->note(ticket_, headers, nullptr, clock::now());
  owner_->serve();
}

void traffic::permit::ended(std::optional<message_usage> const& usage) {
  auto const owner = std::move(owner_);
  if (!owner)
    return;
  owner->settle(ticket_, usage, clock::now());
  owner->serve();
}

void traffic::permit::answered(response_headers const& headers, message_usage const& usage) {
  auto const owner = std::move(owner_);
  auto const now = clock::now();
  owner->note(ticket_, headers, nullptr, now);
  owner->settle(ticket_, usage, now);
  owner->serve();
}

bool traffic::permit::failed(error const& failure, response_headers const& headers) {
  auto const owner = std::move(owner_);
  auto const now = clock::now();
  bool const goes_on = owner->note(ticket_, headers, &failure, now);
  if (was_counted(failure))
    owner->settle(ticket_, std::nullopt, now);
  else
    owner->limiter_.end_uncounted(ticket_, now);
  owner->serve();
  return goes_on;
}

} // namespace claudio
