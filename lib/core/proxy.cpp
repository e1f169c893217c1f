#include "core/proxy.hpp"

#include "core/lower_case.hpp"
#include "core/object_reader.hpp"
#include "core/secret_file.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>

namespace claudio {
namespace {

constexpr std::string_view expected = "expected http://[user:password@]host[:port], ";

error wrong(std::string_view source, std::string_view what) {
  return configuration_fault(std::string(source), std::string(expected) + std::string(what));
}

std::optional<unsigned> parse_number(std::string_view text, int base = 10) {
  unsigned number = 0;
  auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (failure != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

// Without a copy that would not be wiped.
std::optional<secret> decode_percent(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  bool valid = true;
  for (std::size_t i = 0; valid && i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '%') {
      auto const number = parse_number(text.substr(i + 1, 2), 16);
      valid = number && i + 2 < text.size();
      byte = static_cast<unsigned char>(number.value_or(0));
      i += 2;
    }
    valid = valid && byte >= 0x20 && byte != 0x7f;
    decoded += static_cast<char>(byte);
  }
  secret held(std::move(decoded));
  if (!valid)
    return std::nullopt;
  return held;
}

// RFC 4648 4.
void append_base64(std::string& encoded, std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const group = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t at = 0; at < 3; ++at)
      bits = bits << 8 | (at < group.size() ? static_cast<unsigned char>(group[at]) : 0u);
    for (std::size_t digit = 0; digit < 4; ++digit)
      encoded += digit <= group.size() ? digits[bits >> (18 - 6 * digit) & 63] : '=';
  }
}

// RFC 7617.
secret basic_authorization(std::string_view user, std::string_view password) {
  std::string pair;
  pair.reserve(user.size() + 1 + password.size());
  pair.append(user).append(":").append(password);
  secret const held(std::move(pair));
  constexpr std::string_view scheme = "Basic ";
  std::string value;
  value.reserve(scheme.size() + (held.reveal().size() + 2) / 3 * 4);
  value += scheme;
  append_base64(value, held.reveal());
  return secret(std::move(value));
}

result<void> read_credentials(std::string_view text, proxy_address& proxy) {
  auto const colon = std::min(text.find(':'), text.size());
  auto const user = decode_percent(text.substr(0, colon));
  auto password = decode_percent(text.substr(std::min(colon + 1, text.size())));
  if (!user || !password)
    return wrong(proxy.source,
                 "but the credentials have a control character or a % that two hexadecimal digits do not follow");
  if (user->reveal().find(':') != std::string_view::npos)
    return wrong(proxy.source, "but the user name has a colon, which Basic authentication can't carry");
  proxy.authorization = basic_authorization(user->reveal(), password->reveal());
  proxy.password = std::move(*password);
  return {};
}

// An IPv4 address, or one that IPv6 has mapped (RFC 4291 2.5.5.2), is four bytes.
class ip_address {
public:
  static std::optional<ip_address> parse(std::string_view text) {
    std::string const name(text);
    ip_address address;
    if (::inet_pton(AF_INET, name.c_str(), address.bytes_.data()) == 1) {
      address.size_ = 4;
      return address;
    }
    if (::inet_pton(AF_INET6, name.c_str(), address.bytes_.data()) != 1)
      return std::nullopt;
    constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(mapped.begin(), mapped.end(), address.bytes_.begin())) {
      std::copy_n(address.bytes_.begin() + mapped.size(), 4, address.bytes_.begin());
      address.size_ = 4;
    }
    return address;
  }

  unsigned bits() const noexcept { return 8 * size_; }

  bool shares_prefix(ip_address const& other, unsigned length) const noexcept {
    if (size_ != other.size_ || length > bits())
      return false;
    for (unsigned bit = 0; bit < length; ++bit)
      if (((bytes_[bit / 8] ^ other.bytes_[bit / 8]) >> (7 - bit % 8) & 1) != 0)
        return false;
    return true;
  }

private:
  std::array<unsigned char, 16> bytes_{};
  unsigned size_ = 16;
};

