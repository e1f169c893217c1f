#pragma once

#include "core/api_base.hpp"

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/headers.hpp>
#include <claudio/secret.hpp>

#include <string>
#include <string_view>

namespace claudio {

/// Whether a header may be sent: a token as name, no control characters in the value (RFC 9110 5.1, 5.5), and none that
/// belongs to the connection. Errors: `errc::configuration` with the name in `param()`, never the value.
result<void> check_header(std::string_view name, std::string_view value);

/// Writes the requests of one endpoint. It holds the API key.
class request_writer {
public:
  /// `target` is appended to the endpoint's path, e.g. "/messages". The headers of `options` are taken as checked.
  request_writer(api_base const& endpoint, std::string_view target, provider_options const& options);
  request_writer(request_writer const&) = delete;
  request_writer& operator=(request_writer const&) = delete;
  ~request_writer();

  /// Head and body in one buffer, so that they leave in one write. It holds the key.
  /// A header of `more` replaces the configured one of its name; `anthropic-beta` is merged.
  /// Errors: those of `check_header`.
  result<secret> write(std::string body, header_list const& more) const;

private:
  std::string request_line_;
  header_list headers_;
};

} // namespace claudio
