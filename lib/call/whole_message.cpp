#include "call/whole_message.hpp"

#include "async/parse_in_slices.hpp"
#include "core/json_access.hpp"
#include "core/redaction.hpp"
#include "core/response_error.hpp"
#include "core/sliced_json.hpp"
#include "core/utf8.hpp"

#include <chrono>

namespace claudio::detail {
namespace asio = boost::asio;

bool whole_message::takes(http_response const& response) const {
  return response.status == 200 && !response.headers.has_content_coding();
}

std::optional<result<void>> whole_message::read_now(http_response& response) {
  if (response.body.size() > sliced_json::small)
    return std::nullopt;
  return take(response, parse_json(response.body));
}

// In slices, between which the executor gets to other work; the session is another call's meanwhile.
asio::awaitable<result<void>> whole_message::read(session_lease& lease, http_response& response) {
  lease = session_lease();
  sliced_json parsing(response.body);
  auto work = parse_in_slices(parsing);
  co_await std::move(work);
  auto parsed = parsing.take();
  auto const unread = parsed ? std::string() : parsed.error().message();
  auto const taken = take(response, std::move(parsed));
  // What is quoted of so large a body does not show why it was refused.
  if (!unread.empty())
    co_return taken.error().with_note(unread);
  co_return taken;
}

result<void> whole_message::take(http_response const& response, result<boost::json::value> parsed) {
  auto* const object = parsed ? parsed->if_object() : nullptr;
  if (!object || find_string(*object, "type") != "message")
    return make_response_error(facts_of(response), object, secrets(), std::chrono::system_clock::now());
  redact_answer(*object, secrets());
  answer_ = message(std::move(*object));
  progress.info.served_model = shortened(answer_.model(), longest_model_name);
  return {};
}

void whole_message::settle(traffic::permit permit, response_headers const& headers) {
  permit.answered(headers, answer_.usage());
}

message whole_message::finish() {
  progress.info.cost = where->cost_of(answer_);
  answer_.info(progress.finish());
  progress.observed.end(progress.info, nullptr, &answer_);
  return std::move(answer_);
}

} // namespace claudio::detail
