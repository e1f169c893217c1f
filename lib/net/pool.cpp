#include "net/pool.hpp"

#include "async/deadline_sweep.hpp"
#include "core/process_id.hpp"
#include "net/name_cache.hpp"
#include "net/socket_poller.hpp"

#include <algorithm>

namespace claudio {
namespace asio = boost::asio;

namespace {

// How often a caller who lacks a descriptor tries again to open a session, beside waiting for one.
constexpr std::chrono::milliseconds shortage_interval{500};

std::shared_ptr<session_environment const> make_environment(asio::any_io_executor home, api_base endpoint,
                                                            std::optional<proxy_address> proxy,
                                                            std::shared_ptr<tls_context> tls,
                                                            std::uint64_t max_answer_bytes) {
  auto made = std::make_shared<session_environment>();
  made->names =
      std::make_shared<name_cache>(home, proxy ? proxy->host : endpoint.host, proxy ? proxy->port : endpoint.port);
  made->deadlines = std::make_shared<deadline_sweep>(home);
  made->poller = std::make_shared<socket_poller>(home);
  made->executor = std::move(home);
  made->endpoint = std::move(endpoint);
  made->proxy = std::move(proxy);
  made->tls = std::move(tls);
  made->max_answer_bytes = max_answer_bytes;
  return made;
}

} // namespace

session_pool::session_pool(asio::any_io_executor home, api_base endpoint, std::optional<proxy_address> proxy,
                           std::shared_ptr<tls_context> tls, session_pool_options options,
                           std::shared_ptr<observation const> observed, std::uint64_t max_answer_bytes)
    : environment_(
          make_environment(std::move(home), std::move(endpoint), std::move(proxy), std::move(tls), max_answer_bytes)),
      observed_(std::move(observed)), max_age_(to_nanoseconds(options.max_age)), max_requests_(options.max_requests),
      handshakes_(environment_->executor, options.max_handshakes), waiters_(environment_->executor),
      state_(options.max_sessions, options.max_idle, to_nanoseconds(options.idle_timeout)), process_(process_id()) {}

session_pool::~session_pool() { keep_none(); }

// A child that was forked has a copy of each session; the connections are the parent's.
void session_pool::leave_parents_sessions() {
  if (process_ == process_id())
    return;
  process_ = process_id();
  environment_->sessions->abort();
}

session_lease session_pool::try_acquire() {
  leave_parents_sessions();
  auto idle = take_idle();
  if (!idle)
    return {};
  ++reused_;
  return session_lease(shared_from_this(), std::move(idle), true);
}

asio::awaitable<result<session_lease>> session_pool::acquire(call_progress& progress) {
  if (shut_down_)
    co_return error(errc::cancelled, "the pool has been shut down");
  auto lease = try_acquire();
  if (lease)
    co_return lease;
  if (state_.take_place())
    lease = session_lease(shared_from_this(), nullptr, false);
  std::optional<error> shortage;
  while (true) {
    if (!lease.holds_place()) {
      auto waiting = wait(progress, shortage);
      auto granted = co_await std::move(waiting);
      if (!granted)
        co_return granted.error();
      lease = std::move(*granted);
      // Handed over by another caller, without a look at it.
      if (lease.reused() && lease->alive()) {
        ++reused_;
        co_return lease;
      }
    }
    publish();
    auto opening = open(lease, progress);
    auto opened = co_await std::move(opening);
    if (opened && shortage)
      state_.grant_places();
    if (opened)
      co_return lease;
    // While this machine has no room for another session, the caller waits for one that there is, as it would if there
    // were max_sessions.
    if (opened.error().code() != errc::local_resources || connected_ == 0)
      co_return opened.error();
    shortage = opened.error();
    lease.abandon_place();
    // One may have come back while nobody waited for it.
    lease = try_acquire();
    if (lease)
      co_return lease;
  }
}

asio::awaitable<result<void>> session_pool::open_idle(call_progress& progress) {
  if (!state_.take_place())
    co_return result<void>();
  session_lease lease(shared_from_this(), nullptr, false);
  publish();
  auto opening = open(lease, progress);
  auto opened = co_await std::move(opening);
  if (opened)
    lease.reuse();
  co_return opened;
}

std::size_t session_pool::missing_idle(std::size_t wanted) {
  close_all(state_.take_expired(call_progress::clock::now()), session_end::idle_timeout);
  publish();
  wanted = std::min(wanted, state_.max_idle());
  auto const free_places = state_.max_sessions() - state_.places_taken();
  return std::min(free_places, wanted - std::min(wanted, state_.idle()));
}

void session_pool::keep_none() {
  keeps_none_ = true;
  close_all(state_.keep_none(), session_end::shut_down);
  publish();
}

void session_pool::shut_down() {
  shut_down_ = true;
  keep_none();
  waiters_.interrupt();
  handshakes_.interrupt();
  environment_->names->interrupt();
  environment_->sessions->abort();
}

error session_pool::explain(error const& failure) const {
  if (!shut_down_ || failure.code() != errc::cancelled)
    return failure;
  return error(errc::shut_down, "the client's drain was over before the call was");
}

asio::awaitable<result<session_lease>> session_pool::wait(call_progress& progress, std::optional<error> shortage) {
  told_wait watch(progress, wait_reason::session, progress.info.session_wait);
  ++waits_;
  waiter place(*this);
  auto const limit = progress.until(call_phase::session_wait);
  while (true) {
    // What ends a shortage may be another part of the process, which tells nobody.
    auto const again = shortage ? call_progress::clock::now() + shortage_interval : limit;
    auto waiting = place.stay.wait(std::min(limit, again));
    auto const outcome = co_await std::move(waiting);
    if (outcome == wait_outcome::granted)
      break;
    if (outcome != wait_outcome::late)
      co_return progress.cancelled("waiting for a session");
    if (call_progress::clock::now() >= limit) {
      auto const late = progress.timeout(call_phase::session_wait);
      if (shortage)
        co_return late.with_note("another could not be opened: " + shortage->message());
      co_return late;
    }
    if (state_.take_place())
      co_return session_lease(shared_from_this(), nullptr, false);
  }
  watch.granted();
  auto granted = place.take();
  bool const reused = granted != nullptr;
  co_return session_lease(shared_from_this(), std::move(granted), reused);
}

asio::awaitable<result<void>> session_pool::open(session_lease& lease, call_progress& progress) {
  if (shut_down_)
    co_return error(errc::cancelled, "the pool has been shut down");
  lease.put(make_session(environment_));
  auto connecting = lease->connect(progress);
  auto opened = co_await std::move(connecting);
  if (opened && environment_->tls) {
    auto securing = secure(lease, progress);
    opened = co_await std::move(securing);
  }
  if (opened) {
    ++opened_;
    ++connected_;
    lease->open = true;
    session_event event;
    event.endpoint = &observed_->endpoint;
    event.handshake = lease->handshake();
    observed_->tell(&observer::session_opened, event);
  }
  co_return opened;
}

asio::awaitable<result<void>> session_pool::secure(session_lease& lease, call_progress& progress) {
  semaphore::permit permit(handshakes_);
  if (!permit.granted()) {
    told_wait watch(progress, wait_reason::handshake, progress.info.session_wait);
    auto waiting = permit.wait(progress.until(call_phase::handshake_wait));
    auto const outcome = co_await std::move(waiting);
    if (outcome == wait_outcome::late)
      co_return progress.timeout(call_phase::handshake_wait);
    if (outcome != wait_outcome::granted)
      co_return progress.cancelled("waiting to shake hands");
    watch.granted();
  }
  auto shaking = lease->secure(progress);
  auto secured = co_await std::move(shaking);
  co_return secured;
}

std::unique_ptr<session> session_pool::take_idle() {
  auto const now = call_progress::clock::now();
  close_all(state_.take_expired(now), session_end::idle_timeout);
  while (auto idle = state_.take_idle()) {
    bool const spent = is_spent(**idle, now);
    if (!spent && (*idle)->alive()) {
      publish();
      return std::move(*idle);
    }
    close(std::move(*idle), spent ? session_end::spent : session_end::peer_closed);
    free_place();
  }
  publish();
  return nullptr;
}

bool session_pool::is_spent(session const& used, call_progress::clock::time_point now) const noexcept {
  return (max_requests_ > 0 && used.requests >= max_requests_) ||
         (max_age_.count() > 0 && now - used.created >= max_age_);
}

void session_pool::give_back(std::unique_ptr<session> used) {
  auto const now = call_progress::clock::now();
  close_all(state_.take_expired(now), session_end::idle_timeout);
  if (is_spent(*used, now)) {
    close(std::move(used), session_end::spent);
    free_place();
    return;
  }
  if (auto surplus = state_.give_back(std::move(used), now))
    close(std::move(*surplus), keeps_none_ ? session_end::shut_down : session_end::surplus);
  publish();
}

void session_pool::close(std::unique_ptr<session> ended, session_end reason) {
  if (!ended->open)
    return;
  --connected_;
  session_event event;
  event.endpoint = &observed_->endpoint;
  event.handshake = ended->handshake();
  event.end = reason;
  event.requests = ended->requests;
  event.age = call_progress::clock::now() - ended->created;
  observed_->tell(&observer::session_closed, event);
}

void session_pool::close_all(std::vector<std::unique_ptr<session>> ended, session_end reason) {
  for (auto& one : ended)
    close(std::move(one), reason);
}

void session_pool::free_place() {
  state_.free_place();
  publish();
}

void session_pool::publish() noexcept {
  pool_event event;
  event.now = level();
  if (event.now == published_)
    return;
  event.endpoint = &observed_->endpoint;
  event.before = std::exchange(published_, event.now);
  open_ = event.now.open;
  idle_ = event.now.idle;
  waiting_ = event.now.waiting;
  most_open_ = std::max(most_open_.load(), event.now.open);
  observed_->tell(&observer::pool_changed, event);
}

pool_level session_pool::level() const noexcept {
  pool_level now;
  now.open = state_.places_taken();
  now.idle = state_.idle();
  now.waiting = state_.waiting();
  return now;
}

session_pool_statistics session_pool::statistics() const noexcept {
  session_pool_statistics snapshot;
  snapshot.open = open_;
  snapshot.idle = idle_;
  snapshot.waiting = waiting_;
  snapshot.most_open = most_open_;
  snapshot.opened = opened_;
  snapshot.reused = reused_;
  snapshot.waits = waits_;
  return snapshot;
}

session_pool::waiter::waiter(session_pool& pool) : stay(pool.waiters_), pool_(pool) {
  pool_.state_.enqueue(*this);
  pool_.publish();
}

session_pool::waiter::~waiter() {
  if (!stay.granted())
    pool_.state_.remove(*this);
  else if (session_)
    pool_.give_back(std::move(session_));
  else if (!taken_)
    pool_.free_place();
  pool_.publish();
}

void session_pool::waiter::grant(std::unique_ptr<session> granted) {
  session_ = std::move(granted);
  stay.grant();
}

std::unique_ptr<session> session_pool::waiter::take() noexcept {
  taken_ = true;
  return std::move(session_);
}

session_lease& session_lease::operator=(session_lease&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::move(other.pool_);
    session_ = std::move(other.session_);
    reused_ = other.reused_;
    fit_ = other.fit_;
    end_ = other.end_;
  }
  return *this;
}

void session_lease::abandon_place() noexcept {
  auto const pool = std::move(pool_);
  if (session_)
    pool->close(std::move(session_), session_end::broken);
  pool->state_.abandon_place();
  pool->publish();
}

asio::awaitable<result<void>> session_lease::replace(call_progress& progress) { return pool_->open(*this, progress); }

void session_lease::put(std::unique_ptr<session> fresh) {
  if (session_)
    pool_->close(std::move(session_), session_end::peer_closed);
  session_ = std::move(fresh);
  reused_ = false;
}

void session_lease::release() noexcept {
  if (!pool_)
    return;
  auto const pool = std::move(pool_);
  if (fit_) {
    pool->give_back(std::move(session_));
  } else {
    if (session_)
      pool->close(std::move(session_), pool->shut_down_ ? session_end::shut_down : end_);
    pool->free_place();
  }
}

} // namespace claudio
