#include "call/credentials.hpp"

#include "core/credential_header.hpp"
#include "core/response_error.hpp"

#include <chrono>

namespace claudio::detail {
namespace {

constexpr std::size_t longest_id = 128;

// With and without its scheme.
void add_credential(std::string_view value, std::vector<std::string_view>& secrets) {
  secrets.push_back(value);
  if (auto const space = value.find(' '); space != std::string_view::npos)
    secrets.push_back(value.substr(space + 1));
}

std::vector<secret> credentials_in(header_list const& headers) {
  std::vector<secret> found;
  for (auto const& [name, value] : headers)
    if (carries_credential(name, value))
      found.push_back(secret::copy_of(value));
  return found;
}

} // namespace

credentials::credentials(provider_options const& options, std::optional<proxy_address> const& proxy)
    : headers_(credentials_in(options.headers)) {
  all_.push_back(options.api_key.reveal());
  for (auto const& key : options.api_keys)
    all_.push_back(key.api_key.reveal());
  for (auto const& header : headers_)
    add_credential(header.reveal(), all_);
  if (proxy && !proxy->authorization.empty()) {
    all_.push_back(proxy->password.reveal());
    add_credential(proxy->authorization.reveal(), all_);
  }
}

call_secrets::call_secrets(credentials const& of_endpoint, header_list const& own)
    : own_(credentials_in(own)), all_(of_endpoint.all()) {
  if (own_.empty())
    return;
  joined_.assign(all_.begin(), all_.end());
  for (auto const& header : own_)
    add_credential(header.reveal(), joined_);
  all_ = joined_;
}

// A success is treated as an error is: its id stands in logs, traces and labels too.
std::string request_id(http_response const& response, secret_list secrets) {
  return one_line(response.header("request-id"), secrets, longest_id);
}

error response_error(http_response const& response, secret_list secrets) {
  auto facts = facts_of(response);
  auto const codings = response.headers.join("content-encoding");
  facts.content_encoding = codings;
  return make_response_error(facts, secrets, std::chrono::system_clock::now());
}

} // namespace claudio::detail
