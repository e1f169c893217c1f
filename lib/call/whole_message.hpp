#pragma once

#include "call/call.hpp"

#include <claudio/message.hpp>

#include <cstddef>

namespace claudio::detail {

/// Of the model's name in an answer, which stands in accounts, logs and traces.
constexpr std::size_t longest_model_name = 256;

/// A call whose answer comes whole.
class whole_message final : public call {
public:
  using answer = message;
  using holder = in_frame<whole_message>;
  using call::call;

  /// Tells the call's end.
  message finish();

private:
  bool reads_whole() const noexcept override { return true; }
  bool takes(http_response const& response) const override;
  std::optional<result<void>> read_now(http_response& response) override;
  boost::asio::awaitable<result<void>> read(session_lease& lease, http_response& response) override;
  void settle(traffic::permit permit, response_headers const& headers) override;

  result<void> take(http_response const& response, result<boost::json::value> parsed);

  message answer_;
};

} // namespace claudio::detail
