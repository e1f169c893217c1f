#include "observe/loggers.hpp"

#include "core/printable.hpp"

#include <claudio/log.hpp>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace claudio {
namespace {

using spdlog::level::level_enum;

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

class line_history {
public:
  void add(spdlog::details::log_msg const& line) {
    std::scoped_lock const lock(mutex_);
    if (most_ == 0)
      return;
    spdlog::memory_buf_t text;
    formatter_.format(line, text);
    if (lines_.size() >= most_)
      lines_.pop_front();
    lines_.emplace_back(text.data(), text.size());
  }
  void keep(std::size_t lines) {
    std::scoped_lock const lock(mutex_);
    most_ = lines;
    while (lines_.size() > most_)
      lines_.pop_front();
  }
  std::vector<std::string> lines() const {
    std::scoped_lock const lock(mutex_);
    return {lines_.begin(), lines_.end()};
  }

private:
  mutable std::mutex mutex_;
  spdlog::pattern_formatter formatter_{"%Y-%m-%dT%H:%M:%S.%eZ %l %n %v", spdlog::pattern_time_type::utc, ""};
  std::deque<std::string> lines_;
  std::size_t most_ = 100;
};

// Never destroyed, like the loggers: what a program keeps in globals logs at its end too.
line_history& history() {
  static auto* const instance = new line_history;
  return *instance;
}

std::optional<level_enum> level_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, level_enum>, 8> names{{{"trace", spdlog::level::trace},
                                                                          {"debug", spdlog::level::debug},
                                                                          {"info", spdlog::level::info},
                                                                          {"warning", spdlog::level::warn},
                                                                          {"warn", spdlog::level::warn},
                                                                          {"error", spdlog::level::err},
                                                                          {"off", spdlog::level::off},
                                                                          {"none", spdlog::level::off}}};
  auto const found = std::find_if(names.begin(), names.end(), [&](auto const& known) { return known.first == name; });
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

class loggers {
public:
  loggers() {
    apply("ANTHROPIC_LOG");
    apply("CLAUDIO_LOG");
  }

  std::array<named_log*, 4> all() { return {&call, &net, &retry, &translate}; }

  named_log call{find_or_make("claudio")};
  named_log net{find_or_make("claudio.net")};
  named_log retry{find_or_make("claudio.retry")};
  named_log translate{find_or_make("claudio.translate")};

private:
  void apply(char const* variable) {
    char const* const value = std::getenv(variable);
    std::string_view rest = value ? value : "";
    while (!rest.empty()) {
      auto const entry = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
      auto const equals = entry.find('=');
      auto const name = equals == std::string_view::npos ? std::string_view() : entry.substr(0, equals);
      auto const level = level_named(entry.substr(equals == std::string_view::npos ? 0 : equals + 1));
      bool known = false;
      for (auto* const one : all())
        if (name.empty() || one->logger().name() == name) {
          known = true;
          if (level)
            one->logger().set_level(*level);
        }
      if (!level || !known)
        call.warn("{}: \"{}\" is none of trace, debug, info, warning, error, off, alone or behind one of "
                  "claudio=, claudio.net=, claudio.retry=, claudio.translate=",
                  variable, entry);
    }
  }
};

loggers& all() {
  static auto* const instance = new loggers;
  return *instance;
}

level_enum to_spdlog(log_level level) {
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

std::atomic<bool>& content() {
  static std::atomic<bool> on = [] {
    char const* const value = std::getenv("CLAUDIO_LOG_CONTENT");
    return value && std::string_view(value) == "1";
  }();
  return on;
}

} // namespace

named_log::named_log(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}

void named_log::write(level_enum level, std::string_view line) const {
  std::string printable;
  if (!is_printable_line(line)) {
    printable = printable_line(line);
    line = printable;
  }
  logger_->log(level, line);
  if (level >= history_level_.load(std::memory_order_relaxed))
    history().add(spdlog::details::log_msg(logger_->name(), level, line));
}

named_log& call_log() { return all().call; }
named_log& net_log() { return all().net; }
named_log& retry_log() { return all().retry; }
named_log& translate_log() { return all().translate; }

bool logs_content() noexcept { return content().load(std::memory_order_relaxed); }
void set_content_logging(bool on) { content() = on; }

void set_log_level(log_level level) {
  for (auto* const one : all().all())
    one->logger().set_level(to_spdlog(level));
}

void set_log_level(std::string_view name, log_level level) {
  for (auto* const one : all().all())
    if (one->logger().name() == name)
      one->logger().set_level(to_spdlog(level));
}

std::vector<std::string> recent_log_lines() { return history().lines(); }

void keep_log_lines(std::size_t lines, log_level level) {
  history().keep(lines);
  named_log::keep_history_of(lines == 0 ? spdlog::level::off : to_spdlog(level));
}

} // namespace claudio
