#include "observe/log_observer.hpp"

#include "core/printable.hpp"
#include "core/utf8.hpp"
#include "observe/loggers.hpp"

#include <string>

namespace claudio {
namespace {

std::int64_t milliseconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

std::int64_t milliseconds_since(std::chrono::steady_clock::time_point then) {
  return milliseconds_of(std::chrono::steady_clock::now() - then);
}

// One line: an event's name, then its fields. Values that come from outside are quoted where they would break it.
class log_line {
public:
  explicit log_line(std::string_view event) { text_.append(event.data(), event.data() + event.size()); }

  template <class Value>
  log_line& add(std::string_view name, Value const& value) {
    spdlog::fmt_lib::format_to(std::back_inserter(text_), " {}={}", name, value);
    return *this;
  }
  log_line& add(std::string_view name, std::string_view value) {
    spdlog::fmt_lib::format_to(std::back_inserter(text_), " {}=", name);
    value = shortened(value, longest_value);
    bool const plain =
        !value.empty() && value.find_first_of(" \"=\\") == std::string_view::npos && is_printable_line(value);
    if (!plain)
      text_.push_back('"');
    for (char const c : value) {
      if (c == '"' || c == '\\')
        text_.push_back('\\');
      text_.push_back(c);
    }
    if (!plain)
      text_.push_back('"');
    return *this;
  }
  // Of an error what cannot hold anything that was said.
  log_line& add(error const& failure) { return add("error", std::string_view(failure.summary())); }

  void write_to(named_log const& log, spdlog::level::level_enum level) const {
    log.write(level, std::string_view(text_.data(), text_.size()));
  }

private:
  static constexpr std::size_t longest_value = 1024; // what a server says may be as long as an answer

  spdlog::memory_buf_t text_;
};

std::string_view name_of(wait_reason reason) {
  switch (reason) {
  case wait_reason::pacing:
    return "pacing";
  case wait_reason::session:
    return "session";
  case wait_reason::handshake:
    break;
  }
  return "handshake";
}

class logging_observer final : public observer {
public:
  void call_begun(observed_call const& call) noexcept override {
    if (!call_log().debugs())
      return;
    log_line line("call_begun");
    line.add("call", call.number).add("model", call.model).add("stream", call.streams);
    add_endpoint(line, *call.endpoint);
    line.write_to(call_log(), spdlog::level::debug);
  }

  void call_ended(call_event const& event) noexcept override {
    if (!call_log().debugs())
      return;
    auto const& info = *event.info;
    log_line line("call_ended");
    line.add("call", event.call->number).add("model", event.call->model).add("ms", milliseconds_of(info.total));
    line.add("attempts", info.attempts);
    if (!info.request_id.empty())
      line.add("request_id", std::string_view(info.request_id));
    if (event.call->trace)
      line.add("trace", std::string_view(event.call->trace->context.to_string()));
    if (event.answer) {
      auto const used = event.answer->usage();
      line.add("served_by", event.answer->model()).add("stop", event.answer->stop_reason());
      line.add("tokens_in", used.input_tokens + used.cache_creation_input_tokens + used.cache_read_input_tokens);
      line.add("tokens_out", used.output_tokens);
    }
    if (info.cost)
      line.add("cost", std::string_view(to_string(*info.cost)));
    add_phases(line, info);
    if (event.failure)
      line.add(*event.failure);
    line.write_to(call_log(), spdlog::level::debug);
  }

  void attempt_ended(attempt_event const& event) noexcept override {
    if (!event.attempt->failure || !retry_log().debugs())
      return;
    auto const& attempt = *event.attempt;
    log_line line("attempt_failed");
    line.add("call", event.call->number).add("model", event.call->model).add("attempt", attempt.number);
    if (event.begun)
      line.add("ms", milliseconds_since(*event.begun));
    line.add(*attempt.failure);
    if (attempt.retry_in)
      line.add("retry_in_ms", attempt.retry_in->count());
    line.add("reason", attempt.reason);
    line.write_to(retry_log(), spdlog::level::debug);
  }

  void stream_ended(stream_event const& event) noexcept override {
    if (!call_log().debugs())
      return;
    log_line line("stream_ended");
    line.add("call", event.call->number).add("chunks", event.chunks);
    if (event.first_chunk)
      line.add("first_chunk_ms", milliseconds_of(*event.first_chunk));
    line.write_to(call_log(), spdlog::level::debug);
  }

  void waited(wait_event const& event) noexcept override {
    if (!net_log().debugs())
      return;
    log_line line("waited");
    line.add("call", event.call).add("phase", name_of(event.reason)).add("ms", milliseconds_of(event.duration));
    line.add("granted", event.granted);
    line.write_to(net_log(), spdlog::level::debug);
  }

  void session_opened(session_event const& event) noexcept override {
    if (!net_log().debugs())
      return;
    log_line line("session_opened");
    line.add("handshake", to_string(event.handshake));
    add_endpoint(line, *event.endpoint);
    line.write_to(net_log(), spdlog::level::debug);
  }

  void session_closed(session_event const& event) noexcept override {
    if (!net_log().debugs())
      return;
    log_line line("session_closed");
    line.add("reason", to_string(event.end)).add("requests", event.requests);
    line.add("age_ms", milliseconds_of(event.age));
    add_endpoint(line, *event.endpoint);
    line.write_to(net_log(), spdlog::level::debug);
  }

  void breaker_changed(breaker_event const& event) noexcept override {
    if (event.gone)
      return;
    bool const opened = event.state == breaker_state::open;
    log_line line(opened ? "circuit_opened" : "circuit_closed");
    add_endpoint(line, *event.endpoint);
    if (opened)
      line.add("for_ms", milliseconds_of(event.open_for));
    if (event.failure)
      line.add(*event.failure);
    line.write_to(net_log(), opened ? spdlog::level::warn : spdlog::level::info);
  }

  void key_changed(key_event const& event) noexcept override {
    if (event.gone)
      return;
    log_line line(event.failure ? "api_key_set_aside" : "api_key_restored");
    line.add("key", event.key + 1);
    add_endpoint(line, *event.endpoint);
    if (event.failure)
      line.add(*event.failure);
    line.write_to(net_log(), event.failure ? spdlog::level::warn : spdlog::level::info);
  }

  void fell_back(fallback_event const& event) noexcept override {
    if (!call_log().debugs())
      return;
    log_line line("fell_back");
    line.add("model", event.failed).add("to", event.next).add(*event.failure);
    line.write_to(call_log(), spdlog::level::debug);
  }

private:
  static void add_endpoint(log_line& line, endpoint_info const& endpoint) {
    line.add("provider", std::string_view(endpoint.provider));
    line.add("server", std::string_view(endpoint.server_address + ":" + std::to_string(endpoint.server_port)));
  }

  static void add_phases(log_line& line, call_info const& info) {
    auto const add = [&](std::string_view name, std::chrono::nanoseconds time) {
      if (auto const whole = milliseconds_of(time); whole > 0)
        line.add(name, whole);
    };
    add("pacing_ms", info.pacing);
    add("session_wait_ms", info.session_wait);
    add("connect_ms", info.connect);
    add("tls_ms", info.tls);
    add("first_byte_ms", info.first_byte);
    add("body_ms", info.body);
    add("backoff_ms", info.backoff);
  }
};

} // namespace

observer& log_observer() noexcept {
  static auto* const instance = new logging_observer; // never destroyed: a global client tells its end too
  return *instance;
}

} // namespace claudio
