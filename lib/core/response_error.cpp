#include "core/response_error.hpp"

#include "core/error_kinds.hpp"
#include "core/json_access.hpp"
#include "core/lower_case.hpp"
#include "core/redaction.hpp"
#include "core/retry_after.hpp"
#include "core/utf8.hpp"

#include <algorithm>

namespace claudio {
namespace {

constexpr std::size_t quoted_bytes = 512;
constexpr std::size_t message_bytes = 4096;
constexpr std::size_t name_bytes = 128;

errc code_of_status(int status) {
  switch (status) {
  case 401:
    return errc::authentication;
  case 402:
    return errc::billing;
  case 403:
    return errc::permission;
  case 404:
    return errc::model_not_found;
  case 408:
    return errc::timeout;
  case 409:
    return errc::conflict;
  case 413:
    return errc::request_too_large;
  case 429:
    return errc::rate_limited;
  case 529:
    return errc::overloaded;
  default:
    break;
  }
  if (status >= 500)
    return errc::server_error;
  if (status >= 400)
    return errc::invalid_request;
  return errc::protocol;
}

// No credit, or a limit that the account has set itself: an invalid request by its type, but the key is what's wrong.
bool is_about_billing(std::string_view message) {
  auto const text = lower_case(message);
  // At the beginning only: elsewhere it may be a request's own words, quoted.
  for (std::string_view const words : {"your credit balance is too low", "credit balance is too low",
                                       "you have reached your specified api usage limit"})
    if (text.starts_with(words))
      return true;
  return false;
}

errc code_of(std::string_view type, std::string_view message, int status) {
  if (type == "invalid_request_error" && is_about_billing(message))
    return errc::billing;
  if (auto const known = find_api_type(type); known != errc::none)
    return known;
  // An unknown type, or timeout_error, which the API sends with 504: the status says more.
  if (status < 400 && !type.empty())
    return errc::server_error;
  return code_of_status(status);
}

std::string_view without_parameters(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ') || content_type.ends_with('\t'))
    content_type.remove_suffix(1);
  return content_type;
}

// A JSON answer of which the end, or all, is missing: what carried it broke, however it was framed.
bool ends_early(response_facts const& facts) {
  return facts.status == 200 && lower_case(without_parameters(facts.content_type)) == "application/json" &&
         is_unfinished_json(facts.body);
}

std::string describe_foreign_body(response_facts const& facts, secret_list secrets) {
  std::string message = "HTTP status " + std::to_string(facts.status);
  if (has_content_coding(facts.content_encoding))
    return message + " with a body in the content-coding \"" + one_line(facts.content_encoding, secrets, name_bytes) +
           "\", which was not asked for (accept-encoding: identity); check any proxy in between";
  if (facts.status >= 300 && facts.status < 400) {
    message += ": redirects are not followed; set api_base to the final address";
    if (!facts.location.empty())
      message += " (the server points to " + one_line(facts.location, secrets, quoted_bytes) + ")";
    return message;
  }
  if (ends_early(facts))
    return message + " with a JSON answer that ends early, after " + std::to_string(facts.body.size()) + " bytes";
  if (facts.body.empty())
    return message + " with an empty body";
  if (facts.status == 200 && facts.content_type.starts_with("text/event-stream"))
    return message + " with an event stream, which this call can't read; leave \"stream\" out of the request";
  message += " with a body that is not a Messages API answer";
  if (!facts.content_type.empty())
    message += " (" + one_line(facts.content_type, secrets, 100) + ")";
  return message + ": " + one_line(facts.body, secrets, quoted_bytes);
}

} // namespace

// RFC 9110 8.4.1: names are case-insensitive, and "identity" is none.
bool has_content_coding(std::string_view content_encoding) {
  auto const codings = lower_case(content_encoding);
  std::string_view rest = codings;
  while (!rest.empty()) {
    auto coding = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(coding.size() + 1, rest.size()));
    while (coding.starts_with(' ') || coding.starts_with('\t'))
      coding.remove_prefix(1);
    if (coding = without_parameters(coding); !coding.empty() && coding != "identity")
      return true;
  }
  return false;
}

