#include "core/printable.hpp"
#include "core/process_id.hpp"
#include "core/utf8.hpp"
#include "observe/loggers.hpp"

#include <claudio/trace_file.hpp>
#include <claudio/version.hpp>

#include <spdlog/async.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace claudio {
namespace {

constexpr std::size_t most_waiting = 1'000'000;
constexpr std::size_t longest_text = 256; // what comes from outside is cut there
constexpr std::uint64_t client_kind = 3;  // SPAN_KIND_CLIENT
constexpr std::uint64_t error_status = 2; // STATUS_CODE_ERROR

// The code point of a control character or a line separator: of one, two or three bytes.
unsigned code_of(std::string_view character) noexcept {
  unsigned code = static_cast<unsigned char>(character.front()) & (character.size() == 1 ? 0x7fu : 0x1fu);
  for (char const byte : character.substr(1))
    code = (code << 6 | (static_cast<unsigned char>(byte) & 0x3fu)) & 0xffff;
  return code;
}

// Within quotes. The outside decides on models and ids: nothing of them may end the string, or the line, also for
// readers that end lines at U+0085, U+2028 and U+2029.
void append_escaped(std::string& to, std::string_view text) {
  text = text.substr(0, longest_text);
  while (!text.empty()) {
    front_character const next(text);
    if (next.type() == front_character::kind::invalid) {
      to += replacement_character;
    } else if (next.type() == front_character::kind::control) {
      constexpr std::string_view hex = "0123456789abcdef";
      auto const code = code_of(text.substr(0, next.size()));
      to += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4)
        to += hex[code >> shift & 15];
    } else {
      if (text.front() == '"' || text.front() == '\\')
        to += '\\';
      to += text.substr(0, next.size());
    }
    text.remove_prefix(next.size());
  }
}

template <class Number>
void append_number(std::string& to, Number number) {
  char digits[32];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

// What all lines begin with.
std::string head_of(std::string_view service) {
  std::string head = R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":")";
  append_escaped(head, service);
  head += R"("}}]},"scopeSpans":[{"scope":{"name":"claudio","version":")" CLAUDIO_VERSION R"("},"spans":[{)";
  return head;
}

// A line of the file: one span that ends now, as an ExportTraceServiceRequest in OTLP/JSON, where 64-bit numbers are
// strings and enumerators are numbers.
class span_line {
public:
  span_line(std::string_view head, trace_context const& span, trace_context const& parent, std::string_view operation,
            std::string_view model, std::chrono::steady_clock::time_point begun) {
    line_.reserve(2048);
    line_ += head;
    add_ids(span, parent);
    line_ += R"(,"name":")";
    line_ += operation;
    if (!model.empty())
      line_ += ' ';
    append_escaped(line_, model);
    line_ += R"(","kind":)";
    append_number(line_, client_kind);
    auto const end = std::chrono::system_clock::now();
    add_time("startTimeUnixNano", end - (std::chrono::steady_clock::now() - begun));
    add_time("endTimeUnixNano", end);
    line_ += R"(,"attributes":[)";
  }

  // One that is empty is left out.
  span_line& text(std::string_view key, std::string_view value) {
    if (value.empty())
      return *this;
    begin(key, "stringValue");
    add_quoted(value);
    return end();
  }
  span_line& texts(std::string_view key, std::string_view only) {
    if (only.empty())
      return *this;
    begin(key, "arrayValue");
    line_ += R"({"values":[{"stringValue":)";
    add_quoted(only);
    line_ += "}]}";
    return end();
  }
  span_line& integer(std::string_view key, std::uint64_t value) {
    begin(key, "intValue");
    line_ += '"';
    append_number(line_, value);
    line_ += '"';
    return end();
  }
  span_line& number(std::string_view key, double value) {
    begin(key, "doubleValue");
    append_number(line_, value);
    return end();
  }
  span_line& truth(std::string_view key) {
    begin(key, "boolValue");
    line_ += "true";
    return end();
  }
  span_line& server(endpoint_info const& endpoint) {
    return text("server.address", endpoint.server_address).integer("server.port", endpoint.server_port);
  }

  // Of an error its code only: the rest may hold what was said.
  std::string finish(error const* failure) && {
    if (failure)
      text("error.type", to_string(failure->code()));
    line_ += ']';
    if (failure) {
      line_ += R"(,"status":{"code":)";
      append_number(line_, error_status);
      line_ += '}';
    }
    line_ += "}]}]}]}\n";
    return std::move(line_);
  }

private:
  void add_ids(trace_context const& span, trace_context const& parent) {
    constexpr std::size_t trace_at = 3; // in a traceparent
    constexpr std::size_t span_at = 36;
    auto const ids = span.to_string();
    line_ += R"("traceId":")";
    line_.append(ids, trace_at, 32);
    line_ += R"(","spanId":")";
    line_.append(ids, span_at, 16);
    line_ += '"';
    if (!parent.valid())
      return;
    line_ += R"(,"parentSpanId":")";
    line_.append(parent.to_string(), span_at, 16);
    line_ += '"';
  }
  void add_time(std::string_view key, std::chrono::system_clock::time_point time) {
    line_ += ",\"";
    line_ += key;
    line_ += "\":\"";
    append_number(line_, std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
    line_ += '"';
  }
  void add_quoted(std::string_view value) {
    line_ += '"';
    append_escaped(line_, value);
    line_ += '"';
  }
  void begin(std::string_view key, std::string_view type) {
    if (line_.back() != '[')
      line_ += ',';
    line_ += R"({"key":")";
    line_ += key;
    line_ += R"(","value":{")";
    line_ += type;
    line_ += "\":";
  }
  span_line& end() {
    line_ += "}}";
    return *this;
  }

  std::string line_;
};

