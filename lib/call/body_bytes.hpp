#pragma once

#include "call/call.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace claudio::detail {

/// Takes the bytes of a body in order, in pieces of any size, and an empty one at the body's end; the call
/// waits for it. Its error ends the call.
using byte_sink = std::function<boost::asio::awaitable<result<void>>(std::string_view piece)>;

/// The same for the lines of a body, without their ends. A line above `most_bytes` is `errc::protocol`.
byte_sink each_line(byte_sink line, std::size_t most_bytes);

/// A call whose answer goes to a sink as it comes. It is not begun anew once the sink has had a piece of it.
class body_bytes final : public call {
public:
  using answer = std::uint64_t; ///< how many there were
  using holder = in_frame<body_bytes>;

  body_bytes(std::shared_ptr<endpoint> const& of, call_options const& options, byte_sink sink)
      : call(of, options), sink_(std::move(sink)) {}

  /// Tells the call's end.
  std::uint64_t finish();

private:
  bool reads_whole() const noexcept override { return false; }
  bool takes(http_response const& response) const override;
  std::optional<result<void>> read_now(http_response&) override { return std::nullopt; }
  boost::asio::awaitable<result<void>> read(session_lease& lease, http_response& response) override;
  void settle(traffic::permit permit, response_headers const& headers) override;

  static error begun(error const& failure);

  byte_sink sink_;
  std::uint64_t count_ = 0;
};

} // namespace claudio::detail
