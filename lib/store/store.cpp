#include "async/as_result.hpp"
#include "async/worker.hpp"
#include "core/lower_case.hpp"
#include "core/object_reader.hpp"
#include "store/asking_pace.hpp"
#include "store/backend.hpp"
#include "store/edits.hpp"
#include "store/postgres_backend.hpp"
#include "store/sealing.hpp"
#include "store/sqlite_backend.hpp"
#include "store/views.hpp"

#include <claudio/store.hpp>

#include <boost/asio/query.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <limits>
#include <mutex>
#include <set>

namespace claudio {
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// Each step reads all tables, so that many small ones would take the square of the time.
constexpr std::size_t rotated_at_once = 50;
constexpr std::size_t most_steps = 4;

std::int64_t milliseconds_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

template <class T>
asio::awaitable<result<T>> fail(error failure) {
  co_return failure;
}

// JSON with secrets is not copied: a copy would lie in memory that is not wiped.
std::shared_ptr<json::object const> shared(json::object document) {
  return std::make_shared<json::object const>(std::move(document));
}

error empty_store() { return error(errc::configuration, "an empty claudio::store; get one from store::open()"); }

result<std::unique_ptr<store_backend>> make_backend(asio::any_io_executor const& executor, std::string const& given) {
  auto const url = with_lower_scheme(given);
  if (url.starts_with("postgresql://") || url.starts_with("postgres://"))
    return postgres_backend::make(executor, url);
  constexpr std::string_view sqlite = "sqlite:";
  // SQLite has names of its own that begin with a colon.
  if (!url.starts_with(sqlite) || url.size() == sqlite.size() || url[sqlite.size()] == ':')
    return configuration_fault("store", "expected sqlite:PATH or postgresql://USER@HOST/DATABASE, got \"" +
                                            url.substr(0, url.find(':')) + "\"" +
                                            (url.find(':') == std::string::npos ? "" : " and a colon"));
  return std::make_unique<sqlite_backend>(asio::query(executor, asio::execution::context), url.substr(sqlite.size()));
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

unsigned cost_of(std::vector<key_source> const& sources) {
  for (auto const& source : sources)
    if (source.cost())
      return *source.cost();
  return key_source::default_cost;
}

} // namespace

class store::state {
public:
  using edit = std::function<result<changes>(snapshot const& now, sealing::sealer const& with)>;

  state(asio::execution_context& context, std::unique_ptr<store_backend> made, std::vector<key_source> given)
      : home(context), backend(std::move(made)), sources(std::move(given)) {}

  // Gives what a function makes of the tables. When there is a key that was not given, the sources are asked again.
  template <class T>
  static asio::awaitable<result<T>> read(std::shared_ptr<state> self,
                                         std::function<result<T>(snapshot const&, vault const&)> view) {
    auto const missing = std::make_shared<std::optional<std::string>>();
    for (bool is_first = true;; is_first = false) {
      auto const seen = std::make_shared<std::optional<T>>();
      store_backend::reader use = [seen, missing, view, keys = self->keys()](snapshot const& now) -> result<void> {
        *missing = sealing::find_missing_key(now, keys);
        auto made = view(now, keys);
        if (!made)
          return made.error();
        seen->emplace(std::move(*made));
        return {};
      };
      auto reading = self->backend->read(std::move(use));
      auto const outcome = co_await std::move(reading);
      if (*missing && is_first) {
        auto asking = ask_again(self, **missing);
        bool const is_given = co_await std::move(asking);
        if (is_given)
          continue;
      }
      if (!outcome)
        co_return outcome.error();
      co_return std::move(**seen);
    }
  }

