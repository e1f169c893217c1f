#pragma once

#include "net/response.hpp"

#include <claudio/error.hpp>

#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace claudio {

/// Parses one HTTP/1.1 response (RFC 9112), with Beast's rigour and without its containers. What is above the limits,
/// or not HTTP, is `errc::protocol`; then the parser is of no more use.
class response_parser final : private boost::beast::http::basic_parser<false> {
public:
  // Above what the API sends; they keep a hostile peer from filling the memory.
  static constexpr std::uint32_t header_limit = 64 * 1024;
  static constexpr std::size_t field_limit = 256;
  static constexpr std::uint64_t body_limit = 256ull * 1024 * 1024;
  static constexpr unsigned most_interim = 100; ///< responses of 1xx that whoever reads responses passes, before one

  response_parser();

  /// Parses what it can use of `bytes`, and gives how much that was; the rest is to be given again, with more behind
  /// it. Stops at the end of the head, and at the end of the response.
  result<std::size_t> parse(std::string_view bytes);
  /// The same, but takes no more of the body than `into` holds, which may be the memory of `bytes` itself. `filled`
  /// says how much of `into` was filled.
  result<std::size_t> parse_body(std::string_view bytes, std::span<char> into, std::size_t& filled);
  /// The same, but appends the body to that of `response()`.
  result<std::size_t> parse_whole(std::string_view bytes);
  /// The peer has ended the connection, which ends a body that has no other end.
  result<void> end_input();

  bool head_complete() const { return is_header_done(); }
  bool complete() const { return is_done(); }
  /// Whether the connection may carry another request after this response.
  bool keeps_connection() const { return keep_alive(); }
  /// Whether the end of the connection is the body's end.
  bool ends_with_connection() const { return head_complete() && need_eof(); }
  /// Whether anything has been parsed.
  bool begun() const { return got_some(); }

  http_response& response() noexcept { return response_; }
  int status() const noexcept { return response_.status; }

private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  using field = boost::beast::http::field;
  using verb = boost::beast::http::verb;

  result<std::size_t> put_bytes(std::string_view bytes);
  std::size_t put_some(std::string_view bytes, error_code& failure);

  void on_request_impl(verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view reason, int version, error_code& failure) override;
  void on_field_impl(field name_id, string_view name, string_view value, error_code& failure) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code& failure) override;
  std::size_t on_body_impl(string_view bytes, error_code& failure) override;
  void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& failure) override;
  std::size_t on_chunk_body_impl(std::uint64_t remaining, string_view bytes, error_code& failure) override;
  void on_finish_impl(error_code&) override {}

  http_response response_;
  int version_ = 0;
  std::size_t head_size_ = 0;
  std::size_t fields_ = 0;
  bool chunk_begun_ = false;
  bool whole_ = false;
  std::span<char> into_;
  std::size_t filled_ = 0;
};

} // namespace claudio
