#pragma once

#include <claudio/error.hpp>
#include <claudio/observer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace claudio {

/// How spans are written to a file.
class trace_file_options {
public:
  trace_file_options() = default;

  /// OpenTelemetry's `service.name`: whose spans they are.
  std::string service_name = "unknown_service";
  /// How many spans wait while the file is slow, from 1 to 1'000'000; one takes about 2 KiB. Of more the oldest are
  /// lost.
  std::size_t max_waiting = 8192;
};

/// Writes a span of each call, and below it one of each of its attempts, to a file that an OpenTelemetry Collector
/// reads: OTLP/JSON, one span a line (OpenTelemetry's "File Exporter"). `docs/observing.md` lists the attributes.
///
///     trace_file_options options;
///     options.service_name = "search";
///     auto const traces = trace_file::open("/var/log/search/traces.jsonl", options);
///     model_manager manager(executor, config, serial, traces.value());
///
/// Each call gets a span, below that of `call_options::trace` where it names one; those of a trace that is not sampled
/// are not written. A span holds no key, and nothing that was said: no prompt, no answer, no text of an error.
///
/// Calls never wait for the file: lines wait in a queue for the object's own thread, since writing to a file may
/// block. What does not fit into the queue is lost, and `dropped()` counts it; so
/// it does with what can't be written, of which the first is logged, by `claudio` at `warning`. Thread safety: all
/// members may be called from any thread. The destructor writes what waits, as long as that takes.
class trace_file final : public observer {
public:
  /// Opens a file to append to, or makes one that only this user may read. Several processes may append to one file. A
  /// FIFO needs its reader to be there.
  /// Errors: `errc::configuration` with the path and the reason.
  static result<std::shared_ptr<trace_file>> open(std::string const& path,
                                                  trace_file_options const& options = trace_file_options());
  trace_file(trace_file const&) = delete;
  trace_file& operator=(trace_file const&) = delete;
  ~trace_file() override;

  /// The spans that were lost so far.
  std::uint64_t dropped() const;

  bool wants_traces() const noexcept override { return true; }
  void call_ended(call_event const& event) noexcept override;
  void attempt_ended(attempt_event const& event) noexcept override;
  void stream_ended(stream_event const& event) noexcept override;

private:
  class writer;
  explicit trace_file(std::unique_ptr<writer> to) noexcept;

  std::unique_ptr<writer> const writer_;
};

} // namespace claudio
