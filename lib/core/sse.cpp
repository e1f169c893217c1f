#include <claudio/sse.hpp>

#include <algorithm>
#include <cstring>

namespace claudio {

namespace {

// The value of a line `field: value`, if it is that field's.
inline std::optional<std::string_view> value_of(std::string_view line, std::string_view field) noexcept {
  if (!line.starts_with(field))
    return std::nullopt;
  line.remove_prefix(field.size());
  if (line.empty())
    return line;
  if (line.front() != ':')
    return std::nullopt;
  line.remove_prefix(line.starts_with(": ") ? 2 : 1);
  return line;
}

} // namespace

// By itself g++ inlines none of these into next(), which then takes half as long again.

// The position of the first `wanted` in the line being read and what follows, or the input's end.
inline std::size_t sse_parser::find(char wanted, std::size_t& searched) noexcept {
  searched = std::max(searched, pos_);
  if (searched != end_ && *at(searched) != wanted) {
    auto const* const found = static_cast<char const*>(std::memchr(at(searched), wanted, end_ - searched));
    searched = found ? base_ + static_cast<std::size_t>(found - buffer_.get()) : end_;
  }
  return searched;
}

inline void sse_parser::take_line(std::size_t line_end) {
  auto const line = text({pos_, line_end - pos_});
  if (auto const data = value_of(line, "data")) {
    if (++data_lines_ == 1) {
      data_ = {line_end - data->size(), data->size()};
      return;
    }
    if (data_lines_ == 2)
      joined_ = text(data_);
    joined_ += '\n';
    joined_ += *data;
  } else if (auto const name = value_of(line, "event")) {
    name_ = {line_end - name->size(), name->size()};
  }
}

inline void sse_parser::begin_event() noexcept {
  start_ = pos_;
  name_ = {pos_, 0};
  data_lines_ = 0;
}

inline std::optional<sse_event> sse_parser::end_event() noexcept {
  std::optional<sse_event> event(std::in_place, text(name_), data_lines_ == 1 ? text(data_) : joined_);
  begin_event();
  return event;
}

std::span<char> sse_parser::prepare(std::size_t n) {
  if (capacity_ - (end_ - base_) < n) {
    auto const dropped = start_ - base_;
    auto const kept = end_ - start_;
    // Moving no more than is dropped, and else doubling, keeps the cost linear.
    if (kept <= dropped && kept + n <= capacity_) {
      std::memmove(buffer_.get(), at(start_), kept);
    } else {
      auto const capacity = std::max(2 * capacity_, kept + n);
      auto larger = std::make_unique_for_overwrite<char[]>(capacity);
      std::copy_n(at(start_), kept, larger.get());
      buffer_ = std::move(larger);
      capacity_ = capacity;
    }
    base_ = start_;
  }
  return {at(end_), n};
}

void sse_parser::commit(std::size_t n) noexcept {
  if (!failed_)
    end_ += n;
}

void sse_parser::feed(std::string_view bytes) {
  bytes.copy(prepare(bytes.size()).data(), bytes.size());
  commit(bytes.size());
}

// Whatever the last line lacks.
void sse_parser::finish() { feed("\n\n"); }

std::optional<sse_event> sse_parser::next() {
  if (failed_ || (pos_ == 0 && !skip_byte_order_mark()))
    return std::nullopt;
  for (;;) {
    if (after_cr_ && pos_ != end_) {
      after_cr_ = false;
      if (*at(pos_) == '\n')
        ++pos_;
    }
    auto const line_end = std::min(find('\n', lf_), find('\r', cr_));
    if (line_end - start_ > limit_) {
      failed_ = true;
      return std::nullopt;
    }
    if (line_end == end_)
      return std::nullopt;
    bool const blank = line_end == pos_;
    if (!blank)
      take_line(line_end);
    after_cr_ = *at(line_end) == '\r';
    pos_ = line_end + 1;
    if (blank && data_lines_ > 0)
      return end_event();
    // Also after what is skipped, so that comments alone never reach the limit.
    if (blank || (name_.size == 0 && data_lines_ == 0))
      begin_event();
  }
}

std::optional<error> sse_parser::failure() const {
  if (!failed_)
    return std::nullopt;
  return error(errc::protocol, "an event of the stream is larger than " + std::to_string(limit_) + " bytes");
}

// False: what is there so far may become one.
bool sse_parser::skip_byte_order_mark() noexcept {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  auto const head = text({0, std::min(end_, mark.size())});
  if (head == mark) {
    pos_ = mark.size();
    begin_event();
    return true;
  }
  return !mark.starts_with(head);
}

} // namespace claudio
