#include "support/log_capture.hpp"

#include "support/test.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

namespace claudio::test {
namespace {

class memory_sink : public spdlog::sinks::base_sink<std::mutex> {
public:
  std::string text() {
    std::lock_guard const lock(mutex_);
    return text_;
  }

protected:
  void sink_it_(spdlog::details::log_msg const& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    text_.append(line.data(), line.size());
  }
  void flush_() override {}

private:
  std::string text_;
};

std::shared_ptr<memory_sink> const& sink() {
  static auto const instance = std::make_shared<memory_sink>();
  return instance;
}

// As a user does it: loggers registered before the library's first use are the ones it takes.
struct register_loggers {
  register_loggers() {
    for (char const* name : {"claudio", "claudio.net", "claudio.retry", "claudio.translate"}) {
      auto logger = std::make_shared<spdlog::logger>(name, sink());
      logger->set_level(spdlog::level::debug);
      spdlog::register_logger(logger);
    }
  }
};

BOOST_TEST_GLOBAL_CONFIGURATION(register_loggers);

} // namespace

std::string captured_log() { return sink()->text(); }

} // namespace claudio::test