bool is_in_range(std::string_view range, std::size_t slash, std::optional<ip_address> const& address) {
  auto const begin = ip_address::parse(range.substr(0, slash));
  auto const length = parse_number(range.substr(slash + 1));
  return begin && length && address && address->shares_prefix(*begin, *length);
}

bool is_item_of_no_proxy(std::string_view item, std::string_view host, std::optional<ip_address> const& address,
                         std::string_view port) {
  if (item == "*")
    return true;
  if (auto const slash = item.find('/'); slash != std::string_view::npos)
    return is_in_range(item, slash, address);
  auto name = item;
  if (auto const end = item.find(']'); item.starts_with('[') && end != std::string_view::npos) {
    name = item.substr(1, end - 1);
    item.remove_prefix(end + 1);
  } else if (std::count(item.begin(), item.end(), ':') == 1) {
    name = item.substr(0, item.find(':'));
    item.remove_prefix(name.size());
  } else {
    item = {};
  }
  if (!item.empty() && item.substr(1) != port)
    return false;
  if (address) {
    auto const other = ip_address::parse(name);
    return other && address->shares_prefix(*other, address->bits());
  }
  if (name.starts_with("*."))
    name.remove_prefix(1);
  if (name.starts_with('.'))
    name.remove_prefix(1);
  if (name.ends_with('.'))
    name.remove_suffix(1);
  if (name.empty() || !host.ends_with(name))
    return false;
  return host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
}

// Set to nothing is not set, as with curl and Go.
std::string_view value_of(environment_lookup const& variables, std::string const& name) {
  char const* const value = variables(name.c_str());
  return without_trailing_space(value ? std::string_view(value) : std::string_view());
}

std::string upper_case(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// Challenges and their parameters both stand between commas (RFC 9110 11.6.1).
bool offers_basic(std::string_view challenges) {
  while (!challenges.empty()) {
    auto item = challenges.substr(0, std::min(challenges.find(','), challenges.size()));
    challenges.remove_prefix(std::min(item.size() + 1, challenges.size()));
    while (item.starts_with(' '))
      item.remove_prefix(1);
    if (lower_case(item.substr(0, item.find(' '))) == "basic")
      return true;
  }
  return false;
}

std::string missing_authentication(proxy_address const& proxy, std::string_view challenges) {
  if (!challenges.empty() && !offers_basic(challenges))
    return " does not offer Basic authentication, the only kind that claudio speaks";
  if (proxy.authorization.empty())
    return " wants a user name and a password; set " + proxy.source + " to http://user:password@" +
           host_and_port(proxy.host, proxy.port);
  return " refuses the user name and the password; correct them in " + proxy.source;
}

} // namespace

result<proxy_address> proxy_address::parse(std::string_view text, std::string_view source) {
  proxy_address proxy;
  proxy.source = source;
  auto rest = text;
  if (auto const end = rest.find("://"); end != std::string_view::npos) {
    // Shown only if it is one: it may be a part of a password.
    auto const scheme = lower_case(rest.substr(0, end));
    for (std::string_view const unsupported : {"https", "socks", "socks4", "socks4a", "socks5", "socks5h"})
      if (scheme == unsupported)
        return configuration_fault(proxy.source, scheme +
                                                     ":// proxies are not supported; give the address of one that " +
                                                     "is spoken to by http:// (it carries https:// all the same)");
    if (scheme != "http")
      return wrong(source, "but it begins with another scheme than http://");
    rest.remove_prefix(end + 3);
  }
  auto const end_of_authority = std::min(rest.find_first_of("/?#"), rest.size());
  auto const behind = rest.substr(end_of_authority);
  rest = rest.substr(0, end_of_authority);
  if (!behind.empty() && behind != "/")
    return wrong(source, "but something stands behind the port; in credentials, / ? # have to be percent-encoded");
  if (auto const at = rest.rfind('@'); at != std::string_view::npos) {
    if (auto const read = read_credentials(rest.substr(0, at), proxy); !read)
      return read.error();
    rest.remove_prefix(at + 1);
  }
  auto const address = api_base::parse("http://" + std::string(rest));
  if (!address)
    return wrong(source, "but the host is missing, or it or the port is not valid; in credentials, : @ / ? # % have to "
                         "be percent-encoded");
  proxy.host = address->host;
  proxy.port = address->port;
  return proxy;
}

