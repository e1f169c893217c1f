#include "core/api_base.hpp"

#include "core/lower_case.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>

namespace claudio {
namespace {

error wrong(std::string_view what) {
  return error(errc::configuration, "expected https://host[:port][/path], " + std::string(what));
}

bool is_host_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' || c == ':';
}

bool is_path_character(char c) { return c > 0x20 && c < 0x7f && c != '?' && c != '#'; }

bool is_port(std::string_view text) {
  unsigned number = 0;
  auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc{} && end == text.data() + text.size() && number >= 1 && number <= 65535;
}

} // namespace

result<api_base> api_base::parse(std::string_view url) {
  api_base base;
  std::string_view rest = url;
  // Schemes are case-insensitive (RFC 3986 3.1).
  if (auto const scheme = lower_case(url.substr(0, 8)); scheme == "https://") {
    rest.remove_prefix(8);
  } else if (scheme.starts_with("http://")) {
    base.tls = false;
    rest.remove_prefix(7);
  } else {
    return wrong("but it begins with neither https:// nor http://");
  }
  std::size_t const slash = std::min(rest.find('/'), rest.size());
  std::string_view const authority = rest.substr(0, slash);
  std::string_view path = rest.substr(slash);
  while (path.ends_with('/'))
    path.remove_suffix(1);
  if (!std::all_of(path.begin(), path.end(), is_path_character))
    return wrong("but the path has a query, a fragment or a character that must be percent-encoded");
  if (authority.find('@') != std::string_view::npos)
    return wrong("but it has a user name or a password in it");

  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    std::size_t const end = authority.find(']');
    if (end == std::string_view::npos)
      return wrong("but the bracket of the IPv6 address is not closed");
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else if (std::size_t const colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (without_root(host).empty() || without_root(host).ends_with('.') ||
      !std::all_of(host.begin(), host.end(), is_host_character))
    return wrong("but the host is missing or has a character that no host name has");
  if (!port.empty() && (port.front() != ':' || !is_port(port.substr(1))))
    return wrong("but the port is not a number from 1 to 65535");

  base.host = host;
  base.authority = authority;
  base.path = path;
  base.port = !port.empty() ? std::string(port.substr(1)) : std::string(base.tls ? "443" : "80");
  return base;
}

bool api_base::is_loopback() const { return is_loopback_host(host); }

std::string_view without_root(std::string_view host) noexcept {
  return host.substr(0, host.size() - (host.ends_with('.') ? 1 : 0));
}

bool is_localhost(std::string_view host) { return lower_case(without_root(host)) == "localhost"; }

bool is_loopback_host(std::string const& host) {
  if (is_localhost(host) || host == "::1")
    return true;
  // 127.0.0.0/8 in full; what only looks like it would be a name, and looked up.
  unsigned first = 0, second = 0, third = 0, fourth = 0;
  int read = 0;
  if (std::sscanf(host.c_str(), "%3u.%3u.%3u.%3u%n", &first, &second, &third, &fourth, &read) != 4)
    return false;
  return static_cast<std::size_t>(read) == host.size() && first == 127 && second < 256 && third < 256 && fourth < 256;
}

} // namespace claudio
