#pragma once

#include <claudio/client.hpp>
#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/model.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

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
  model_manager(boost::asio::any_io_executor executor, configuration config);
  /// Works on `executor` as it is, which is promised to be serial.
  model_manager(boost::asio::any_io_executor executor, configuration config, serial_t);

  /// A manager of `configuration::from_env()`.
  static result<model_manager> from_env(boost::asio::any_io_executor executor);
  static result<model_manager> from_env(boost::asio::any_io_executor executor, serial_t);

  /// The configured model of exactly this name.
  /// Errors: `errc::model_not_found`, with the nearest name suggested; `errc::configuration` when the model's provider
  /// can't be used.
  result<model> get_model_instance(std::string_view name) const;

  /// Drains all clients at once: see `client::drain()`. Their models answer `errc::shut_down` from then on.
  boost::asio::awaitable<result<void>> drain(std::chrono::steady_clock::time_point deadline) const;

  /// The names of all configured models, in the configuration's order.
  std::vector<std::string> model_names() const;

private:
  class state;
  std::shared_ptr<state const> state_;
};

} // namespace claudio
