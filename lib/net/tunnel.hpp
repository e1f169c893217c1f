#pragma once

#include "core/proxy.hpp"
#include "net/response_parser.hpp"

#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace claudio {

/// What is said to a proxy, and what it answers, when it is to lead a connection on to an endpoint: CONNECT (RFC 9110
/// 9.3.6). It holds the proxy's password. Both parameters outlive it.
class tunnel_opening {
public:
  tunnel_opening(proxy_address const& proxy, api_base const& endpoint);

  std::string_view request() const noexcept { return request_.reveal(); }

  /// Takes what the proxy says. Errors: `proxy_refusal()`; `errc::protocol` for what is no such answer, and for
  /// anything behind it, since in TLS the endpoint does not speak first.
  result<void> parse(std::string_view bytes);
  bool open() const noexcept { return open_; }

private:
  error wrong(std::string const& what) const;

  proxy_address const& proxy_;
  api_base const& endpoint_;
  secret request_;
  std::optional<response_parser> parser_;
  std::string pending_; // what could not be parsed yet
  unsigned interim_ = 0;
  bool open_ = false;
};

} // namespace claudio
