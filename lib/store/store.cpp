#include "core/object_reader.hpp"
#include "store/backend.hpp"
#include "store/edits.hpp"
#include "store/postgres_backend.hpp"
#include "store/sealing.hpp"
#include "store/sqlite_backend.hpp"
#include "store/views.hpp"
#include "store/worker.hpp"

#include <claudio/store.hpp>

#include <boost/asio/query.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

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

// The outermost coroutine of an operation: what Asio throws after a cancellation becomes an error.
template <class T>
asio::awaitable<result<T>> guarded(asio::awaitable<result<T>> work) {
  try {
    auto outcome = co_await std::move(work);
    co_return outcome;
  } catch (boost::system::system_error const& thrown) {
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return error(errc::cancelled, "the caller cancelled");
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

result<std::unique_ptr<store_backend>> make_backend(asio::any_io_executor const& executor, std::string const& url) {
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

} // namespace

class store::state {
public:
  explicit state(std::unique_ptr<store_backend> made) : backend(std::move(made)) {}

  sealing::sealer sealer() const {
    sealing::sealer with;
    with.keys = keys;
    with.fingerprint_key = fingerprint_key;
    with.now = milliseconds_now();
    return with;
  }

  // Gives what a function makes of the tables.
  template <class T>
  static asio::awaitable<result<T>> read(std::shared_ptr<state> self,
                                         std::function<result<T>(snapshot const&, vault const&)> view) {
    auto const seen = std::make_shared<std::optional<T>>();
    store_backend::reader use = [seen, view = std::move(view), keys = self->keys](snapshot const& now) -> result<void> {
      auto made = view(now, keys);
      if (!made)
        return made.error();
      seen->emplace(std::move(*made));
      return {};
    };
    auto reading = self->backend->read(std::move(use));
    auto const outcome = co_await std::move(reading);
    if (!outcome)
      co_return outcome.error();
    co_return std::move(**seen);
  }

  // Makes a change, and gives what was noted when it was decided.
  template <class T>
  static asio::awaitable<result<T>> change(std::shared_ptr<state> self, std::shared_ptr<T> noted,
                                           store_backend::decision decide) {
    auto changing = self->backend->change(std::move(decide));
    auto const outcome = co_await std::move(changing);
    if (!outcome)
      co_return outcome.error();
    co_return std::move(*noted);
  }

  static asio::awaitable<result<void>> change(std::shared_ptr<state> self, store_backend::decision decide) {
    auto changing = self->backend->change(std::move(decide));
    auto const outcome = co_await std::move(changing);
    co_return outcome;
  }

  static asio::awaitable<result<void>> wait_for_change(std::shared_ptr<state> self, std::int64_t seen) {
    auto waiting = self->backend->wait_for_change(seen);
    auto const outcome = co_await std::move(waiting);
    co_return outcome;
  }

  static asio::awaitable<result<store>> open(asio::any_io_executor executor, std::string url,
                                             std::vector<key_source> sources);
  static asio::awaitable<result<rotation_report>> rotate(std::shared_ptr<state> self);

  std::unique_ptr<store_backend> const backend;
  vault keys;
  secret fingerprint_key;
};

asio::awaitable<result<store>> store::state::open(asio::any_io_executor executor, std::string url,
                                                  std::vector<key_source> sources) {
  auto backend = make_backend(executor, url);
  if (!backend)
    co_return backend.error();
  auto const opened = std::make_shared<state>(std::move(*backend));
  auto const tables = std::make_shared<snapshot>();
  store_backend::reader const look = [tables](snapshot const& now) -> result<void> {
    tables->salt = now.salt;
    tables->fingerprint_key = now.fingerprint_key;
    return {};
  };
  auto looking = opened->backend->read(look);
  auto const looked = co_await std::move(looking);
  if (!looked)
    co_return looked.error();

  // Keys may come from a slow command, and a passphrase takes its time: not on the caller's thread, nor while others
  // wait for the database.
  auto const keys = std::make_shared<vault>();
  worker asking(asio::query(executor, asio::execution::context));
  worker::job const ask = [keys, tables, sources = std::move(sources)](std::atomic<bool> const&) -> result<void> {
    auto given = vault::open(sources, tables->salt);
    if (!given)
      return given.error();
    *keys = std::move(*given);
    return {};
  };
  auto answering = asking.run(ask);
  auto const answered = co_await std::move(answering);
  if (!answered)
    co_return answered.error();

  if (tables->fingerprint_key.empty()) {
    // Whoever is first makes it.
    store_backend::decision const begin = [keys](snapshot const& now) -> result<changes> {
      return now.fingerprint_key.empty() ? sealing::add_fingerprint_key(now, *keys) : changes();
    };
    auto beginning = opened->backend->change(begin);
    auto const begun = co_await std::move(beginning);
    if (!begun)
      co_return begun.error();
    auto again = opened->backend->read(look);
    auto const seen = co_await std::move(again);
    if (!seen)
      co_return seen.error();
  }
  auto fingerprint_key = sealing::open_fingerprint_key(*tables, *keys);
  if (!fingerprint_key)
    co_return fingerprint_key.error();
  opened->keys = *keys;
  opened->fingerprint_key = std::move(*fingerprint_key);
  co_return store(opened);
}

asio::awaitable<result<rotation_report>> store::state::rotate(std::shared_ptr<state> self) {
  rotation_report report;
  report.key_id = self->keys.key_ids().front();
  auto const noted = std::make_shared<std::size_t>(0);
  auto const failed = std::make_shared<std::set<std::string>>();
  auto const is_more = std::make_shared<bool>(false);
  store_backend::decision const decide = [noted, is_more, failed,
                                          keys = self->keys](snapshot const& now) -> result<changes> {
    auto const most = std::max(rotated_at_once, now.secrets.size() / most_steps + 1);
    auto decided = sealing::rewrap_some(now, keys, most, *failed);
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

asio::awaitable<result<store>> store::open(asio::any_io_executor executor, std::string url,
                                           std::vector<key_source> keys) {
  return guarded(state::open(std::move(executor), std::move(url), std::move(keys)));
}

asio::awaitable<result<configuration>> store::load() const {
  if (!state_)
    return fail<configuration>(empty_store());
  return guarded(state::read<configuration>(state_, &views::load));
}

asio::awaitable<result<void>> store::wait_for_change(std::uint64_t seen) const {
  if (!state_)
    return fail<void>(empty_store());
  return guarded(state::wait_for_change(state_, static_cast<std::int64_t>(seen)));
}

asio::awaitable<result<store_content>> store::content() const {
  if (!state_)
    return fail<store_content>(empty_store());
  return guarded(state::read<store_content>(state_, &views::content));
}

asio::awaitable<result<json::object>> store::export_configuration(bool with_secrets) const {
  if (!state_)
    return fail<json::object>(empty_store());
  return guarded(state::read<json::object>(state_, [with_secrets](snapshot const& now, vault const& keys) {
    return views::export_configuration(now, keys, with_secrets);
  }));
}

asio::awaitable<result<void>> store::add_provider(json::object provider, std::vector<named_secret> secrets) const {
  if (!state_)
    return fail<void>(empty_store());
  return guarded(state::change(state_, [with = state_->sealer(), provider = shared(std::move(provider)),
                                        secrets = std::move(secrets)](snapshot const& now) {
    return edits::add_provider(now, *provider, secrets, with);
  }));
}

asio::awaitable<result<void>> store::add_model(json::object model) const {
  if (!state_)
    return fail<void>(empty_store());
  return guarded(state::change(state_, [with = state_->sealer(), model = std::move(model)](snapshot const& now) {
    return edits::add_model(now, model, with);
  }));
}

asio::awaitable<result<void>> store::update_provider(std::string name, json::object patch) const {
  if (!state_)
    return fail<void>(empty_store());
  return guarded(
      state::change(state_, [with = state_->sealer(), name = std::move(name), patch = shared(std::move(patch))](
                                snapshot const& now) { return edits::update_provider(now, name, *patch, with); }));
}

asio::awaitable<result<void>> store::update_model(std::string name, json::object patch) const {
  if (!state_)
    return fail<void>(empty_store());
  return guarded(
      state::change(state_, [with = state_->sealer(), name = std::move(name), patch = std::move(patch)](
                                snapshot const& now) { return edits::update_model(now, name, patch, with); }));
}

asio::awaitable<result<void>> store::remove_provider(std::string name) const {
  if (!state_)
    return fail<void>(empty_store());
  return guarded(state::change(
      state_, [name = std::move(name)](snapshot const& now) { return edits::remove_provider(now, name); }));
}

asio::awaitable<result<void>> store::remove_model(std::string name) const {
  if (!state_)
    return fail<void>(empty_store());
  return guarded(
      state::change(state_, [name = std::move(name)](snapshot const& now) { return edits::remove_model(now, name); }));
}

asio::awaitable<result<std::vector<std::string>>> store::set_secret(std::string provider, named_secret given) const {
  using places = std::vector<std::string>;
  if (!state_)
    return fail<places>(empty_store());
  auto const same_as = std::make_shared<places>();
  return guarded(state::change<places>(state_, same_as,
                                       [same_as, with = state_->sealer(), provider = std::move(provider),
                                        given = std::move(given)](snapshot const& now) {
                                         return edits::set_secret(now, provider, given, with, *same_as);
                                       }));
}

asio::awaitable<result<import_report>> store::import_configuration(json::object config) const {
  if (!state_)
    return fail<import_report>(empty_store());
  auto const report = std::make_shared<import_report>();
  return guarded(state::change<import_report>(
      state_, report, [report, with = state_->sealer(), config = shared(std::move(config))](snapshot const& now) {
        return edits::import_configuration(now, *config, with, *report);
      }));
}

asio::awaitable<result<rotation_report>> store::rotate() const {
  if (!state_)
    return fail<rotation_report>(empty_store());
  return guarded(state::rotate(state_));
}

} // namespace claudio
