#include "net/tunnel.hpp"

#include "core/lower_case.hpp"

#include <claudio/version.hpp>

namespace claudio {
namespace {

constexpr std::string_view end_of_line = "\r\n";
constexpr std::string_view end_of_head = "\r\n\r\n";

bool begins_success(std::string_view response) {
  return response.starts_with("HTTP/1.") && response.size() > 9 && response[8] == ' ' && response[9] == '2';
}

bool is_framing(std::string_view line) {
  auto const name = lower_case(line.substr(0, line.find(':')));
  return name == "content-length" || name == "transfer-encoding";
}

// Takes the fields that frame a body out of the head that a text begins with, with the lines that continue them.
void remove_framing(std::string& text) {
  auto const end = text.find(end_of_head) + end_of_line.size();
  std::string head;
  bool skips = false;
  for (std::size_t begin = 0; begin < end;) {
    auto const next = text.find(end_of_line, begin) + end_of_line.size();
    auto const line = std::string_view(text).substr(begin, next - begin);
    bool const continues = line.starts_with(' ') || line.starts_with('\t');
    skips = continues ? skips : is_framing(line);
    if (!skips)
      head += line;
    begin = next;
  }
  text.replace(0, end, head);
}

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
    // Such an answer has no body, whatever its headers say (RFC 9110 9.3.6), also where they are not valid.
    if (begins_success(pending_) && pending_.size() <= response_parser::header_limit) {
      if (pending_.find(end_of_head) == std::string::npos)
        return {};
      remove_framing(pending_);
    }
    auto const used = parser_->parse(pending_);
    if (!used)
      return wrong(used.error().message());
    pending_.erase(0, *used);
    if (!parser_->head_complete())
      return {};
    if (parser_->status() / 100 != 1 || parser_->status() == 101)
      break;
    if (++interim_ > response_parser::most_interim)
      return wrong("it sends interim responses without end");
    parser_.emplace();
  }
  int const status = parser_->status();
  open_ = status / 100 == 2 && pending_.empty();
  if (open_)
    return {};
  if (status / 100 == 2)
    return wrong("it sends more than the answer to CONNECT before the TLS handshake has begun");
  return proxy_refusal(proxy_, endpoint_, status, parser_->response().headers.join("proxy-authenticate"));
}

} // namespace claudio