// When a stream's first chunk came: told just before its call's end, on the same thread.
class stream_begin {
public:
  stream_begin() = default;

  std::uint64_t call = 0;
  std::optional<std::chrono::nanoseconds> first_chunk;
};

stream_begin& last_stream() noexcept {
  thread_local stream_begin last;
  return last;
}

// Used by the thread of its logger only.
class appending_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  // Closes the descriptor.
  explicit appending_sink(int descriptor) : descriptor_(descriptor) {}
  ~appending_sink() override { ::close(descriptor_); }

protected:
  void sink_it_(spdlog::details::log_msg const& line) override {
    // Of the last line a part was written: only that one is lost.
    if (torn_)
      write("\n");
    write(std::string_view(line.payload.data(), line.payload.size()));
  }
  void flush_() override {}

private:
  void write(std::string_view text) {
    while (!text.empty()) {
      auto const written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        throw std::system_error(errno, std::generic_category());
      text.remove_prefix(static_cast<std::size_t>(written));
      torn_ = !text.empty();
    }
  }

  int const descriptor_;
  bool torn_ = false;
};

// The thread is to handle no signal of the process, and a FIFO without its reader is an error, not a SIGPIPE.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

bool is_kept(observed_call const& call) noexcept { return call.trace && call.trace->context.sampled(); }

error unwritable(std::string const& path, std::string const& reason) {
  return error(errc::configuration, "can't write traces to the file \"" + path + "\": " + reason);
}

} // namespace

class trace_file::writer {
public:
  writer(std::shared_ptr<appending_sink> sink, std::string path, trace_file_options const& options)
      : head(head_of(options.service_name)), log_(call_log()), path_(std::move(path)),
        thread_(std::make_shared<spdlog::details::thread_pool>(options.max_waiting, 1, block_signals)),
        lines_(std::make_shared<spdlog::async_logger>("claudio.trace", std::move(sink), thread_,
                                                      spdlog::async_overflow_policy::overrun_oldest)) {
    lines_->set_error_handler([this](std::string const& reason) { lose(reason); });
  }
  writer(writer const&) = delete;
  writer& operator=(writer const&) = delete;
  // The thread ends when what waits is written, and before all that it uses goes. A forked child has no such thread to
  // wait for: there the object is left as it is.
  ~writer() {
    if (is_in_child())
      static_cast<void>(new std::shared_ptr(std::move(thread_)));
    thread_.reset();
  }

  template <class Line>
  void write(Line const& line) noexcept {
    if (is_in_child()) {
      lose("this process was forked, and the parent writes the file");
      return;
    }
    try {
      lines_->log(spdlog::level::info, std::string_view(line()));
    } catch (std::exception const& failure) {
      lose(failure.what());
    }
  }

  std::uint64_t dropped() const { return lost_ + thread_->overrun_counter(); }

  std::string const head;

private:
  bool is_in_child() const noexcept { return process_ != process_id(); }

  void lose(std::string_view reason) {
    if (lost_++ == 0)
      log_.warn("span_lost file=\"{}\" reason=\"{}\" (those to come are counted only)", path_, reason);
  }

