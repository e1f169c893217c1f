#include <claudio/translate.hpp>

#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

struct openai_kind {
  errc code;
  int status;
  std::string_view type;
  std::string_view openai_code; // empty: null
};

// translation.md, section E.
constexpr std::array<openai_kind, 18> kinds{
    {{errc::cancelled, 499, "server_error", "cancelled"},
     {errc::timeout, 504, "server_error", "timeout"},
     {errc::connect, 502, "server_error", ""},
     {errc::tls, 502, "server_error", ""},
     {errc::protocol, 502, "server_error", ""},
     {errc::authentication, 401, "authentication_error", "invalid_api_key"},
     {errc::permission, 403, "permission_error", ""},
     {errc::invalid_request, 400, "invalid_request_error", ""},
     {errc::model_not_found, 404, "not_found_error", "model_not_found"},
     {errc::request_too_large, 413, "invalid_request_error", "request_too_large"},
     {errc::conflict, 409, "conflict_error", ""},
     {errc::rate_limited, 429, "rate_limit_error", "rate_limit_exceeded"},
     {errc::overloaded, 503, "server_error", "overloaded"},
     {errc::server_error, 500, "server_error", ""},
     {errc::billing, 402, "insufficient_quota", "insufficient_quota"},
     {errc::transformation, 400, "invalid_request_error", ""},
     {errc::configuration, 500, "server_error", ""},
     {errc::unsupported, 400, "invalid_request_error", ""}}};

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(json::string_view(text));
}

} // namespace

openai_error to_openai_error(error const& failure) {
  openai_kind found{errc::none, 500, "server_error", ""};
  for (auto const& known : kinds)
    if (known.code == failure.code())
      found = known;
  openai_error made;
  // An overload has a status of its own at Anthropic that OpenAI's clients don't know.
  bool const keep_status = failure.http_status() >= 400 && failure.code() != errc::overloaded;
  made.status = keep_status ? failure.http_status() : found.status;
  json::object inner;
  inner.emplace("message", failure.message());
  inner.emplace("type", json::string_view(found.type));
  inner.emplace("param", text_or_null(failure.param()));
  inner.emplace("code", text_or_null(found.openai_code));
  made.body.emplace("error", std::move(inner));
  return made;
}

} // namespace claudio
