#include "net/tunnel.hpp"

#include <claudio/version.hpp>

namespace claudio {
namespace {

constexpr unsigned most_interim = 16;

secret write_request(proxy_address const& proxy, api_base const& endpoint) {
  auto const target = host_and_port(endpoint.host, endpoint.port);
  constexpr std::string_view authorization = "proxy-authorization: ";
  std::string text =
      "CONNECT " + target + " HTTP/1.1\r\nhost: " + target + "\r\nuser-agent: claudio/" CLAUDIO_VERSION "\r\n";
  // Once, so that growing leaves no copies of the password behind.
  text.reserve(text.size() + authorization.size() + proxy.authorization.reveal().size() + 4);
  if (!proxy.authorization.empty())
    text.append(authorization).append(proxy.authorization.reveal()).append("\r\n");
  text += "\r\n";
  return secret(std::move(text));
}

} // namespace

tunnel_opening::tunnel_opening(proxy_address const& proxy, api_base const& endpoint)
    : proxy_(proxy), endpoint_(endpoint), request_(write_request(proxy, endpoint)), parser_(std::in_place) {}

error tunnel_opening::wrong(std::string const& what) const {
  return error(errc::protocol, proxy_.description() + ": " + what + "; is it an HTTP proxy?");
}

result<void> tunnel_opening::parse(std::string_view bytes) {
  pending_ += bytes;
  while (true) {
    auto const used = parser_->parse(pending_);
    if (!used)
      return wrong(used.error().message());
    pending_.erase(0, *used);
    if (!parser_->head_complete())
      return {};
    if (parser_->status() / 100 != 1 || parser_->status() == 101)
      break;
    if (++interim_ > most_interim)
      return wrong("it sends interim responses without end");
    parser_.emplace();
  }
  int const status = parser_->status();
  // Such an answer has no body, whatever its headers say (RFC 9110 9.3.6).
  open_ = status / 100 == 2 && pending_.empty();
  if (open_)
    return {};
  if (status / 100 == 2)
    return wrong("it sends more than the answer to CONNECT before the TLS handshake has begun");
  return proxy_refusal(proxy_, endpoint_, status, parser_->response().headers.join("proxy-authenticate"));
}

} // namespace claudio
