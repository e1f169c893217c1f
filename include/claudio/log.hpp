#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

enum class log_level : std::uint8_t { trace, debug, info, warning, error, off };

/// Sets the level of the library's loggers, which begin at `warning`. Thread-safe.
///
/// They are spdlog loggers: `claudio` (calls), `claudio.net` (sessions, waits, keys), `claudio.retry` (attempts),
/// `claudio.translate` (what translation changed). They write to standard error, unless a logger of that name was
/// registered with spdlog before the library's first use: then that one is taken, with its sinks and its level.
/// A line is an event's name and its fields: `call_ended call=12 model=claude-sonnet-4-6 attempts=1 ms=812 …`.
/// Keys are never logged, prompts and answers only with `set_content_logging(true)`.
///
/// Before its first use the library reads two environment variables: `ANTHROPIC_LOG`, a level for all, as Anthropic's
/// own clients have it, and `CLAUDIO_LOG`, which comes first: a level, or levels by name, "warning,claudio.net=debug".
void set_log_level(log_level level);
/// Sets the level of one logger, by its name. An unknown name is ignored.
void set_log_level(std::string_view logger, log_level level);

/// Lets `claudio.translate` log whole requests at `debug`, as they came and as they are sent: with all that users said
/// in them. Off at first, unless `CLAUDIO_LOG_CONTENT` is "1". Thread-safe.
void set_content_logging(bool on);

/// The last lines that the library logged at `info` or above, whatever its loggers' levels are; oldest first, each with
/// time, level and logger. For the report of an error. Thread-safe.
std::vector<std::string> recent_log_lines();
/// How many lines are kept, at first 100 at `info`. Those of `debug` cost each call some microseconds. Thread-safe.
void keep_log_lines(std::size_t lines, log_level level = log_level::info);

} // namespace claudio
