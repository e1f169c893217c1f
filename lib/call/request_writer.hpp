#pragma once

#include "call/request.hpp"
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
#include <utility>
#include <vector>

namespace claudio {

/// Whether a header may be sent: a token as name, no control characters in the value (RFC 9110 5.1, 5.5), and none that
/// belongs to the connection. Errors: `errc::configuration` with the name in `param()`, never the value.
result<void> check_header(std::string_view name, std::string_view value);

/// A serialized request, to be sent with any of the endpoint's keys. It holds them.
class http_request {
public:
  using heads = std::vector<secret>; ///< by key

  http_request() = default;
  http_request(std::shared_ptr<heads const> by_key, std::string rest)
      : heads_(std::move(by_key)), rest_(std::move(rest)) {}

  request_pieces pieces(std::size_t key = 0) const noexcept { return {(*heads_)[key].reveal(), rest_}; }

private:
  std::shared_ptr<heads const> heads_; // the requests of an endpoint share them
  std::string rest_;
};

/// Writes the requests of one endpoint. It holds the API keys, and a proxy's password.
class request_writer {
public:
  /// @param messages where the endpoint takes messages, below its path. The headers of `options` are taken as checked.
  /// For a plain endpoint behind a `proxy`, requests are written for the proxy (RFC 9112 3.2.2).
  request_writer(api_base const& endpoint, std::string_view messages, provider_options const& options,
                 std::optional<proxy_address> const& proxy = std::nullopt);
  request_writer(request_writer const&) = delete;
  request_writer& operator=(request_writer const&) = delete;

  /// A header of `own` replaces the configured one of its name, and one of `added` both; `anthropic-beta` is merged.
  /// Errors: those of `check_header`.
  result<http_request> write(detail::call_request const& request, header_list const& own,
                             header_list const& added = header_list()) const;

private:
  // Any header may carry a credential.
  using secret_headers = std::vector<std::pair<std::string, secret>>;

  static void set_header(secret_headers& headers, std::string_view name, std::string_view value);
  std::string request_line(std::string_view method, std::string_view target) const;
  std::shared_ptr<http_request::heads const> heads_of(std::string_view line, secret_headers const& headers) const;
  secret head_of(std::string_view line, secret_headers const& headers, std::string_view key) const;

  std::string base_; // of all targets
  std::string messages_line_;
  std::vector<secret> keys_;
  std::string_view key_header_;                      // the one that carries the key
  std::string_view scheme_;                          // what stands before the key
  secret_headers headers_;                           // a key's value is empty, unless the user gave one
  std::shared_ptr<http_request::heads const> heads_; // of messages without further headers
};

} // namespace claudio
