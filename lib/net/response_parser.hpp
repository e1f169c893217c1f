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
  static constexpr std::uint64_t body_limit = 256ull * 1024 * 1024; // of a stream's
  /// What is kept of the body of a response that is no answer: an error says less.
  static constexpr std::size_t error_body_limit = 1024 * 1024;
  static constexpr unsigned most_interim = 100; ///< responses of 1xx that whoever reads responses passes, before one

  /// @param max_answer_bytes of the body of a 200 that is held whole
  explicit response_parser(std::uint64_t max_answer_bytes = 32 * 1024 * 1024);

  /// Parses what it can use of `bytes`, and gives how much that was; the rest is to be given again, with more behind
  /// it. Stops at the end of the head, and at the end of the response.
  result<std::size_t> parse(std::string_view bytes);
  /// The same, but takes no more of the body than `into` holds, which may be the memory of `bytes` itself. `filled`
  /// says how much of `into` was filled.
  result<std::size_t> parse_body(std::string_view bytes, std::span<char> into, std::size_t& filled);
  /// The same, but appends the body to that of `response()`. An answer above the limit is `answer_too_large()`, before
  /// any of its body is read if its head tells; of any other body no more than `error_body_limit` is taken.
  result<std::size_t> parse_whole(std::string_view bytes);
  /// The peer has ended the connection, which ends a body that has no other end.
  result<void> end_input();

  bool head_complete() const { return is_header_done(); }
  bool complete() const { return is_done(); }
  /// Whether `parse_whole()` takes no more of the body.
  bool has_taken_enough() const noexcept { return !is_answer() && response_.body.size() >= error_body_limit; }
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

  bool is_answer() const noexcept { return response_.status == 200; }
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

  std::size_t append_body(string_view bytes, error_code& failure);
  void refuse_size(error_code& failure) noexcept;

  http_response response_;
  std::uint64_t max_answer_bytes_;
  int version_ = 0;
  std::size_t head_size_ = 0;
  std::size_t fields_ = 0;
  bool chunk_begun_ = false;
  bool whole_ = false;
  bool too_large_ = false;
  std::span<char> into_;
  std::size_t filled_ = 0;
};

} // namespace claudio
