#include "call/json_document.hpp"

#include "async/parse_in_slices.hpp"
#include "core/json_access.hpp"
#include "core/response_error.hpp"
#include "core/sliced_json.hpp"

#include <chrono>

namespace claudio::detail {
namespace asio = boost::asio;

bool json_document::takes(http_response const& response) const {
  return response.status >= 200 && response.status < 300 && !response.headers.has_content_coding();
}

std::optional<result<void>> json_document::read_now(http_response& response) {
  if (response.body.size() > sliced_json::small)
    return std::nullopt;
  return take(response, parse_json(response.body));
}

asio::awaitable<result<void>> json_document::read(session_lease& lease, http_response& response) {
  lease = session_lease();
  sliced_json parsing(response.body);
  auto work = parse_in_slices(parsing);
  co_await std::move(work);
  co_return take(response, parsing.take());
}

result<void> json_document::take(http_response const& response, result<boost::json::value> parsed) {
  auto* const object = parsed ? parsed->if_object() : nullptr;
  if (!object || find_string(*object, "type") == "error")
    return make_response_error(facts_of(response), object, secrets(), std::chrono::system_clock::now());
  document_ = std::move(*object);
  return {};
}

void json_document::settle(traffic::permit permit, response_headers const& headers) {
  permit.answered(headers);
  permit.ended(std::nullopt);
}

boost::json::object json_document::finish() {
  progress.observed.end(progress.finish(), nullptr, nullptr);
  return std::move(document_);
}

} // namespace claudio::detail
