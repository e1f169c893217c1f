#pragma once

#include <cstdint>
#include <string_view>

namespace claudio {

enum class log_level : std::uint8_t { trace, debug, info, warning, error, off };

/// Sets the level of the library's loggers, which begin at `warning`. Thread-safe.
///
/// They are spdlog loggers: `claudio` (calls), `claudio.net` (sessions), `claudio.retry` (attempts and waits),
/// `claudio.translate` (what translation changed). They write to standard error, unless a logger of that name was
/// registered with spdlog before the library's first use: then that one is taken, with its sinks and its level.
/// At `debug` they show a request's life; keys, prompts and answers are never logged.
void set_log_level(log_level level);
/// Sets the level of one logger, by its name. An unknown name is ignored.
void set_log_level(std::string_view logger, log_level level);

} // namespace claudio
