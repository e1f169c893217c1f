#include "async/on_home.hpp"
#include "call/endpoint.hpp"
#include "observe/loggers.hpp"
#include "runtime/model_state.hpp"
#include "runtime/model_tables.hpp"
#include "runtime/reminder.hpp"

#include <claudio/model_manager.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <map>
#include <mutex>

namespace claudio {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds shortest_pause{250};
constexpr std::chrono::milliseconds longest_pause{5000};
// Callers choose the names where a default provider serves them; beyond this many, those without a handle are
// forgotten.
constexpr std::size_t most_given_out = 1000;

} // namespace

// Thread-safe.
class model_manager::shared {
public:
  shared(asio::any_io_executor executor, configuration config, std::shared_ptr<observer> observed_by)
      : home(std::move(executor)), observed_by_(std::move(observed_by)),
        tables_(std::make_shared<tables const>(home, std::move(config), observed_by_, nullptr)) {
    state_.revision = tables_->revision();
    state_.loaded = std::chrono::system_clock::now();
    state_.faulty_entries = tables_->faults();
  }

  result<model> find(std::string_view name) {
    std::scoped_lock const lock(mutex_);
    if (auto const known = given_out_.find(name); known != given_out_.end())
      if (auto const routes = known->second->routes(); !routes->fault)
        return model(known->second);
    auto routes = tables_->routes_of(name);
    if (!routes)
      return routes.error();
    if (given_out_.size() >= most_given_out)
      std::erase_if(given_out_, [](auto const& entry) { return entry.second.use_count() == 1; });
    auto& state = given_out_[std::string(name)];
    if (state)
      state->replace(std::move(*routes));
    else
      state = std::make_shared<model::state>(std::string(name), std::move(*routes));
    return model(state);
  }

  std::vector<std::string> names() const { return current()->names(); }

  /// False once the manager is drained.
  bool use(configuration config) {
    auto const before = current();
    auto const next = std::make_shared<tables const>(home, std::move(config), observed_by_, before.get());
    // What is not used any more belongs to the home executor, where its sessions are watched.
    std::vector<std::shared_ptr<void const>> retired{before};
    {
      std::scoped_lock const lock(mutex_);
      if (drained_)
        return false;
      for (auto& [name, state] : given_out_)
        retired.push_back(state->replace(routes_now(*next, name)));
      std::erase_if(retired_clients_, [](auto const& client) { return client.expired(); });
      auto const kept = next->clients();
      for (auto const& client : before->clients())
        if (std::find(kept.begin(), kept.end(), client) == kept.end())
          retired_clients_.push_back(client);
      tables_ = next;
      state_.revision = next->revision();
      state_.loaded = std::chrono::system_clock::now();
      state_.faulty_entries = next->faults();
    }
    asio::post(home, [retired = std::move(retired)] {});
    return true;
  }

  configuration_state state() const {
    std::scoped_lock const lock(mutex_);
    return state_;
  }

  /// Whether it is another fault than before.
  bool note(std::optional<error> fault) {
    std::scoped_lock const lock(mutex_);
    bool const is_new =
        fault.has_value() != state_.fault.has_value() || (fault && fault->message() != state_.fault->message());
    state_.fault = std::move(fault);
    return is_new;
  }

  bool drained() const {
    std::scoped_lock const lock(mutex_);
    return drained_;
  }

  std::vector<std::shared_ptr<detail::endpoint>> drain() {
    std::scoped_lock const lock(mutex_);
    drained_ = true;
    auto clients = tables_->clients();
    for (auto const& retired : retired_clients_)
      if (auto client = retired.lock())
        clients.push_back(std::move(client));
    return clients;
  }

  static asio::awaitable<result<void>> keep_up(std::shared_ptr<shared> self,
                                               std::shared_ptr<configuration_source const> source);
  static asio::awaitable<result<void>> take_next(std::shared_ptr<shared> self,
                                                 std::shared_ptr<configuration_source const> source);

  asio::any_io_executor const home;

private:
  std::shared_ptr<tables const> current() const {
    std::scoped_lock const lock(mutex_);
    return tables_;
  }

  static std::shared_ptr<model_routes const> routes_now(tables const& next, std::string const& name) {
    auto routes = next.routes_of(name);
    if (routes)
      return std::move(*routes);
    auto const none = std::make_shared<model_routes>();
    none->fault = routes.error();
    return none;
  }

