#include "async/as_result.hpp"
#include "core/lower_case.hpp"
#include "core/object_reader.hpp"
#include "store/edits.hpp"
#include "store/postgres_backend.hpp"
#include "store/sqlite_backend.hpp"
#include "store/store_state.hpp"
#include "store/views.hpp"

#include <claudio/store.hpp>

#include <boost/asio/query.hpp>

namespace claudio {
namespace asio = boost::asio;
namespace json = boost::json;
using sealing::sealer;

namespace {

asio::awaitable<result<store>> fail(error failure) { co_return failure; }

// JSON with secrets is not copied: a copy would lie in memory that is not wiped.
std::shared_ptr<json::object const> shared(json::object document) {
  return std::make_shared<json::object const>(std::move(document));
}

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

} // namespace

asio::awaitable<result<store>> store::open(asio::any_io_executor executor, std::string url,
                                           std::vector<key_source> keys) {
  auto backend = make_backend(executor, url);
  if (!backend)
    return fail(backend.error());
  asio::execution_context& context = asio::query(executor, asio::execution::context);
  return as_result(state::open(std::make_shared<state>(context, std::move(*backend), std::move(keys))));
}

asio::awaitable<result<configuration>> store::load() const {
  return as_result(state::read<configuration>(state_, &views::load));
}

asio::awaitable<result<void>> store::wait_for_change(std::uint64_t seen) const {
  return as_result(state::wait_for_change(state_, static_cast<std::int64_t>(seen)));
}

asio::awaitable<result<store_content>> store::content() const {
  return as_result(state::read<store_content>(state_, &views::content));
}

asio::awaitable<result<json::object>> store::export_configuration(bool with_secrets) const {
  return as_result(state::read<json::object>(state_, [with_secrets](snapshot const& now, vault const& keys) {
    return views::export_configuration(now, keys, with_secrets);
  }));
}

asio::awaitable<result<void>> store::add_provider(json::object provider, std::vector<named_secret> secrets) const {
  return as_result(state::change(state_, [provider = shared(std::move(provider)),
                                          secrets = std::move(secrets)](snapshot const& now, sealer const& with) {
    return edits::add_provider(now, *provider, secrets, with);
  }));
}

asio::awaitable<result<void>> store::add_model(json::object model) const {
  return as_result(state::change(state_, [model = std::move(model)](snapshot const& now, sealer const& with) {
    return edits::add_model(now, model, with);
  }));
}

asio::awaitable<result<void>> store::update_provider(std::string name, json::object patch) const {
  return as_result(state::change(
      state_, [name = std::move(name), patch = shared(std::move(patch))](snapshot const& now, sealer const& with) {
        return edits::update_provider(now, name, *patch, with);
      }));
}

asio::awaitable<result<void>> store::accept_provider(std::string name, json::object seen) const {
  return as_result(state::change(
      state_, [name = std::move(name), seen = shared(std::move(seen))](snapshot const& now, sealer const& with) {
        return edits::accept_provider(now, name, *seen, with);
      }));
}

asio::awaitable<result<void>> store::update_model(std::string name, json::object patch) const {
  return as_result(state::change(
      state_, [name = std::move(name), patch = std::move(patch)](snapshot const& now, sealer const& with) {
        return edits::update_model(now, name, patch, with);
      }));
}

asio::awaitable<result<void>> store::remove_provider(std::string name) const {
  return as_result(state::change(state_, [name = std::move(name)](snapshot const& now, sealer const&) {
    return edits::remove_provider(now, name);
  }));
}

asio::awaitable<result<void>> store::remove_model(std::string name) const {
  return as_result(state::change(
      state_, [name = std::move(name)](snapshot const& now, sealer const&) { return edits::remove_model(now, name); }));
}

asio::awaitable<result<std::vector<std::string>>> store::set_secret(std::string provider, named_secret given) const {
  using places = std::vector<std::string>;
  auto const same_as = std::make_shared<places>();
  return as_result(state::change<places>(
      state_, same_as,
      [same_as, provider = std::move(provider), given = std::move(given)](snapshot const& now, sealer const& with) {
        return edits::set_secret(now, provider, given, with, *same_as);
      }));
}

asio::awaitable<result<import_report>> store::import_configuration(json::object config) const {
  auto const report = std::make_shared<import_report>();
  return as_result(state::change<import_report>(
      state_, report, [report, config = shared(std::move(config))](snapshot const& now, sealer const& with) {
        return edits::import_configuration(now, *config, with, *report);
      }));
}

asio::awaitable<result<rotation_report>> store::rotate() const { return as_result(state::rotate(state_)); }

asio::awaitable<result<migration_report>> store::migrate() const { return as_result(state::migrate(state_)); }

} // namespace claudio
