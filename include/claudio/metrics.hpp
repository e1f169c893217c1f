#pragma once

#include <claudio/observer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace claudio {

/// Counts what the clients that it observes do, for Prometheus. `docs/observing.md` lists the metrics: OpenTelemetry's
/// for GenAI clients by their names, and ours where there are none.
///
///     auto const measured = std::make_shared<metrics>();
///     model_manager manager(executor, config, serial, measured);
///     …
///     std::cout << measured->text();
///
/// Observing takes no lock, and no memory but for a series that is new. Label values that come from outside (models)
/// are bounded: from the 1,000th combination on they are counted as "other".
/// Thread safety: all members may be called from any thread.
class metrics final : public observer {
public:
  /// @param most_series of each kind
  explicit metrics(std::size_t most_series = 1000);
  metrics(metrics const&) = delete;
  metrics& operator=(metrics const&) = delete;
  ~metrics() override;

  /// All metrics in Prometheus' text format, version 0.0.4, as of one moment: what an event adds is there as a whole or
  /// not at all.
  std::string text() const;

  /// For who measures how late an event loop is: `metrics_server` does.
  void note_event_loop_lag(std::chrono::nanoseconds lag) noexcept;

  void call_begun(observed_call const& call) noexcept override;
  void call_ended(call_event const& event) noexcept override;
  void attempt_ended(attempt_event const& event) noexcept override;
  void stream_ended(stream_event const& event) noexcept override;
  void waited(wait_event const& event) noexcept override;
  void session_opened(session_event const& event) noexcept override;
  void session_closed(session_event const& event) noexcept override;
  void pool_changed(pool_event const& event) noexcept override;
  void pacing_changed(pacing_event const& event) noexcept override;
  void breaker_changed(breaker_event const& event) noexcept override;
  void key_changed(key_event const& event) noexcept override;
  void fell_back(fallback_event const& event) noexcept override;

private:
  class registry;
  std::unique_ptr<registry> const registry_;
};

} // namespace claudio