  std::shared_ptr<observer> const observed_by_;
  mutable std::mutex mutex_;
  std::shared_ptr<tables const> tables_;
  std::map<std::string, std::shared_ptr<model::state>, std::less<>> given_out_;
  std::vector<std::weak_ptr<detail::endpoint>> retired_clients_; // may have calls in flight
  configuration_state state_;
  bool drained_ = false;
};

model_manager::model_manager(asio::any_io_executor executor, configuration config,
                             std::shared_ptr<observer> observed_by)
    : model_manager(asio::any_io_executor(asio::make_strand(std::move(executor))), std::move(config), serial,
                    std::move(observed_by)) {}

model_manager::model_manager(asio::any_io_executor executor, configuration config, serial_t,
                             std::shared_ptr<observer> observed_by)
    : shared_(std::make_shared<shared>(std::move(executor), std::move(config), std::move(observed_by))) {}

result<model_manager> model_manager::from_env(asio::any_io_executor executor, std::shared_ptr<observer> observed_by) {
  return from_env(asio::any_io_executor(asio::make_strand(std::move(executor))), serial, std::move(observed_by));
}

result<model_manager> model_manager::from_env(asio::any_io_executor executor, serial_t,
                                              std::shared_ptr<observer> observed_by) {
  auto config = configuration::from_env();
  if (!config)
    return config.error();
  return model_manager(std::move(executor), std::move(*config), serial, std::move(observed_by));
}

result<model> model_manager::get_model_instance(std::string_view name) const { return shared_->find(name); }

// Waits for another revision, and takes it into use. After a fault it does not wait: the source may be well again, and
// the same.
asio::awaitable<result<void>> model_manager::shared::take_next(std::shared_ptr<shared> self,
                                                               std::shared_ptr<configuration_source const> source) {
  auto const before = self->state();
  if (!before.fault) {
    auto waiting = source->wait_for_change(before.revision);
    auto const changed = co_await std::move(waiting);
    if (!changed)
      co_return changed.error();
  }
  auto loading = source->load();
  auto config = co_await std::move(loading);
  if (!config)
    co_return config.error();
  if (self->note(std::nullopt))
    call_log().info("configuration_back revision={}", self->state().revision);
  auto const revision = config->revision;
  if (revision == before.revision)
    co_return result<void>();
  if (!self->use(std::move(*config)))
    co_return error(errc::shut_down, "the manager has been drained");
  call_log().info("configuration_in_use revision={}", revision);
  co_return result<void>();
}

asio::awaitable<result<void>> model_manager::shared::keep_up(std::shared_ptr<shared> self,
                                                             std::shared_ptr<configuration_source const> source) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  auto pause = shortest_pause;
  detail::reminder away;
  while (!self->drained()) {
    bool const was_well = !self->state().fault;
    auto taking = take_next(self, source);
    auto const taken = co_await std::move(taking);
    // A source that can be read but not waited for would else be asked without a pause.
    if (taken && was_well)
      pause = shortest_pause;
    if (taken)
      continue;
    if (taken.error().code() == errc::cancelled || taken.error().code() == errc::shut_down)
      co_return taken;
    bool const is_new = self->note(taken.error());
    if (away.is_due(is_new, detail::reminder::clock::now()))
      call_log().warn("configuration_away stays_in_use={} error=\"{}\"", self->state().revision,
                      taken.error().message());
    timer.expires_after(pause);
    co_await timer.async_wait(asio::use_awaitable);
    pause = std::min(2 * pause, longest_pause);
  }
  co_return error(errc::shut_down, "the manager has been drained");
}

asio::awaitable<result<void>> model_manager::watch(std::shared_ptr<configuration_source const> source) const {
  return as_result(shared::keep_up(shared_, std::move(source)));
}

configuration_state model_manager::state() const { return shared_->state(); }

asio::awaitable<result<void>> model_manager::drain(std::chrono::steady_clock::time_point deadline) const {
  return on_home<void>(shared_->home, detail::endpoint::drain(shared_->drain(), deadline));
}

std::vector<std::string> model_manager::model_names() const { return shared_->names(); }

} // namespace claudio
