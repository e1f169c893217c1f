#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <memory>
#include <string_view>
#include <utility>

namespace claudio {

/// One of the library's loggers; see <claudio/log.hpp>. What it is given must never hold a key, and no prompt or answer
/// unless `logs_content()`. Thread-safe.
class named_log {
public:
  explicit named_log(std::shared_ptr<spdlog::logger> logger);

  bool enabled(spdlog::level::level_enum level) const noexcept {
    return logger_->should_log(level) || level >= history_level_.load(std::memory_order_relaxed);
  }
  bool debugs() const noexcept { return enabled(spdlog::level::debug); }

  template <class... Arguments>
  void debug(spdlog::format_string_t<Arguments...> format, Arguments&&... arguments) const {
    log(spdlog::level::debug, format, std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  void info(spdlog::format_string_t<Arguments...> format, Arguments&&... arguments) const {
    log(spdlog::level::info, format, std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  void warn(spdlog::format_string_t<Arguments...> format, Arguments&&... arguments) const {
    log(spdlog::level::warn, format, std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  void log(spdlog::level::level_enum level, spdlog::format_string_t<Arguments...> format,
           Arguments&&... arguments) const {
    if (!enabled(level))
      return;
    spdlog::memory_buf_t text;
    spdlog::fmt_lib::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
    write(level, std::string_view(text.data(), text.size()));
  }
  /// Makes the line printable, since what it quotes may come from outside.
  void write(spdlog::level::level_enum level, std::string_view line) const;

  spdlog::logger& logger() const noexcept { return *logger_; }

  static void keep_history_of(spdlog::level::level_enum level) noexcept { history_level_ = level; }

private:
  std::shared_ptr<spdlog::logger> logger_;
  static inline std::atomic<spdlog::level::level_enum> history_level_{spdlog::level::info};
};

named_log& call_log();
named_log& net_log();
named_log& retry_log();
named_log& translate_log();

/// Whether requests and answers may be logged.
bool logs_content() noexcept;

} // namespace claudio
