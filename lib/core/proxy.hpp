#pragma once

#include "core/api_base.hpp"

#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace claudio {

/// A forward proxy that is spoken to in plain HTTP: where it is, and how to sign in.
class proxy_address {
public:
  proxy_address() = default;

  std::string host; ///< without the brackets of an IPv6 address
  std::string port;
  std::string source;   ///< the field or environment variable that names it
  secret password;      ///< decoded; empty when none is given
  secret authorization; ///< value of the `proxy-authorization` header; empty without credentials

  /// Parses `[http://][user:password@]host[:port]`; the credentials are percent-decoded.
  /// Errors: `errc::configuration`; message and `param()` begin with `source`, and nothing of the text is shown.
  static result<proxy_address> parse(std::string_view text, std::string_view source);

  /// "the proxy host:port (source)", for messages.
  std::string description() const;
};

/// `host:port`, an IPv6 address in brackets: the target of a CONNECT, whose port is always there (RFC 9110 9.3.6).
std::string host_and_port(std::string_view host, std::string_view port);

/// The value of an environment variable; null when it is not set.
using environment_lookup = std::function<char const*(char const* name)>;

/// The proxy on the way to an endpoint, if any. What is `configured` decides, and when it is empty there is none;
/// otherwise `https_proxy` or `http_proxy`, by the endpoint's scheme, and `no_proxy` do, in lower or upper case. They
/// never matter to loopback addresses. Errors: those of `proxy_address::parse`.
result<std::optional<proxy_address>> choose_proxy(std::optional<secret> const& configured, api_base const& endpoint,
                                                  environment_lookup const& variables);

/// Whether a `no_proxy` list takes in an endpoint: `*`, names with all that is below them, addresses, address ranges
/// (`10.0.0.0/8`), each but the ranges with or without a port.
bool is_in_no_proxy(std::string_view list, api_base const& endpoint);

/// What it means that a proxy gave `status` for an endpoint instead of a way there. `challenges` are the answer's
/// `proxy-authenticate`. Only the failures of 5xx are for a retry. The `param()` is the proxy's source.
error proxy_refusal(proxy_address const& proxy, api_base const& endpoint, int status, std::string_view challenges);

} // namespace claudio
