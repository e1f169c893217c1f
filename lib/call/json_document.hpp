#pragma once

#include "call/call.hpp"

#include <boost/json/object.hpp>

namespace claudio::detail {

/// A call whose answer is a JSON object that is no message.
class json_document final : public call {
public:
  using answer = boost::json::object;
  using holder = in_frame<json_document>;
  using call::call;

  /// Tells the call's end.
  boost::json::object finish();

private:
  bool reads_whole() const noexcept override { return true; }
  bool takes(http_response const& response) const override;
  std::optional<result<void>> read_now(http_response& response) override;
  boost::asio::awaitable<result<void>> read(session_lease& lease, http_response& response) override;
  void settle(traffic::permit permit, response_headers const& headers) override;

  result<void> take(http_response const& response, result<boost::json::value> parsed);

  boost::json::object document_;
};

} // namespace claudio::detail
