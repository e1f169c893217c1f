#pragma once

#include <claudio/error.hpp>
#include <claudio/metrics.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace claudio {

/// A small HTTP listener that shows metrics to Prometheus and health to whoever starts and stops the service:
/// `/metrics`, `/livez` (200 as long as the event loop runs) and `/readyz` (200, or 503 after `set_ready(false)`).
///
///     auto server = metrics_server::listen(executor, "127.0.0.1", 9464, measured).value();
///     asio::co_spawn(executor, server.run(), asio::bind_cancellation_slot(stop.slot(), asio::detached));
///
/// It asks for no credentials and speaks plain HTTP: listen where only the right ones come. A request has 10 seconds
/// and 8 KiB. 16 clients are served at once; for one more the longest silent one is closed. While it runs it measures
/// how late the event loop is. A handle: copies share the listener. Executor: the one given, which has to be serial.
/// Thread safety: `set_ready()` and `port()` may be called from any thread.
class metrics_server {
public:
  metrics_server() = default;

  /// Listens from now on; who connects is served by `run()`.
  /// @param address of an interface, e.g. "127.0.0.1", "0.0.0.0" or "::"
  /// @param port 0: any that is free
  /// Errors: `errc::configuration`: the address is none; `errc::connect`: the port can't be had.
  static result<metrics_server> listen(boost::asio::any_io_executor executor, std::string const& address,
                                       std::uint16_t port, std::shared_ptr<metrics> measured);

  /// Serves until it is cancelled, and keeps its context at work for so long. Errors: `errc::cancelled`; then it is
  /// closed. `errc::connect` when the system accepts nothing more.
  boost::asio::awaitable<result<void>> run() const;

  std::uint16_t port() const noexcept;
  /// What `/readyz` says; at first that it is.
  void set_ready(bool ready) const noexcept;

private:
  class state;
  explicit metrics_server(std::shared_ptr<state> shared) noexcept : state_(std::move(shared)) {}
  std::shared_ptr<state> state_;
};

} // namespace claudio
