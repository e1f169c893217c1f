#include "core/response_error.hpp"

#include "core/json_access.hpp"
#include "core/retry_after.hpp"

#include <array>
#include <cctype>

namespace claudio {
namespace {

constexpr std::size_t quoted_bytes = 512;

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

// One readable line: runs of white space and control characters become one space.
std::string one_line(std::string_view text) {
  std::string line;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != 0x7f)
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  return line;
}

void cut_at_character(std::string& text, std::size_t limit) {
  if (text.size() <= limit)
    return;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80)
    --limit;
  text.resize(limit);
}

std::string describe_foreign_body(response_facts const& facts, std::string_view key) {
  std::string message = "HTTP status " + std::to_string(facts.status);
  if (facts.status >= 300 && facts.status < 400) {
    message += ": redirects are not followed; set api_base to the final address";
    if (!facts.location.empty())
      message += " (the server points to " + redact(facts.location.substr(0, quoted_bytes), key) + ")";
    return message;
  }
  if (facts.body.empty())
    return message + " with an empty body";
  message += " with a body that is not a Messages API answer";
  if (!facts.content_type.empty())
    message += " (" + redact(facts.content_type.substr(0, 100), key) + ")";
  // Redacted before it is cut: half a key would not be found.
  std::string text = one_line(redact(facts.body, key));
  cut_at_character(text, quoted_bytes);
  return message + ": " + text;
}

} // namespace

std::string redact(std::string_view text, std::string_view key) {
  constexpr std::string_view mark = "[key removed]";
  std::string safe(text);
  if (!key.empty())
    for (std::size_t at = 0; (at = safe.find(key, at)) != std::string::npos; at += mark.size())
      safe.replace(at, key.size(), mark);
  constexpr std::string_view prefix = "sk-ant-";
  for (std::size_t at = 0; (at = safe.find(prefix, at)) != std::string::npos; at += mark.size()) {
    std::size_t end = at + prefix.size();
    while (end < safe.size() &&
           (std::isalnum(static_cast<unsigned char>(safe[end])) != 0 || safe[end] == '-' || safe[end] == '_'))
      ++end;
    safe.replace(at, end - at, mark);
  }
  return safe;
}

error make_response_error(response_facts const& facts, std::string_view key,
                          std::chrono::system_clock::time_point now) {
  error_details details;
  details.request_id = redact(facts.request_id, key);
  details.retry_after = parse_retry_after(facts.retry_after_ms, facts.retry_after, now);
  if (facts.should_retry == "true")
    details.should_retry = true;
  else if (facts.should_retry == "false")
    details.should_retry = false;

  auto const body = parse_json(facts.body);
  auto const* object = body ? body->if_object() : nullptr;
  auto const* nested = object ? find_object(*object, "error") : nullptr;
  if (!nested) {
    details.message = describe_foreign_body(facts, key);
    return error(code_of_status(facts.status), facts.status, std::move(details));
  }
  details.type = redact(find_string(*nested, "type"), key);
  details.message = one_line(redact(find_string(*nested, "message"), key));
  if (details.message.empty())
    details.message = "HTTP status " + std::to_string(facts.status) + " without a message";
  if (auto const* more = find_object(*nested, "details"))
    details.error_code = redact(find_string(*more, "error_code"), key);
  if (details.request_id.empty())
    details.request_id = redact(find_string(*object, "request_id"), key);
  errc const code = code_of(details.type, facts.status);
  return error(code, facts.status, std::move(details));
}

} // namespace claudio