  named_log const& log_;
  std::string const path_;
  ::pid_t const process_ = process_id();
  std::atomic<std::uint64_t> lost_{0};
  std::shared_ptr<spdlog::details::thread_pool> thread_;
  std::shared_ptr<spdlog::async_logger> const lines_;
};

trace_file::trace_file(std::unique_ptr<writer> to) noexcept : writer_(std::move(to)) {}

trace_file::~trace_file() = default;

result<std::shared_ptr<trace_file>> trace_file::open(std::string const& path, trace_file_options const& options) {
  if (options.max_waiting == 0 || options.max_waiting > most_waiting)
    return unwritable(path, "max_waiting has to be from 1 to " + std::to_string(most_waiting));
  // Without blocking, for a FIFO that nobody reads.
  int const descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  if (descriptor < 0)
    return unwritable(path, errno == ENXIO ? "it is a FIFO that nobody reads" : std::generic_category().message(errno));
  auto sink = std::make_shared<appending_sink>(descriptor);
  if (int const flags = ::fcntl(descriptor, F_GETFL);
      flags < 0 || ::fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) < 0)
    return unwritable(path, std::generic_category().message(errno));
  try {
    return std::shared_ptr<trace_file>(new trace_file(std::make_unique<writer>(std::move(sink), path, options)));
  } catch (std::system_error const& failure) {
    return unwritable(path, failure.what()); // no thread
  }
}

std::uint64_t trace_file::dropped() const { return writer_->dropped(); }

void trace_file::call_ended(call_event const& event) noexcept {
  auto const& call = *event.call;
  if (!is_kept(call))
    return;
  writer_->write([&] {
    auto const& info = *event.info;
    span_line line(writer_->head, call.trace->context, call.trace->parent, "chat", call.model, call.begun);
    line.text("gen_ai.operation.name", "chat").text("gen_ai.provider.name", "anthropic");
    line.text("gen_ai.request.model", call.model);
    if (call.streams)
      line.truth("gen_ai.request.stream");
    line.text("gen_ai.response.model", info.served_model);
    if (event.answer) {
      auto const used = event.answer->usage();
      line.text("gen_ai.response.id", event.answer->id());
      line.texts("gen_ai.response.finish_reasons", shortened(event.answer->stop_reason(), 256));
      line.integer("gen_ai.usage.input_tokens",
                   used.input_tokens + used.cache_read_input_tokens + used.cache_creation_input_tokens);
      line.integer("gen_ai.usage.output_tokens", used.output_tokens);
      line.integer("gen_ai.usage.cache_read.input_tokens", used.cache_read_input_tokens);
      line.integer("gen_ai.usage.cache_creation.input_tokens", used.cache_creation_input_tokens);
    }
    if (auto const& stream = last_stream(); stream.call == call.number && stream.first_chunk)
      line.number("gen_ai.response.time_to_first_chunk", std::chrono::duration<double>(*stream.first_chunk).count());
    line.server(*call.endpoint);
    line.text("claudio.provider", call.endpoint->provider).integer("claudio.call", call.number);
    line.integer("claudio.attempts", info.attempts).text("claudio.request_id", info.request_id);
    if (info.cost)
      line.number("claudio.cost_usd", static_cast<double>(info.cost->picodollars()) / 1e12);
    return std::move(line).finish(event.failure);
  });
}

void trace_file::attempt_ended(attempt_event const& event) noexcept {
  auto const& call = *event.call;
  if (!is_kept(call) || !event.begun)
    return;
  writer_->write([&] {
    auto const& attempt = *event.attempt;
    auto const& parent = call.trace->context;
    span_line line(writer_->head, parent.child(), parent, "POST", std::string_view(), *event.begun);
    line.text("http.request.method", "POST");
    auto const status = attempt.failure ? attempt.failure->http_status() : 200;
    if (status > 0)
      line.integer("http.response.status_code", static_cast<std::uint64_t>(status));
    if (attempt.number > 1)
      line.integer("http.request.resend_count", attempt.number - 1);
    line.server(*call.endpoint);
    return std::move(line).finish(attempt.failure ? &*attempt.failure : nullptr);
  });
}

void trace_file::stream_ended(stream_event const& event) noexcept {
  auto& last = last_stream();
  last.call = event.call->number;
  last.first_chunk = event.first_chunk;
}

} // namespace claudio