std::string proxy_address::description() const {
  return "the proxy " + host_and_port(host, port) + " (" + source + ")";
}

std::string host_and_port(std::string_view host, std::string_view port) {
  bool const is_ipv6 = host.find(':') != std::string_view::npos;
  std::string both(is_ipv6 ? "[" : "");
  both.append(host).append(is_ipv6 ? "]:" : ":").append(port);
  return both;
}

bool is_in_no_proxy(std::string_view list, api_base const& endpoint) {
  auto host = lower_case(endpoint.host);
  if (host.ends_with('.'))
    host.pop_back();
  auto const address = ip_address::parse(host);
  auto const lower_list = lower_case(list);
  constexpr std::string_view separators = ", \t";
  std::string_view rest = lower_list;
  while (!rest.empty()) {
    auto const item = rest.substr(0, std::min(rest.find_first_of(separators), rest.size()));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    if (!item.empty() && is_item_of_no_proxy(item, host, address, endpoint.port))
      return true;
  }
  return false;
}

result<std::optional<proxy_address>> choose_proxy(std::optional<secret> const& configured, api_base const& endpoint,
                                                  environment_lookup const& variables) {
  auto const parse = [](std::string_view text, std::string_view source) -> result<std::optional<proxy_address>> {
    auto parsed = proxy_address::parse(text, source);
    if (!parsed)
      return parsed.error();
    return std::optional(std::move(*parsed));
  };
  if (configured) {
    if (configured->empty())
      return std::optional<proxy_address>();
    return parse(configured->reveal(), "provider_config.proxy");
  }
  if (endpoint.is_loopback())
    return std::optional<proxy_address>();
  for (std::string const name : {"no_proxy", "NO_PROXY"})
    if (auto const list = value_of(variables, name); !list.empty()) {
      if (is_in_no_proxy(list, endpoint))
        return std::optional<proxy_address>();
      break;
    }
  std::string const lower = endpoint.tls ? "https_proxy" : "http_proxy";
  if (auto const value = value_of(variables, lower); !value.empty())
    return parse(value, lower);
  // A CGI server puts a request's header "Proxy" into HTTP_PROXY (CVE-2016-5385).
  if (!endpoint.tls && variables("REQUEST_METHOD"))
    return std::optional<proxy_address>();
  auto const upper = upper_case(lower);
  if (auto const value = value_of(variables, upper); !value.empty())
    return parse(value, upper);
  return std::optional<proxy_address>();
}

error proxy_refusal(proxy_address const& proxy, api_base const& endpoint, int status, std::string_view challenges) {
  auto const target = host_and_port(endpoint.host, endpoint.port);
  auto code = errc::protocol;
  error_details details;
  details.message = proxy.description();
  details.param = proxy.source;
  details.should_retry = false;
  // tinyproxy says 401 to wrong credentials.
  if (status == 407 || status == 401) {
    code = errc::authentication;
    details.message += missing_authentication(proxy, challenges);
  } else if (status >= 500) {
    code = errc::connect;
    details.message += " could not reach " + target + ": it answered with HTTP status " + std::to_string(status);
    details.should_retry = true;
  } else if (status >= 400) {
    code = errc::permission;
    details.message +=
        " does not let connections to " + target + " pass: it answered with HTTP status " + std::to_string(status);
  } else {
    details.message += " answered CONNECT with HTTP status " + std::to_string(status) + "; is it an HTTP proxy?";
  }
  return error(code, status, std::move(details));
}

} // namespace claudio
