#pragma once

#include <claudio/client.hpp>
#include <claudio/configuration.hpp>
#include <claudio/configuration_source.hpp>
#include <claudio/error.hpp>
#include <claudio/model.hpp>
#include <claudio/observer.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// What a manager works by, and how it stands with what it watches.
class configuration_state {
public:
  configuration_state() = default;

  std::uint64_t revision = 0;                   ///< of the configuration in use
  std::chrono::system_clock::time_point loaded; ///< when it was taken into use
  std::optional<error> fault;        ///< why a newer one can't be had: the one in use stays until that is mended
  std::vector<error> faulty_entries; ///< why some providers and models of it can't be used, while the others can
};

/// All configured models. A handle: copies share them.
///
///     asio::io_context context;
///     model_manager manager(context.get_executor(), configuration::load("claudio.json").value(), serial);
///     model claude = manager.get_model_instance("claude-sonnet-4-6").value();
///
/// Executor, lifetime: those of `client`; all clients of a manager share one home.
/// Thread safety: all members may be called from any thread.
class model_manager {
public:
  /// Works on a strand of its own over `executor`.
  /// @param observed_by is told what all clients do; null: nobody is, but for the log
  model_manager(boost::asio::any_io_executor executor, configuration config,
                std::shared_ptr<observer> observed_by = nullptr);
  /// Works on `executor` as it is, which is promised to be serial.
  model_manager(boost::asio::any_io_executor executor, configuration config, serial_t,
                std::shared_ptr<observer> observed_by = nullptr);

  /// A manager of `configuration::from_env()`.
  static result<model_manager> from_env(boost::asio::any_io_executor executor,
                                        std::shared_ptr<observer> observed_by = nullptr);
  static result<model_manager> from_env(boost::asio::any_io_executor executor, serial_t,
                                        std::shared_ptr<observer> observed_by = nullptr);

  /// The configured model of exactly this name, or any other where the configuration has a default provider.
  /// Errors: `errc::model_not_found`, with the nearest name suggested; `errc::configuration` when the model's provider
  /// can't be used.
  result<model> get_model_instance(std::string_view name) const;

  /// Keeps the manager at the configuration of a source, a `store` for instance, until it is cancelled: an explicit
  /// run(), which keeps its context at work.
  ///
  ///     asio::co_spawn(context, manager.watch(store), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  ///
  /// What has changed there is in use soon after, also by the models that were given out before. Calls in flight end as
  /// they began, and a provider that has not changed keeps its sessions and its pacing. A source that is away, or a
  /// configuration that can't be used, leaves the last one in use; the log `claudio` and `state()` say so.
  /// Errors: `errc::cancelled`; `errc::shut_down` when the manager has been drained.
  template <std::derived_from<configuration_source> Source>
  boost::asio::awaitable<result<void>> watch(Source source) const {
    return watch(std::shared_ptr<configuration_source const>(std::make_shared<Source>(std::move(source))));
  }
  boost::asio::awaitable<result<void>> watch(std::shared_ptr<configuration_source const> source) const;
  configuration_state state() const;

  /// Drains all clients at once: see `client::drain()`. Their models answer `errc::shut_down` from then on.
  boost::asio::awaitable<result<void>> drain(std::chrono::steady_clock::time_point deadline) const;

  /// The names of all models that are configured now, in the configuration's order.
  std::vector<std::string> model_names() const;

private:
  class tables;
  class shared;
  std::shared_ptr<shared> shared_;
};

} // namespace claudio
