#pragma once

#include "core/redaction.hpp"

#include <claudio/error.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace claudio {

/// The parts of an HTTP response that decide what error it is. Views into the response.
struct response_facts {
  int status = 0;
  std::string_view body;
  std::string_view content_type;
  std::string_view content_encoding; ///< of all fields of that name
  std::string_view location;
  std::string_view request_id;
  std::string_view retry_after;
  std::string_view retry_after_ms;
  std::string_view date; ///< when the server made the response
  std::string_view should_retry;
};

/// Whether a body is coded (RFC 9110 8.4), by its `content-encoding`. No coding is asked for, and none is read.
bool has_content_coding(std::string_view content_encoding);

/// The error in a response that is not an answer: the nested `error.type` decides, then the status (Anthropic API
/// errors page). Bodies that are HTML, empty, cut off or not JSON are quoted with at most 512 bytes; those in a
/// content-coding are not. A 200 of `application/json` that is empty or ends early is worth a retry.
/// Every other text is one line of bounded length. The `secrets` are removed from all of them, see `redaction.hpp`.
error make_response_error(response_facts const& facts, secret_list secrets, std::chrono::system_clock::time_point now);
/// The same where the body has been parsed already; null: it is no JSON object.
error make_response_error(response_facts const& facts, boost::json::object const* body, secret_list secrets,
                          std::chrono::system_clock::time_point now);

/// The error that an event of a stream reports; `facts.body` is the event's data. Data that is not like the API's is
/// the message, and an error without a type is one of the server.
error make_stream_error(response_facts const& facts, std::span<std::string_view const> secrets,
                        std::chrono::system_clock::time_point now);

/// The error of an answer, whole or streamed, that is larger than `max_answer_bytes`. Not to be tried again, since the
/// server would send as much once more.
error answer_too_large(std::uint64_t max_answer_bytes);

} // namespace claudio
