#include "observe/loggers.hpp"

#include <claudio/log.hpp>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <memory>
#include <string>

namespace claudio {
namespace {

std::shared_ptr<spdlog::logger> find_or_make(std::string const& name) {
  if (auto registered = spdlog::get(name))
    return registered;
  auto made = std::make_shared<spdlog::logger>(name, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  made->set_level(spdlog::level::warn);
  try {
    spdlog::register_logger(made);
  } catch (spdlog::spdlog_ex const&) {
    // Another thread was quicker.
    if (auto registered = spdlog::get(name))
      return registered;
  }
  return made;
}

struct loggers {
  std::shared_ptr<spdlog::logger> call = find_or_make("claudio");
  std::shared_ptr<spdlog::logger> net = find_or_make("claudio.net");
  std::shared_ptr<spdlog::logger> retry = find_or_make("claudio.retry");
  std::shared_ptr<spdlog::logger> translate = find_or_make("claudio.translate");
};

loggers const& all() {
  static loggers const instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(log_level level) {
  switch (level) {
  case log_level::trace:
    return spdlog::level::trace;
  case log_level::debug:
    return spdlog::level::debug;
  case log_level::info:
    return spdlog::level::info;
  case log_level::warning:
    return spdlog::level::warn;
  case log_level::error:
    return spdlog::level::err;
  case log_level::off:
    break;
  }
  return spdlog::level::off;
}

} // namespace

spdlog::logger& call_log() { return *all().call; }
spdlog::logger& net_log() { return *all().net; }
spdlog::logger& retry_log() { return *all().retry; }
spdlog::logger& translate_log() { return *all().translate; }

void set_log_level(log_level level) {
  for (auto const& logger : {all().call, all().net, all().retry, all().translate})
    logger->set_level(to_spdlog(level));
}

void set_log_level(std::string_view name, log_level level) {
  for (auto const& logger : {all().call, all().net, all().retry, all().translate})
    if (logger->name() == name)
      logger->set_level(to_spdlog(level));
}

} // namespace claudio