  static asio::awaitable<result<void>> change(std::shared_ptr<state> self, edit make) {
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

  // Makes a change, and gives what was noted when it was decided.
  template <class T>
  static asio::awaitable<result<T>> change(std::shared_ptr<state> self, std::shared_ptr<T> noted, edit make) {
    auto changing = change(std::move(self), std::move(make));
    auto const outcome = co_await std::move(changing);
    if (!outcome)
      co_return outcome.error();
    co_return std::move(*noted);
  }

  static asio::awaitable<result<void>> wait_for_change(std::shared_ptr<state> self, std::int64_t seen) {
    auto waiting = self->backend->wait_for_change(seen);
    auto const outcome = co_await std::move(waiting);
    co_return outcome;
  }

  static asio::awaitable<result<store>> open(std::shared_ptr<state> self);
  static asio::awaitable<result<rotation_report>> rotate(std::shared_ptr<state> self);
  static asio::awaitable<result<migration_report>> migrate(std::shared_ptr<state> self);

private:
  static asio::awaitable<result<snapshot>> read_head(std::shared_ptr<state> self);
  static asio::awaitable<result<void>> ask(std::shared_ptr<state> self, snapshot const& head);
  static asio::awaitable<bool> ask_again(std::shared_ptr<state> self, std::string missing);

  vault keys() const {
    std::scoped_lock const lock(mutex_);
    return keys_;
  }

  asio::execution_context& home;
  std::unique_ptr<store_backend> const backend;
  std::vector<key_source> const sources;
  mutable std::mutex mutex_;
  vault keys_;
  asking_pace pace_;
};

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
                                     cost = cost_of(self->sources)](snapshot const& now) -> result<changes> {
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

asio::awaitable<result<rotation_report>> store::state::rotate(std::shared_ptr<state> self) {
  auto reading = read_head(self);
  auto const head = co_await std::move(reading);
  if (!head)
    co_return head.error();
  // The first key may be a new one.
  auto asking = ask(self, *head);
  auto const asked = co_await std::move(asking);
  if (!asked)
    co_return asked.error();
  rotation_report report;
  auto const given = self->keys();
  report.key_id = given.key_ids().front();
  auto const refused = std::make_shared<std::set<std::string>>();
  store_backend::decision renew = [refused, given](snapshot const& now) {
    return sealing::renew_own_keys(now, given, *refused);
  };
  auto renewing = self->backend->change(std::move(renew));
  auto const renewed = co_await std::move(renewing);
  if (!renewed)
    co_return renewed.error();
  report.refused.assign(refused->begin(), refused->end());
  auto const noted = std::make_shared<std::size_t>(0);
  auto const failed = std::make_shared<std::set<std::string>>();
  auto const is_more = std::make_shared<bool>(false);
  store_backend::decision const decide = [noted, is_more, failed, given](snapshot const& now) -> result<changes> {
    auto const most = std::max(rotated_at_once, now.secrets.size() / most_steps + 1);
    auto decided = sealing::rewrap_some(now, given, most, *failed);
    *noted = decided ? decided->put_secrets.size() : 0;
    *is_more = *noted == most;
    return decided;
  };
  while (true) {
    auto changing = self->backend->change(decide);
    auto const outcome = co_await std::move(changing);
    if (!outcome)
      co_return outcome.error();
    report.rewrapped += *noted;
    if (!*is_more)
      break;
  }
  auto forgetting = self->backend->forget_overwritten();
  auto const forgotten = co_await std::move(forgetting);
  if (!forgotten)
    co_return forgotten.error();
  std::function<result<rotation_report>(snapshot const&, vault const&)> count =
      [report, failed](snapshot const& now, vault const& keys) -> result<rotation_report> {
    auto counted = report;
    for (auto const& row : now.secrets)
      if (failed->contains(row.id))
        counted.failed.push_back(views::describe(row, now, keys));
    // Some that were rewrapped may have been removed since.
    auto const intact = now.secrets.size() - counted.failed.size();
    counted.current = intact - std::min(counted.rewrapped, intact);
    return counted;
  };
  auto counting = read(self, std::move(count));
  auto counted = co_await std::move(counting);
  co_return counted;
}

asio::awaitable<result<migration_report>> store::state::migrate(std::shared_ptr<state> self) {
  auto const failed = std::make_shared<std::set<std::string>>();
  auto const refused = std::make_shared<std::set<std::string>>();
  store_backend::decision decide = [failed, refused, keys = self->keys(),
                                    cost = cost_of(self->sources)](snapshot const& now) {
    return sealing::upgrade(now, keys, cost, *failed, *refused);
  };
  auto upgrading = self->backend->upgrade(std::move(decide));
  auto const backup = co_await std::move(upgrading);
  if (!backup)
    co_return backup.error();
  std::function<result<migration_report>(snapshot const&, vault const&)> describe =
      [backup, failed, refused](snapshot const& now, vault const& keys) -> result<migration_report> {
    migration_report report;
    report.backup = *backup;
    report.refused.assign(refused->begin(), refused->end());
    for (auto const& row : now.secrets)
      if (failed->contains(row.id))
        report.failed.push_back(views::describe(row, now, keys));
    return report;
  };
  auto describing = read(self, std::move(describe));
  auto report = co_await std::move(describing);
  co_return report;
}

asio::awaitable<result<store>> store::open(asio::any_io_executor executor, std::string url,
                                           std::vector<key_source> keys) {
  auto backend = make_backend(executor, url);
  if (!backend)
    return fail<store>(backend.error());
  asio::execution_context& context = asio::query(executor, asio::execution::context);
  return as_result(state::open(std::make_shared<state>(context, std::move(*backend), std::move(keys))));
}

asio::awaitable<result<configuration>> store::load() const {
  if (!state_)
    return fail<configuration>(empty_store());
  return as_result(state::read<configuration>(state_, &views::load));
}

asio::awaitable<result<void>> store::wait_for_change(std::uint64_t seen) const {
  if (!state_)
    return fail<void>(empty_store());
  return as_result(state::wait_for_change(state_, static_cast<std::int64_t>(seen)));
}

asio::awaitable<result<store_content>> store::content() const {
  if (!state_)
    return fail<store_content>(empty_store());
  return as_result(state::read<store_content>(state_, &views::content));
}

asio::awaitable<result<json::object>> store::export_configuration(bool with_secrets) const {
  if (!state_)
    return fail<json::object>(empty_store());
  return as_result(state::read<json::object>(state_, [with_secrets](snapshot const& now, vault const& keys) {
    return views::export_configuration(now, keys, with_secrets);
  }));
}

asio::awaitable<result<void>> store::add_provider(json::object provider, std::vector<named_secret> secrets) const {
  if (!state_)
    return fail<void>(empty_store());
  return as_result(state::change(state_, [provider = shared(std::move(provider)), secrets = std::move(secrets)](
                                             snapshot const& now, sealing::sealer const& with) {
    return edits::add_provider(now, *provider, secrets, with);
  }));
}

asio::awaitable<result<void>> store::add_model(json::object model) const {
  if (!state_)
    return fail<void>(empty_store());
  return as_result(state::change(state_, [model = std::move(model)](snapshot const& now, sealing::sealer const& with) {
    return edits::add_model(now, model, with);
  }));
}

asio::awaitable<result<void>> store::update_provider(std::string name, json::object patch) const {
  if (!state_)
    return fail<void>(empty_store());
  return as_result(state::change(state_, [name = std::move(name), patch = shared(std::move(patch))](
                                             snapshot const& now, sealing::sealer const& with) {
    return edits::update_provider(now, name, *patch, with);
  }));
}

asio::awaitable<result<void>> store::accept_provider(std::string name, json::object seen) const {
  if (!state_)
    return fail<void>(empty_store());
  return as_result(state::change(state_, [name = std::move(name), seen = shared(std::move(seen))](
                                             snapshot const& now, sealing::sealer const& with) {
    return edits::accept_provider(now, name, *seen, with);
  }));
}

asio::awaitable<result<void>> store::update_model(std::string name, json::object patch) const {
  if (!state_)
    return fail<void>(empty_store());
  return as_result(state::change(
      state_, [name = std::move(name), patch = std::move(patch)](snapshot const& now, sealing::sealer const& with) {
        return edits::update_model(now, name, patch, with);
      }));
}

asio::awaitable<result<void>> store::remove_provider(std::string name) const {
  if (!state_)
    return fail<void>(empty_store());
  return as_result(state::change(state_, [name = std::move(name)](snapshot const& now, sealing::sealer const&) {
    return edits::remove_provider(now, name);
  }));
}

asio::awaitable<result<void>> store::remove_model(std::string name) const {
  if (!state_)
    return fail<void>(empty_store());
  return as_result(state::change(state_, [name = std::move(name)](snapshot const& now, sealing::sealer const&) {
    return edits::remove_model(now, name);
  }));
}

asio::awaitable<result<std::vector<std::string>>> store::set_secret(std::string provider, named_secret given) const {
  using places = std::vector<std::string>;
  if (!state_)
    return fail<places>(empty_store());
  auto const same_as = std::make_shared<places>();
  return as_result(state::change<places>(state_, same_as,
                                         [same_as, provider = std::move(provider),
                                          given = std::move(given)](snapshot const& now, sealing::sealer const& with) {
                                           return edits::set_secret(now, provider, given, with, *same_as);
                                         }));
}

asio::awaitable<result<import_report>> store::import_configuration(json::object config) const {
  if (!state_)
    return fail<import_report>(empty_store());
  auto const report = std::make_shared<import_report>();
  return as_result(state::change<import_report>(
      state_, report, [report, config = shared(std::move(config))](snapshot const& now, sealing::sealer const& with) {
        return edits::import_configuration(now, *config, with, *report);
      }));
}

asio::awaitable<result<rotation_report>> store::rotate() const {
  if (!state_)
    return fail<rotation_report>(empty_store());
  return as_result(state::rotate(state_));
}

asio::awaitable<result<migration_report>> store::migrate() const {
  if (!state_)
    return fail<migration_report>(empty_store());
  return as_result(state::migrate(state_));
}

} // namespace claudio
