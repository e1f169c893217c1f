#pragma once

#include "core/proxy.hpp"
#include "core/redaction.hpp"
#include "net/response.hpp"

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/headers.hpp>
#include <claudio/secret.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio::detail {

/// The secrets of an endpoint, which no error, log, trace or label shows: a server may echo what it was sent.
class credentials {
public:
  /// What both hold stays where it is as long as this object.
  credentials(provider_options const& options, std::optional<proxy_address> const& proxy);
  credentials(credentials const&) = delete;
  credentials& operator=(credentials const&) = delete;

  secret_list all() const noexcept { return all_; }

private:
  std::vector<secret> headers_; // those of the options are wiped once requests are made of them
  std::vector<std::string_view> all_;
};

/// The secrets of one call: those of its endpoint, which lives longer, and copies of those in its own headers.
class call_secrets {
public:
  call_secrets(credentials const& of_endpoint, header_list const& own);
  call_secrets(call_secrets const&) = delete;
  call_secrets& operator=(call_secrets const&) = delete;

  secret_list all() const noexcept { return all_; }

private:
  std::vector<secret> own_;
  std::vector<std::string_view> joined_; // where there are own ones
  secret_list all_;
};

/// What the server calls the request, in one line.
std::string request_id(http_response const& response, secret_list secrets);

/// The error that a response is.
error response_error(http_response const& response, secret_list secrets);

} // namespace claudio::detail
