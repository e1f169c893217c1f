#include "simulation/callers.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace claudio::simulation {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds way_to_the_provider{20};

limiter_options options_of(protection const& by) {
  limiter_options options;
  options.weights.assign(by.keys, 1);
  options.limits.assign(by.keys, by.limits);
  options.pacing = by.pacing;
  options.breaker = by.breaker;
  return options;
}

void count_second(std::vector<std::uint64_t>& seconds, double now) {
  auto const second = static_cast<std::size_t>(now);
  seconds.resize(std::max(seconds.size(), second + 1));
  ++seconds[second];
}

} // namespace

protection protection::retries_only() {
  protection made;
  made.pacing.enabled = false;
  made.breaker.enabled = false;
  made.budget = false;
  return made;
}

class callers::waiter final : public limiter::waiter {
public:
  waiter(callers& of, limiter::demand const& wants)
      : limiter::waiter(wants), timer(of.world_.context(), world::time_point::max()) {}

  void granted(limiter::ticket const& given) noexcept override {
    ticket = given;
    timer.cancel();
  }
  void refused(error const& why) noexcept override {
    reason = why;
    timer.cancel();
  }

  limiter::ticket ticket;
  std::optional<error> reason;
  asio::steady_timer timer;
};

callers::callers(world& in, provider& at, protection const& by)
    : world_(in), provider_(at), limiter_(options_of(by)),
      budget_(by.budget ? std::make_shared<retry_budget>(1000, 0.1, !by.pacing.enabled) : nullptr) {}

void callers::start(std::size_t count, std::chrono::duration<double> thinking, world::time_point end) {
  for (std::size_t i = 0; i < count; ++i)
    world_.spawn(live(thinking, end));
}

void callers::call_once(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    world_.spawn(call());
}

asio::awaitable<void> callers::live(std::chrono::duration<double> thinking, world::time_point end) {
  while (true) {
    std::chrono::duration<double> const pause(world_.exponential(thinking.count()));
    auto sleeping = world_.sleep(std::chrono::duration_cast<std::chrono::nanoseconds>(pause));
    co_await std::move(sleeping);
    if (world_.now() >= end)
      co_return;
    auto calling = call();
    co_await std::move(calling);
  }
}

asio::awaitable<void> callers::call() {
  ++wanted;
  count_second(wanted_by_second, world_.passed().count());
  auto const number = ++calls_;
  auto const what = shape(world_);
  std::string const text = R"({"model":"m","max_tokens":4096,"system":")" + std::string(what.bytes, 'a') + "\"}";
  auto one = [&]() { return attempt(what, text); };
  retry_context context;
  context.budget = budget_;
  context.now = [this] { return world_.now(); };
  context.sleep = [this](std::chrono::nanoseconds time) { return world_.sleep(time); };
  context.random = [this] { return world_.uniform(); };
  auto trying = retry(std::move(context), one);
  auto const outcome = co_await std::move(trying);
  ++(outcome ? succeeded : failed);
  if (!outcome && outcome.error().code() == errc::circuit_open)
    ++failed_at_once;
  last_end = world_.passed().count();
  world_.note(outcome ? "succeeded" : to_string(outcome.error().code()), number);
}

// As detail::call::attempt() does it.
asio::awaitable<result<void>> callers::attempt(call_shape const& what, std::string const& text) {
  while (true) {
    auto const wants = limiter_.measure(text, call_lane::interactive);
    auto admitting = admit(wants);
    auto ticket = co_await std::move(admitting);
    if (!ticket)
      co_return ticket.error();
    limiter_.note_sent(*ticket, world_.now());
    auto going = world_.sleep(way_to_the_provider);
    co_await std::move(going);
    provider::request arriving;
    arriving.key = ticket->key();
    arriving.usage = what.usage;
    auto const response = provider_.receive(arriving);
    auto answering = world_.sleep(response.takes + way_to_the_provider);
    co_await std::move(answering);

    rate_limit_headers told;
    for (auto const& [name, value] : response.headers)
      name == "date" ? told.date(value) : told.read(name, value);
    auto const now = world_.now();
    auto const* failure = response.failure ? &*response.failure : nullptr;
    limiter_.note_answer(*ticket, limiter_.heeds_limits(*ticket, failure) ? told : rate_limit_headers(), failure, now);
    bool const goes_on = response.failure && limiter_.has_other_key(*ticket, *response.failure, now);
    if (!response.failure)
      limiter_.end(*ticket, response.usage, now);
    else if (response.failure->http_status() >= 400 && response.failure->http_status() < 500)
      limiter_.end_uncounted(*ticket, now);
    else
      limiter_.end(*ticket, std::nullopt, now);
    serve();
    if (!response.failure)
      co_return result<void>();
    if (!goes_on)
      co_return *response.failure;
  }
}

asio::awaitable<result<limiter::ticket>> callers::admit(limiter::demand const& wants) {
  auto admitted = limiter_.try_admit(wants, std::chrono::hours(24), world_.now());
  if (!admitted)
    co_return admitted.error();
  if (*admitted)
    co_return **admitted;
  auto const since = world_.now();
  waiter place(*this, wants);
  limiter_.enqueue(place);
  serve();
  boost::system::error_code ignored;
  if (!place.ticket.open() && !place.reason)
    co_await place.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  longest_wait = std::max(longest_wait, std::chrono::duration<double>(world_.now() - since).count());
  if (place.reason)
    co_return *place.reason;
  co_return place.ticket;
}

void callers::serve() {
  if (world_.now() >= serves_at_)
    serves_at_ = world::time_point::max();
  auto const again = limiter_.serve(world_.now());
  if (!again || *again >= serves_at_)
    return;
  serves_at_ = *again;
  world_.set(alarm_, *again);
}

} // namespace claudio::simulation
