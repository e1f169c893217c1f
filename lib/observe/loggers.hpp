#pragma once

#include <spdlog/logger.h>

/// The library's loggers; see <claudio/log.hpp>. Arguments must never hold a key, a prompt or an answer.
namespace claudio {

spdlog::logger& call_log();
spdlog::logger& net_log();
spdlog::logger& retry_log();
spdlog::logger& translate_log();

} // namespace claudio
