#include "core/error_kinds.hpp"
#include "core/lower_case.hpp"
#include "core/response_error.hpp"

#include <claudio/translate.hpp>

#include <algorithm>

namespace claudio {
namespace json = boost::json;

namespace {

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(json::string_view(text));
}

// The prompt, or the prompt with max_tokens, is more than the model takes.
bool is_too_long(error const& failure) {
  if (failure.code() != errc::invalid_request)
    return false;
  auto const message = lower_case(failure.message());
  auto const says = [&](std::string_view words) { return message.find(words) != std::string::npos; };
  return says("prompt is too long") || says("input is too long") ||
         (says("exceed") && (says("context limit") || says("context window") || says("context length")));
}

std::string_view code_of(error const& failure, error_kind const& kind) {
  if (is_too_long(failure))
    return "context_length_exceeded";
  if (failure.type() == "timeout_error")
    return "timeout";
  return is_spend_limit(failure) ? std::string_view("insufficient_quota") : kind.openai_code;
}

json::object error_body(error const& failure, error_kind const& kind) {
  auto const& type = failure.type();
  bool const is_new = !type.empty() && type != "timeout_error" && find_api_type(type) == errc::none;
  json::object inner;
  inner.emplace("message", failure.message());
  inner.emplace("type", json::string_view(is_new ? std::string_view(type) : kind.openai_type));
  inner.emplace("param", text_or_null(failure.param()));
  inner.emplace("code", text_or_null(code_of(failure, kind)));
  json::object body;
  body.emplace("error", std::move(inner));
  return body;
}

int status_of(error const& failure, error_kind const& kind) {
  // An overload has a status of its own at Anthropic that OpenAI's clients don't know.
  bool const keep = failure.http_status() >= 400 && failure.code() != errc::overloaded;
  return keep ? failure.http_status() : kind.openai_status;
}

openai_error translate(error const& failure) {
  auto const& found = kind_of(failure.code());
  openai_error made;
  made.status = status_of(failure, found);
  made.body = error_body(failure, found);
  return made;
}

// OpenAI's clients retry each 429 otherwise.
void forbid_retry_at_spend_limit(error const& failure, header_list& headers) {
  if (!is_spend_limit(failure))
    return;
  std::erase_if(headers, [](auto const& header) { return header.first == "x-should-retry"; });
  headers.emplace_back("x-should-retry", "false");
}

// "anthropic-ratelimit-tokens-reset" is "x-ratelimit-reset-tokens".
std::string rate_limit_header(std::string_view name) {
  constexpr std::string_view prefix = "anthropic-ratelimit-";
  if (!name.starts_with(prefix))
    return {};
  name.remove_prefix(prefix.size());
  auto const dash = name.rfind('-');
  if (dash == std::string_view::npos)
    return {};
  auto const what = name.substr(dash + 1);
  if (what != "limit" && what != "remaining" && what != "reset")
    return {};
  return "x-ratelimit-" + std::string(what) + "-" + std::string(name.substr(0, dash));
}

std::string_view find_header(header_list const& headers, std::string_view lower_case_name) {
  for (auto const& [name, value] : headers)
    if (lower_case(name) == lower_case_name)
      return value;
  return {};
}

} // namespace

openai_error to_openai_error(error const& failure) {
  auto made = translate(failure);
  if (auto const wait = failure.retry_after()) {
    made.headers.emplace_back("retry-after-ms", std::to_string(wait->count()));
    made.headers.emplace_back("retry-after", std::to_string((wait->count() + 999) / 1000));
  }
  if (!failure.request_id().empty())
    made.headers.emplace_back("x-request-id", failure.request_id());
  if (auto const should_retry = failure.should_retry())
    made.headers.emplace_back("x-should-retry", *should_retry ? "true" : "false");
  forbid_retry_at_spend_limit(failure, made.headers);
  return made;
}

openai_error to_openai_error(int status, header_list const& headers, std::string_view body,
                             std::chrono::system_clock::time_point now) {
  response_facts facts;
  facts.status = status;
  facts.body = body;
  facts.content_type = find_header(headers, "content-type");
  facts.content_encoding = find_header(headers, "content-encoding");
  facts.date = find_header(headers, "date");
  facts.location = find_header(headers, "location");
  facts.request_id = find_header(headers, "request-id");
  facts.retry_after = find_header(headers, "retry-after");
  facts.retry_after_ms = find_header(headers, "retry-after-ms");
  facts.should_retry = find_header(headers, "x-should-retry");
  auto const failure = make_response_error(facts, {}, now);
  auto made = translate(failure);
  made.headers = to_openai_headers(headers);
  if (facts.request_id.empty() && !failure.request_id().empty())
    made.headers.emplace_back("x-request-id", failure.request_id());
  forbid_retry_at_spend_limit(failure, made.headers);
  return made;
}

header_list to_openai_headers(header_list const& headers) {
  header_list made;
  for (auto const& [name, value] : headers) {
    std::string const lower = lower_case(name);
    if (lower == "retry-after" || lower == "retry-after-ms" || lower == "x-should-retry")
      made.emplace_back(lower, value);
    else if (lower == "request-id")
      made.emplace_back("x-request-id", one_line(value, {}, value.size()));
    else if (auto renamed = rate_limit_header(lower); !renamed.empty())
      made.emplace_back(std::move(renamed), value);
  }
  return made;
}

} // namespace claudio
