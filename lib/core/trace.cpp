#include <claudio/trace.hpp>

#include <algorithm>
#include <random>
#include <span>

namespace claudio {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t trace_id_at = 3; // behind "00-"
constexpr std::size_t span_id_at = trace_id_at + 2 * 16 + 1;
constexpr std::size_t flags_at = span_id_at + 2 * 8 + 1;
constexpr std::size_t length = flags_at + 2;

bool read_hex(std::string_view text, std::span<std::uint8_t> into) noexcept {
  for (std::size_t i = 0; i < into.size(); ++i) {
    auto const high = hex_digits.find(text[2 * i]);
    auto const low = hex_digits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      return false;
    into[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

void append_hex(std::string& to, std::span<std::uint8_t const> bytes) {
  for (auto const byte : bytes) {
    to += hex_digits[byte >> 4];
    to += hex_digits[byte & 15];
  }
}

bool any_set(std::span<std::uint8_t const> bytes) noexcept {
  return std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; });
}

void randomize(std::span<std::uint8_t> bytes) {
  thread_local std::mt19937_64 generator{(std::uint64_t{std::random_device{}()} << 32) ^ std::random_device{}()};
  do
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      auto const random = generator();
      for (std::size_t j = 0; j < 8; ++j)
        bytes[i + j] = static_cast<std::uint8_t>(random >> 8 * j);
    }
  while (!any_set(bytes));
}

} // namespace

bool trace_context::valid() const noexcept { return any_set(trace_id) && any_set(span_id); }

result<trace_context> trace_context::parse(std::string_view traceparent) {
  // W3C Trace Context 3.2.2: lower case; version ff is none; a later one may have more behind another dash.
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  trace_context made;
  auto const& text = traceparent;
  bool const well_formed =
      text.size() >= length && read_hex(text, version) && version[0] != 0xff &&
      (text.size() == length || (version[0] != 0 && text[length] == '-')) && text[2] == '-' &&
      text[span_id_at - 1] == '-' && text[flags_at - 1] == '-' && read_hex(text.substr(trace_id_at), made.trace_id) &&
      read_hex(text.substr(span_id_at), made.span_id) && read_hex(text.substr(flags_at), flags) && made.valid();
  if (!well_formed) {
    error_details details;
    details.message = "traceparent: expected 00-<32 hex digits>-<16 hex digits>-<2 hex digits>, ids not all zeros "
                      "(W3C Trace Context)";
    details.param = "traceparent";
    return error(errc::invalid_request, 0, std::move(details));
  }
  made.flags = flags[0];
  return made;
}

std::string trace_context::to_string() const {
  std::string text;
  text.reserve(length);
  text = "00-";
  append_hex(text, trace_id);
  text += '-';
  append_hex(text, span_id);
  text += '-';
  append_hex(text, {&flags, 1});
  return text;
}

trace_context trace_context::child() const {
  trace_context made = *this;
  // Those that version 00 does not know are to be zero (3.2.2.5). Level 2 has a second one, for random trace ids.
  made.flags &= 3;
  if (!valid()) {
    randomize(made.trace_id);
    made.flags = 1;
  }
  randomize(made.span_id);
  return made;
}

} // namespace claudio
