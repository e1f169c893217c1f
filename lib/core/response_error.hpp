#pragma once

#include <claudio/error.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace claudio {

/// The parts of an HTTP response that decide what error it is. Views into the response.
struct response_facts {
  int status = 0;
  std::string_view body;
  std::string_view content_type;
  std::string_view location;
  std::string_view request_id;
  std::string_view retry_after;
  std::string_view retry_after_ms;
  std::string_view should_retry;
};

/// The error in a response that is not an answer: the nested `error.type` decides, then the status (Anthropic API
/// errors page). Bodies that are HTML, empty, cut off or not JSON are quoted with at most 512 bytes.
/// `key` is removed from every text, as is anything that looks like an Anthropic key.
error make_response_error(response_facts const& facts, std::string_view key, std::chrono::system_clock::time_point now);

/// `text` without `key` and without anything that looks like an Anthropic key (`sk-ant-…`).
std::string redact(std::string_view text, std::string_view key);

} // namespace claudio
