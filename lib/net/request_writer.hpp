#pragma once

#include "core/api_base.hpp"
#include "core/proxy.hpp"
#include "net/request_pieces.hpp"

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/headers.hpp>
#include <claudio/secret.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace claudio {

/// Whether a header may be sent: a token as name, no control characters in the value (RFC 9110 5.1, 5.5), and none that
/// belongs to the connection. Errors: `errc::configuration` with the name in `param()`, never the value.
result<void> check_header(std::string_view name, std::string_view value);

/// A serialized request. It holds the API key.
class http_request {
public:
  http_request() = default;
  http_request(std::shared_ptr<secret const> head, std::string rest) : head_(std::move(head)), rest_(std::move(rest)) {}

  request_pieces pieces() const noexcept { return {head_->reveal(), rest_}; }

private:
  std::shared_ptr<secret const> head_; // the requests of an endpoint share it
  std::string rest_;
};

/// Writes the requests of one endpoint. It holds the API key, and a proxy's password.
class request_writer {
public:
  /// `target` is appended to the endpoint's path, e.g. "/messages". The headers of `options` are taken as checked.
  /// For a plain endpoint behind a `proxy`, requests are written for the proxy (RFC 9112 3.2.2).
  request_writer(api_base const& endpoint, std::string_view target, provider_options const& options,
                 std::optional<proxy_address> const& proxy = std::nullopt);
  request_writer(request_writer const&) = delete;
  request_writer& operator=(request_writer const&) = delete;
  ~request_writer();

  /// A header of `more` replaces the configured one of its name; `anthropic-beta` is merged.
  /// Errors: those of `check_header`.
  result<http_request> write(std::string_view body, header_list const& more) const;

private:
  secret head_of(header_list const& headers) const;

  std::string request_line_;
  header_list headers_;
  std::shared_ptr<secret const> head_; // without further headers
};

} // namespace claudio
