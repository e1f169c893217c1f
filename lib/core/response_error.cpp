#include "core/response_error.hpp"

#include "core/json_access.hpp"
#include "core/retry_after.hpp"
#include "core/utf8.hpp"

#include <array>
#include <cctype>

namespace claudio {
namespace {

constexpr std::size_t quoted_bytes = 512;
constexpr std::size_t message_bytes = 4096;
constexpr std::size_t name_bytes = 128;
constexpr std::string_view removed = "[key removed]";

struct type_code {
  std::string_view type;
  errc code;
};

constexpr std::array<type_code, 10> error_types{{
    {"invalid_request_error", errc::invalid_request},
    {"authentication_error", errc::authentication},
    {"billing_error", errc::billing},
    {"permission_error", errc::permission},
    {"not_found_error", errc::model_not_found},
    {"conflict_error", errc::conflict},
    {"request_too_large", errc::request_too_large},
    {"rate_limit_error", errc::rate_limited},
    {"overloaded_error", errc::overloaded},
    {"api_error", errc::server_error},
}};

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

errc code_of(std::string_view type, int status) {
  for (auto const& known : error_types)
    if (known.type == type)
      return known.code;
  // An unknown type, or timeout_error, which the API sends with 504: the status says more.
  if (status < 400 && !type.empty())
    return errc::server_error;
  return code_of_status(status);
}

// How many bytes at the front of `text` are a secret.
std::size_t secret_prefix(std::string_view text, std::span<std::string_view const> secrets) {
  constexpr std::size_t shortest = 8;
  for (auto const secret : secrets)
    if (secret.size() >= shortest && text.starts_with(secret))
      return secret.size();
  constexpr std::string_view key_prefix = "sk-ant-";
  if (!text.starts_with(key_prefix))
    return 0;
  std::size_t end = key_prefix.size();
  while (end < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '-' || text[end] == '_'))
    ++end;
  return end;
}

using secret_list = std::span<std::string_view const>;

// One readable line without secrets: runs of white space and control characters become one space. Reads no more of a
// huge text than it needs, and never stops inside a secret.
std::string one_line(std::string_view text, secret_list secrets, std::size_t limit) {
  std::string line;
  while (!text.empty() && line.size() <= limit) {
    if (std::size_t const hidden = secret_prefix(text, secrets)) {
      line += removed;
      text.remove_prefix(hidden);
      continue;
    }
    auto const byte = static_cast<unsigned char>(text.front());
    if (byte > 0x20 && byte != 0x7f)
      line += text.front();
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
    text.remove_prefix(1);
  }
  line.resize(shortened(line, limit).size());
  return line;
}

std::string describe_foreign_body(response_facts const& facts, secret_list secrets) {
  std::string message = "HTTP status " + std::to_string(facts.status);
  if (facts.status >= 300 && facts.status < 400) {
    message += ": redirects are not followed; set api_base to the final address";
    if (!facts.location.empty())
      message += " (the server points to " + one_line(facts.location, secrets, quoted_bytes) + ")";
    return message;
  }
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

error make_response_error(response_facts const& facts, std::span<std::string_view const> secrets,
                          std::chrono::system_clock::time_point now) {
  auto const body = parse_json(facts.body);
  return make_response_error(facts, body ? body->if_object() : nullptr, secrets, now);
}

error make_response_error(response_facts const& facts, boost::json::object const* body,
                          std::span<std::string_view const> secrets, std::chrono::system_clock::time_point now) {
  error_details details;
  details.request_id = one_line(facts.request_id, secrets, name_bytes);
  details.retry_after = parse_retry_after(facts.retry_after_ms, facts.retry_after, now);
  if (facts.should_retry == "true")
    details.should_retry = true;
  else if (facts.should_retry == "false")
    details.should_retry = false;

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
  errc const code = code_of(details.type, facts.status);
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