namespace {

error_details details_of_head(response_facts const& facts, secret_list secrets,
                              std::chrono::system_clock::time_point now) {
  error_details details;
  details.request_id = one_line(facts.request_id, secrets, name_bytes);
  details.retry_after = parse_retry_after(facts.retry_after_ms, facts.retry_after, now, facts.date);
  if (facts.should_retry == "true")
    details.should_retry = true;
  else if (facts.should_retry == "false")
    details.should_retry = false;
  return details;
}

} // namespace

error make_response_error(response_facts const& facts, secret_list secrets, std::chrono::system_clock::time_point now) {
  auto const body = parse_json(has_content_coding(facts.content_encoding) ? std::string_view() : facts.body);
  return make_response_error(facts, body ? body->if_object() : nullptr, secrets, now);
}

error make_response_error(response_facts const& facts, boost::json::object const* body, secret_list secrets,
                          std::chrono::system_clock::time_point now) {
  auto details = details_of_head(facts, secrets, now);
  if (!details.should_retry && !body && !has_content_coding(facts.content_encoding) && ends_early(facts))
    details.should_retry = true;
  auto const* nested = body ? find_object(*body, "error") : nullptr;
  if (!nested) {
    details.message = describe_foreign_body(facts, secrets);
    return error(code_of_status(facts.status), facts.status, std::move(details));
  }
  details.type = one_line(find_string(*nested, "type"), secrets, name_bytes);
  details.message = one_line(find_string(*nested, "message"), secrets, message_bytes);
  if (details.message.empty())
    details.message = "HTTP status " + std::to_string(facts.status) + " without a message";
  if (auto const* more = find_object(*nested, "details"))
    details.error_code = one_line(find_string(*more, "error_code"), secrets, name_bytes);
  if (details.request_id.empty())
    details.request_id = one_line(find_string(*body, "request_id"), secrets, name_bytes);
  errc const code = code_of(details.type, details.message, facts.status);
  return error(code, facts.status, std::move(details));
}

error make_stream_error(response_facts const& facts, secret_list secrets, std::chrono::system_clock::time_point now) {
  auto details = details_of_head(facts, secrets, now);
  auto const data = parse_json(facts.body);
  auto const* const object = data ? data->if_object() : nullptr;
  auto const* const nested = object ? find_object(*object, "error") : nullptr;
  auto const* const described = nested ? nested : object;
  // As the API writes it, or as others do: {"error": "text"}, {"message": "text"}, text.
  std::string_view message = described ? find_string(*described, "message") : std::string_view();
  if (message.empty() && object)
    message = find_string(*object, "error");
  if (message.empty())
    message = facts.body;
  details.message = one_line(message, secrets, message_bytes);
  if (details.message.empty())
    details.message = "the stream has an error event without a message";
  if (auto const type = described ? find_string(*described, "type") : std::string_view(); type != "error")
    details.type = one_line(type, secrets, name_bytes);
  if (auto const* more = nested ? find_object(*nested, "details") : nullptr)
    details.error_code = one_line(find_string(*more, "error_code"), secrets, name_bytes);
  if (details.request_id.empty() && object)
    details.request_id = one_line(find_string(*object, "request_id"), secrets, name_bytes);
  errc const code = details.type.empty() ? errc::server_error : code_of(details.type, details.message, facts.status);
  return error(code, facts.status, std::move(details));
}

error answer_too_large(std::uint64_t max_answer_bytes) {
  error_details details;
  details.message = "the answer is larger than " + std::to_string(max_answer_bytes) +
                    " bytes (max_answer_bytes); ask for less (max_tokens), or raise the limit";
  details.param = "max_answer_bytes";
  details.should_retry = false;
  return error(errc::protocol, 200, std::move(details));
}

} // namespace claudio
