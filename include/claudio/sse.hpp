#pragma once

#include <claudio/error.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace claudio {

/// One server-sent event.
class sse_event {
public:
  sse_event() = default;
  sse_event(std::string_view n, std::string_view d) : name(n), data(d) {}

  /// The `event` field as sent; empty when none was, where a browser would say "message". Anthropic's events repeat it
  /// as `type` in their data.
  std::string_view name;
  /// The `data` lines, joined by LF. Not checked: may hold NUL and invalid UTF-8.
  std::string_view data;
};

/// Reads a stream of server-sent events (WHATWG HTML, 9.2 "Server-sent events") from bytes split anywhere. No I/O.
///
///     for (;;) {
///       auto n = read(parser.prepare(16 * 1024));
///       parser.commit(n);
///       while (auto event = parser.next())
///         handle(*event);
///       if (auto failure = parser.failure())
///         return *failure;
///     }
///
/// Lines end in LF, CRLF or CR; an event that ends in CR does not wait for the byte after it. Comments and all fields
/// but `event` and `data` are skipped, and so is an event without a `data` line. One byte order mark may stand at the
/// beginning.
///
/// Lifetime: an event's views are valid until the next call of a non-const member. They point into the parser's buffer;
/// only several `data` lines are copied. A moved-from parser may only be destroyed or assigned to.
/// Cost: linear in the bytes, however they are split. Memory is allocated only where an event is larger than any
/// before. Errors: see `failure()`. Thread safety: none, like a container.
class sse_parser {
public:
  static constexpr std::size_t default_limit = 32 * 1024 * 1024;

  /// @param limit for the bytes of one event, the field names, comments and line ends inside it included
  explicit sse_parser(std::size_t limit = default_limit) : limit_(limit) {}

  /// Exactly `n` writable bytes, to read the network into; valid until the next call of a non-const member.
  std::span<char> prepare(std::size_t n);
  /// Makes the first `n` of the prepared bytes input. Ignored after a failure.
  void commit(std::size_t n) noexcept;
  /// `prepare()`, a copy, and `commit()`.
  void feed(std::string_view bytes);

  /// Says that the input has ended: what is left counts as an event even without the blank line. Not to be called for a
  /// connection that broke, whose last event may be cut short.
  void finish();

  /// The next whole event, or nothing: more bytes are needed, the stream has ended, or it failed.
  std::optional<sse_event> next();

  /// `errc::protocol` once an event was larger than the limit; then no more events come. Nothing: all is well.
  std::optional<error> failure() const;

private:
  struct slice {
    std::size_t begin = 0;
    std::size_t size = 0;
  };

  char* at(std::size_t position) const noexcept { return buffer_.get() + (position - base_); }
  std::string_view text(slice s) const noexcept { return {at(s.begin), s.size}; }

  bool skip_byte_order_mark() noexcept;
  std::size_t find(char wanted, std::size_t& searched) noexcept;
  void take_line(std::size_t line_end);
  void begin_event() noexcept;
  std::optional<sse_event> end_event() noexcept;

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t limit_;

  // Positions count from the beginning of the stream, so that dropping consumed bytes changes only `base_`.
  std::size_t base_ = 0;  // of the buffer's first byte
  std::size_t start_ = 0; // of the event being read
  std::size_t pos_ = 0;   // of the line being read
  std::size_t end_ = 0;   // of the input
  // No byte is searched twice: between `pos_` and these stands no LF, or no CR.
  std::size_t lf_ = 0;
  std::size_t cr_ = 0;

  slice name_;
  slice data_;         // the first line
  std::string joined_; // all lines, when they are several
  std::size_t data_lines_ = 0;

  bool after_cr_ = false; // a LF would belong to the line end
  bool failed_ = false;
};

} // namespace claudio
