#include "net/response_parser.hpp"

#include "core/response_error.hpp"

#include <algorithm>
#include <cstring>

namespace claudio {
namespace http = boost::beast::http;

namespace {

// What is made ready for a body by its announced length alone.
constexpr std::uint64_t largest_reserve = 1024 * 1024;

constexpr std::size_t shortest_chunks = std::string_view("0\r\n\r\n").size();

} // namespace

response_parser::response_parser(std::uint64_t max_answer_bytes) : max_answer_bytes_(max_answer_bytes) {
  basic_parser::header_limit(response_parser::header_limit);
  basic_parser::body_limit(response_parser::body_limit);
}

result<std::size_t> response_parser::parse(std::string_view bytes) {
  if (head_complete())
    return 0;
  eager(false);
  return put_bytes(bytes);
}

result<std::size_t> response_parser::parse_body(std::string_view bytes, std::span<char> into, std::size_t& filled) {
  eager(true);
  whole_ = false;
  into_ = into;
  filled_ = 0;
  // Of such a body Beast counts what it is offered, not what is taken, against the limit.
  if (ends_with_connection())
    bytes = bytes.substr(0, into.size());
  auto const used = put_bytes(bytes);
  filled = filled_;
  return used;
}

result<std::size_t> response_parser::parse_whole(std::string_view bytes) {
  eager(true);
  whole_ = true;
  // Beast knows neither the status nor the option that a limit is to be told by.
  basic_parser::body_limit(boost::none);
  return put_bytes(bytes);
}

result<std::size_t> response_parser::put_bytes(std::string_view bytes) {
  bool const all = eager();
  std::size_t used = 0;
  error_code failure;
  if (!head_complete()) {
    // By itself, to count it: Beast's limit is for what one call is given.
    eager(false);
    used = put_some(bytes, failure);
    eager(all);
    head_size_ += used;
    if (head_size_ > response_parser::header_limit)
      failure = http::error::header_limit;
    too_large_ = head_complete() && whole_ && is_answer() && content_length().value_or(0) > max_answer_bytes_;
  }
  // Beast asserts that a first chunk which is also the last has come whole.
  bool const too_few = chunked() && !chunk_begun_ && bytes.size() - used < shortest_chunks;
  if (!failure && !too_large_ && all && head_complete() && !too_few)
    used += put_some(bytes.substr(used), failure);
  // A chunk's header, and the trailers, are waited for as a whole; Beast sets them no limit.
  if (failure == http::error::need_more && bytes.size() - used > response_parser::header_limit)
    failure = http::error::header_limit;
  if (too_large_)
    return answer_too_large(max_answer_bytes_);
  if (failure && failure != http::error::need_more && failure != http::error::need_buffer)
    return error(errc::protocol, "the peer's response is not valid HTTP/1.1: " + failure.message());
  return used;
}

std::size_t response_parser::put_some(std::string_view bytes, error_code& failure) {
  return bytes.empty() || is_done() ? 0 : put(boost::asio::buffer(bytes.data(), bytes.size()), failure);
}

result<void> response_parser::end_input() {
  error_code failure;
  put_eof(failure);
  if (failure)
    return error(errc::protocol, "the peer's response is not valid HTTP/1.1: " + failure.message());
  return {};
}

void response_parser::on_response_impl(int code, string_view, int version, error_code&) {
  response_.status = code;
  version_ = version;
}

void response_parser::on_field_impl(field name_id, string_view name, string_view value, error_code& failure) {
  if (++fields_ > field_limit)
    failure = http::error::header_limit;
  // We ask for no other coding (RFC 9112 6.1), and Beast reads one that it does not know by Content-Length.
  else if (name_id == field::transfer_encoding && (version_ < 11 || !boost::beast::iequals(value, "chunked")))
    failure = http::error::bad_transfer_encoding;
  else if (!head_complete()) // trailers are no header fields (RFC 9110 6.5.1)
    response_.headers.add({name.data(), name.size()}, {value.data(), value.size()});
}

void response_parser::on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) {
  if (length && whole_)
    response_.body.reserve(static_cast<std::size_t>(std::min(*length, largest_reserve)));
}

std::size_t response_parser::on_body_impl(string_view bytes, error_code& failure) {
  if (whole_)
    return append_body(bytes, failure);
  auto const taken = std::min(bytes.size(), into_.size() - filled_);
  if (taken > 0)
    std::memmove(into_.data() + filled_, bytes.data(), taken);
  filled_ += taken;
  if (taken < bytes.size())
    failure = http::error::need_buffer;
  return taken;
}

std::size_t response_parser::append_body(string_view bytes, error_code& failure) {
  auto& body = response_.body;
  auto const room = (is_answer() ? max_answer_bytes_ : error_body_limit) - body.size();
  if (bytes.size() > room && is_answer()) {
    refuse_size(failure);
    return 0;
  }
  auto const taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), room));
  body.append(bytes.data(), taken);
  if (taken < bytes.size())
    failure = http::error::need_buffer;
  return taken;
}

void response_parser::refuse_size(error_code& failure) noexcept {
  too_large_ = true;
  failure = http::error::body_limit;
}

void response_parser::on_chunk_header_impl(std::uint64_t size, string_view, error_code& failure) {
  chunk_begun_ = true;
  if (whole_ && is_answer() && size > max_answer_bytes_ - response_.body.size())
    refuse_size(failure);
}

std::size_t response_parser::on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& failure) {
  return on_body_impl(bytes, failure);
}

} // namespace claudio
