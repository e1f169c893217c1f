#include "store/store_state.hpp"

#include "async/worker.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace claudio {
namespace asio = boost::asio;

namespace {

std::int64_t milliseconds_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The row of the table store.
snapshot head_of(snapshot const& now) {
  snapshot head;
  head.revision = now.revision;
  head.format = now.format;
  head.salt = now.salt;
  head.fingerprint_key = now.fingerprint_key;
  head.authentication_key = now.authentication_key;
  head.database_id = now.database_id;
  head.passphrase_cost = now.passphrase_cost;
  return head;
}

std::optional<unsigned> cost_in(snapshot const& now) {
  if (!now.passphrase_cost)
    return std::nullopt;
  // What is no such number is refused by whoever would need it.
  constexpr std::int64_t most = std::numeric_limits<std::uint8_t>::max();
  return static_cast<unsigned>(std::clamp<std::int64_t>(*now.passphrase_cost, 0, most));
}

} // namespace

error store::state::not_opened() {
  return error(errc::configuration, "an empty claudio::store; get one from store::open()");
}

unsigned store::state::cost() const {
  for (auto const& source : sources)
    if (source.cost())
      return *source.cost();
  return key_source::default_cost;
}

asio::awaitable<result<void>> store::state::change(std::shared_ptr<state> self, edit make) {
  if (!self)
    co_return not_opened();
  auto const missing = std::make_shared<std::optional<std::string>>();
  for (bool is_first = true;; is_first = false) {
    store_backend::decision decide = [missing, make, keys = self->keys()](snapshot const& now) -> result<changes> {
      *missing = sealing::find_missing_key(now, keys);
      auto own = sealing::open_own_keys(now, keys);
      if (!own)
        return own.error();
      sealing::sealer with;
      with.keys = keys;
      with.own = std::move(*own);
      with.now = milliseconds_now();
      return make(now, with);
    };
    auto changing = self->backend->change(std::move(decide));
    auto const outcome = co_await std::move(changing);
    if (!outcome && *missing && is_first) {
      auto asking = ask_again(self, **missing);
      bool const is_given = co_await std::move(asking);
      if (is_given)
        continue;
    }
    co_return outcome;
  }
}

asio::awaitable<result<void>> store::state::wait_for_change(std::shared_ptr<state> self, std::int64_t seen) {
  if (!self)
    co_return not_opened();
  auto waiting = self->backend->wait_for_change(seen);
  auto const outcome = co_await std::move(waiting);
  co_return outcome;
}

asio::awaitable<result<snapshot>> store::state::read_head(std::shared_ptr<state> self) {
  auto const head = std::make_shared<snapshot>();
  store_backend::reader use = [head](snapshot const& now) -> result<void> {
    *head = head_of(now);
    return {};
  };
  auto reading = self->backend->read(std::move(use));
  auto const outcome = co_await std::move(reading);
  if (!outcome)
    co_return outcome.error();
  co_return *head;
}

// Keys may come from a slow command, and a passphrase takes its time: not on the caller's thread, nor while others wait
// for the database.
asio::awaitable<result<void>> store::state::ask(std::shared_ptr<state> self, snapshot const& head) {
  auto const given = std::make_shared<vault>();
  worker asking(self->home);
  worker::job const job = [given, sources = self->sources, salt = head.salt,
                           cost = cost_in(head)](std::atomic<bool> const&) -> result<void> {
    auto opened = vault::open(sources, salt, cost);
    if (!opened)
      return opened.error();
    *given = std::move(*opened);
    return {};
  };
  auto answering = asking.run(job);
  auto const answered = co_await std::move(answering);
  if (!answered)
    co_return answered;
  std::scoped_lock const lock(self->mutex_);
  self->keys_ = *given;
  co_return result<void>();
}

// Whether the sources have the key now. They are not asked at each look.
asio::awaitable<bool> store::state::ask_again(std::shared_ptr<state> self, std::string missing) {
  {
    std::scoped_lock const lock(self->mutex_);
    if (!self->pace_.may_ask(missing, asking_pace::clock::now()))
      co_return false;
  }
  auto reading = read_head(self);
  auto const head = co_await std::move(reading);
  if (!head)
    co_return false;
  auto asking = ask(self, *head);
  auto const asked = co_await std::move(asking);
  co_return asked && self->keys().with_current(missing).has_value();
}

asio::awaitable<result<store>> store::state::open(std::shared_ptr<state> self) {
  auto reading = read_head(self);
  auto head = co_await std::move(reading);
  if (!head)
    co_return head.error();
  auto asking = ask(self, *head);
  auto const asked = co_await std::move(asking);
  if (!asked)
    co_return asked.error();
  if (head->fingerprint_key.empty()) {
    // Whoever is first makes it.
    auto const is_first = std::make_shared<bool>(false);
    store_backend::decision begin = [is_first, keys = self->keys(),
                                     cost = self->cost()](snapshot const& now) -> result<changes> {
      *is_first = now.fingerprint_key.empty();
      return *is_first ? sealing::add_own_keys(now, keys, cost) : changes();
    };
    auto beginning = self->backend->change(std::move(begin));
    auto const begun = co_await std::move(beginning);
    if (!begun)
      co_return begun.error();
    auto again = read_head(self);
    head = co_await std::move(again);
    if (!head)
      co_return head.error();
    if (!*is_first) {
      // Their passphrase may have another cost.
      auto asking_again = ask(self, *head);
      auto const asked_again = co_await std::move(asking_again);
      if (!asked_again)
        co_return asked_again.error();
    }
  }
  if (auto const own = sealing::open_own_keys(*head, self->keys()); !own)
    co_return own.error();
  co_return store(self);
}

} // namespace claudio
