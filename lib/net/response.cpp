#include "net/response.hpp"

#include "core/response_error.hpp"

#include <cstddef>

namespace claudio {

namespace {

constexpr std::size_t usual_size = 1024; // of all fields

// ASCII only, whatever the locale (RFC 9110 5.1).
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

} // namespace

void response_headers::add(std::string_view name, std::string_view value) {
  if (fields_.empty())
    fields_.reserve(usual_size);
  auto const begin = fields_.size();
  fields_.resize(begin + name.size() + value.size() + 2); // its new end stays NUL
  auto* const place = fields_.data() + begin;
  for (std::size_t i = 0; i < name.size(); ++i)
    place[i] = to_lower(name[i]);
  value.copy(place + name.size() + 1, value.size());
  if (rate_limits_ == std::string::npos && std::string_view(place, name.size()).starts_with(rate_limit_prefix))
    rate_limits_ = begin;
  if (std::string_view(place, name.size()) == "content-encoding")
    has_content_coding_ = has_content_coding_ || claudio::has_content_coding(value);
}

std::string_view response_headers::find(std::string_view lower_case_name) const noexcept {
  std::string_view rest = fields_;
  while (!rest.empty()) {
    auto const name = take_text(rest);
    auto const value = take_text(rest);
    if (name == lower_case_name)
      return value;
  }
  return {};
}

std::string response_headers::join(std::string_view lower_case_name) const {
  std::string joined;
  std::string_view rest = fields_;
  while (!rest.empty()) {
    auto const name = take_text(rest);
    auto const value = take_text(rest);
    if (name == lower_case_name)
      joined.append(joined.empty() ? "" : ", ").append(value);
  }
  return joined;
}

response_facts facts_of(http_response const& response) noexcept {
  response_facts facts;
  facts.status = response.status;
  facts.body = response.body;
  facts.content_type = response.header("content-type");
  facts.date = response.header("date");
  facts.location = response.header("location");
  facts.request_id = response.header("request-id");
  facts.retry_after = response.header("retry-after");
  facts.retry_after_ms = response.header("retry-after-ms");
  facts.should_retry = response.header("x-should-retry");
  return facts;
}

} // namespace claudio
