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
  std::string host; ///< without the brackets of an IPv6 address
  std::string port;
  std::string authority; ///< value of the `host` header
  std::string path;      ///< prefix of every request's target; without a final slash

  /// Parses `https://host[:port][/path]`. Errors: `errc::configuration`.
  static result<api_base> parse(std::string_view url);

  /// An address that never leaves this machine: localhost, 127.0.0.0/8, ::1.
  bool is_loopback() const noexcept;
};

/// The same of a host alone, an IPv6 address without brackets.
bool is_loopback_host(std::string const& host) noexcept;

} // namespace claudio
