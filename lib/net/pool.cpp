#include "net/pool.hpp"

#include "net/deadline_sweep.hpp"
#include "net/name_cache.hpp"
#include "net/socket_poller.hpp"
#include "observe/loggers.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace claudio {
namespace asio = boost::asio;

namespace {

std::shared_ptr<session_environment const> make_environment(asio::any_io_executor home, api_base endpoint,
                                                            std::optional<proxy_address> proxy,
                                                            std::shared_ptr<tls_context> tls) {
  auto made = std::make_shared<session_environment>();
  made->names =
      std::make_shared<name_cache>(home, proxy ? proxy->host : endpoint.host, proxy ? proxy->port : endpoint.port);
  made->deadlines = std::make_shared<deadline_sweep>(home);
  made->poller = std::make_shared<socket_poller>(home);
  made->executor = std::move(home);
  made->endpoint = std::move(endpoint);
  made->proxy = std::move(proxy);
  made->tls = std::move(tls);
  return made;
}

} // namespace

session_pool::session_pool(asio::any_io_executor home, api_base endpoint, std::optional<proxy_address> proxy,
                           std::shared_ptr<tls_context> tls, session_pool_options options)
    : environment_(make_environment(std::move(home), std::move(endpoint), std::move(proxy), std::move(tls))),
      max_age_(options.max_age), max_requests_(options.max_requests),
      handshakes_(environment_->executor, options.max_handshakes),
      state_(options.max_sessions, options.max_idle, options.idle_timeout) {}

session_lease session_pool::try_acquire(call_progress& progress) {
  auto idle = take_idle();
  if (!idle)
    return {};
  ++reused_;
  net_log().debug("call {} takes an idle session to {}", progress.number, environment_->endpoint.authority);
  return session_lease(shared_from_this(), std::move(idle), true);
}

asio::awaitable<result<session_lease>> session_pool::acquire(call_progress& progress) {
  if (shut_down_)
    co_return error(errc::cancelled, "the pool has been shut down");
  auto lease = try_acquire(progress);
  if (lease)
    co_return lease;
  if (state_.take_place()) {
    lease = session_lease(shared_from_this(), nullptr, false);
  } else {
    auto waiting = wait(progress);
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
  if (!opened)
    co_return opened.error();
  co_return lease;
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
  state_.take_expired(call_progress::clock::now());
  wanted = std::min(wanted, state_.max_idle());
  auto const free_places = state_.max_sessions() - state_.places_taken();
  return std::min(free_places, wanted - std::min(wanted, state_.idle()));
}

void session_pool::keep_none() {
  auto const idle = state_.keep_none();
  publish();
}

void session_pool::shut_down() {
  shut_down_ = true;
  keep_none();
  for (auto* waiting : state_.waiters())
    waiting->woken.cancel();
  handshakes_.interrupt();
  environment_->names->interrupt();
  environment_->sessions->abort();
}

error session_pool::explain(error const& failure) const {
  if (!shut_down_ || failure.code() != errc::cancelled)
    return failure;
  return error(errc::shut_down, "the client's drain was over before the call was");
}

asio::awaitable<result<session_lease>> session_pool::wait(call_progress& progress) {
  stopwatch const watch(progress.info.session_wait);
  ++waits_;
  net_log().debug("call {} waits for a session to {}", progress.number, environment_->endpoint.authority);
  waiter place(*this);
  place.woken.expires_at(progress.until(call_phase::session_wait));
  boost::system::error_code woken;
  co_await place.woken.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  if (!place.granted()) {
    if (woken)
      co_return error(errc::cancelled, "the caller cancelled while waiting for a session");
    co_return progress.timeout(call_phase::session_wait);
  }
  auto granted = place.take();
  bool const reused = granted != nullptr;
  co_return session_lease(shared_from_this(), std::move(granted), reused);
}

asio::awaitable<result<void>> session_pool::open(session_lease& lease, call_progress& progress) {
  if (shut_down_)
    co_return error(errc::cancelled, "the pool has been shut down");
  lease.put(make_session(environment_));
  net_log().debug("call {} opens a session to {}", progress.number, environment_->endpoint.authority);
  auto connecting = lease->connect(progress);
  auto opened = co_await std::move(connecting);
  if (opened && environment_->tls) {
    auto securing = secure(lease, progress);
    opened = co_await std::move(securing);
  }
  if (opened) {
    ++opened_;
    net_log().debug("session to {} opened", environment_->endpoint.authority);
  }
  co_return opened;
}

asio::awaitable<result<void>> session_pool::secure(session_lease& lease, call_progress& progress) {
  semaphore::permit permit(handshakes_);
  if (!permit.granted()) {
    stopwatch const watch(progress.info.session_wait);
    auto waiting = permit.wait(progress.until(call_phase::handshake_wait));
    auto const outcome = co_await std::move(waiting);
    if (outcome == semaphore::outcome::cancelled)
      co_return error(errc::cancelled, "the caller cancelled while waiting to shake hands");
    if (outcome == semaphore::outcome::timed_out)
      co_return progress.timeout(call_phase::handshake_wait);
  }
  auto shaking = lease->secure(progress);
  auto secured = co_await std::move(shaking);
  co_return secured;
}

std::unique_ptr<session> session_pool::take_idle() {
  auto const now = call_progress::clock::now();
  state_.take_expired(now);
  while (auto idle = state_.take_idle()) {
    bool const spent = is_spent(**idle, now);
    if (!spent && (*idle)->alive()) {
      publish();
      return std::move(*idle);
    }
    net_log().debug("an idle session to {} {}", environment_->endpoint.authority,
                    spent ? "has reached its maximum age" : "was closed by its peer");
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
  state_.take_expired(now);
  if (is_spent(*used, now)) {
    net_log().debug("a session to {} has reached its maximum age or number of requests",
                    environment_->endpoint.authority);
    used.reset();
    free_place();
    return;
  }
  auto const surplus = state_.give_back(std::move(used), now);
  publish();
}

void session_pool::free_place() {
  state_.free_place();
  publish();
}

void session_pool::publish() noexcept {
  open_ = state_.places_taken();
  idle_ = state_.idle();
  waiting_ = state_.waiting();
  most_open_ = std::max(most_open_.load(), state_.places_taken());
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

session_pool::waiter::waiter(session_pool& pool)
    : woken(pool.environment_->executor), pool_(pool), position_(pool.state_.enqueue(*this)) {
  pool_.publish();
}

session_pool::waiter::~waiter() {
  if (!granted_)
    pool_.state_.remove(position_);
  else if (session_)
    pool_.give_back(std::move(session_));
  else if (!taken_)
    pool_.free_place();
  pool_.publish();
}

void session_pool::waiter::grant(std::unique_ptr<session> granted) {
  session_ = std::move(granted);
  grant_place();
}

void session_pool::waiter::grant_place() {
  granted_ = true;
  woken.cancel();
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
  }
  return *this;
}

asio::awaitable<result<void>> session_lease::replace(call_progress& progress) { return pool_->open(*this, progress); }

void session_lease::put(std::unique_ptr<session> fresh) {
  session_ = std::move(fresh);
  reused_ = false;
}

void session_lease::release() noexcept {
  if (!pool_)
    return;
  auto const pool = std::move(pool_);
  if (fit_) {
    ++session_->requests;
    pool->give_back(std::move(session_));
  } else {
    session_.reset();
    pool->free_place();
  }
}

} // namespace claudio
