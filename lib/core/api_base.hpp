#pragma once

#include <claudio/error.hpp>

#include <string>
#include <string_view>

namespace claudio {

/// An endpoint's address, taken apart.
class api_base {
public:
  api_base() = default;

  bool tls = true;
  std::string host; ///< without the brackets of an IPv6 address; with the final dot of an absolute name, if it has one
  std::string port;
  std::string authority; ///< value of the `host` header
  std::string path;      ///< prefix of every request's target; without a final slash

  /// Parses `https://host[:port][/path]`. Errors: `errc::configuration`.
  static result<api_base> parse(std::string_view url);

  /// An address that never leaves this machine: localhost, 127.0.0.0/8, ::1.
  bool is_loopback() const;
};

/// The same of a host alone, an IPv6 address without brackets.
bool is_loopback_host(std::string const& host);

/// Whether a host is `localhost`, which is never to be looked up (RFC 6761 6.3).
bool is_localhost(std::string_view host);

/// A host name without the final dot that makes it absolute. The dot matters to the look-up, where it rules out search
/// domains, and stays in the `host` header, which repeats the URL (RFC 9110 7.2); SNI (RFC 6066 3) and certificates
/// have names without it.
std::string_view without_root(std::string_view host) noexcept;

} // namespace claudio
