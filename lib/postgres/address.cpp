#include "postgres/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <libpq-fe.h>
#include <memory>
#include <string_view>

namespace claudio {
namespace {

using option_list = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

error wrong(std::string const& why) {
  error_details details;
  details.message = "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE with characters like @ and / of the parts "
                    "as %40 and %2F" +
                    why;
  details.param = "store";
  return error(errc::configuration, 0, std::move(details));
}

postgres_address::parameter_map values_of(PQconninfoOption const& first) {
  postgres_address::parameter_map values;
  for (auto const* option = &first; option->keyword; ++option)
    if (option->val && *option->val)
      values[option->keyword] = option->val;
  return values;
}

// An empty list has one empty item, as libpq has it.
std::vector<std::string> items_of(std::string const& list) {
  std::vector<std::string> items(1);
  for (char const c : list)
    if (c == ',')
      items.emplace_back();
    else
      items.back() += c;
  return items;
}

// Of a password whose @ or / is not escaped; libpq would take the rest of it for a part of a name that is shown.
bool has_stray_at(std::string const& url) {
  auto const begin = url.find("://") + 3;
  auto const at = url.find('@', begin);
  return at != std::string::npos && (url.find('/', begin) < at || url.find('@', at + 1) != std::string::npos);
}

std::string take(postgres_address::parameter_map& parameters, std::string const& keyword) {
  auto const found = parameters.find(keyword);
  if (found == parameters.end())
    return std::string();
  auto value = std::move(found->second);
  parameters.erase(found);
  return value;
}

bool is_local(postgres_address::server const& one) {
  auto const& where = one.address.empty() ? one.host : one.address;
  return where.empty() || one.is_socket() || where == "localhost" || where == "::1" || where.starts_with("127.");
}

result<std::vector<postgres_address::server>> servers_of(postgres_address::parameter_map& parameters) {
  auto const hosts = items_of(take(parameters, "host"));
  auto const addresses = items_of(take(parameters, "hostaddr"));
  auto const ports = items_of(take(parameters, "port"));
  bool const has_addresses = addresses.size() > 1 || !addresses.front().empty();
  auto const count = has_addresses ? addresses.size() : hosts.size();
  if ((has_addresses && hosts.size() > 1 && hosts.size() != count) || (ports.size() > 1 && ports.size() != count))
    return wrong(": it names " + std::to_string(count) + " servers, and another number of hosts or ports");
  std::vector<postgres_address::server> servers;
  for (std::size_t i = 0; i < count; ++i) {
    postgres_address::server one;
    one.host = hosts[hosts.size() == 1 ? 0 : i];
    one.address = has_addresses ? addresses[i] : std::string();
    one.port = ports[ports.size() == 1 ? 0 : i];
    if (one.port.find_first_not_of("0123456789") != std::string::npos)
      return wrong("; a port is a number");
    servers.push_back(std::move(one));
  }
  return servers;
}

} // namespace

result<postgres_address> postgres_address::parse(std::string const& url) {
  if (has_stray_at(url))
    return wrong(std::string());
  char* message = nullptr;
  option_list const given(PQconninfoParse(url.c_str(), &message), &PQconninfoFree);
  std::string const why = message ? message : "";
  PQfreemem(message);
  if (!given) {
    // Other messages quote parts of what was given.
    auto const names_parameter = why.starts_with("invalid URI query parameter");
    return wrong(names_parameter ? "; " + why.substr(0, why.find('\n')) : std::string());
  }
  postgres_address parsed;
  auto& parameters = parsed.parameters_;
  parameters = values_of(*given);
  if (parameters.contains("service"))
    return wrong("; a service is named by the environment variable PGSERVICE");
  bool const names_role = parameters.contains("target_session_attrs") || std::getenv("PGTARGETSESSIONATTRS");
  bool const has_tls_mode = parameters.contains("sslmode") || std::getenv("PGSSLMODE");
  // It would ask a key server, and block.
  if (!std::getenv("PGGSSENCMODE"))
    parameters.emplace("gssencmode", "disable");
  option_list const defaults(PQconndefaults(), &PQconninfoFree);
  if (!defaults)
    return error(errc::storage, "libpq's defaults can't be had; is there a service file for PGSERVICE?");
  parameters.merge(values_of(*defaults));
  parsed.tls_is_up_to_us_ = !has_tls_mode && parameters["sslmode"] == "prefer";
  parameters["client_encoding"] = "UTF8";
  parameters.emplace("fallback_application_name", "claudio");
  // A peer that is gone without a word is noticed, also while nothing is sent.
  parameters.emplace("tcp_user_timeout", "10000");
  parameters.emplace("keepalives_idle", "10");
  parameters.emplace("keepalives_interval", "5");
  parameters.emplace("keepalives_count", "3");
  if (auto const timeout = take(parameters, "connect_timeout"); !timeout.empty()) {
    int seconds = 0;
    auto const [end, failure] = std::from_chars(timeout.data(), timeout.data() + timeout.size(), seconds);
    if (failure != std::errc() || end != timeout.data() + timeout.size())
      return wrong("; connect_timeout is a number of seconds");
    // libpq's 0 is to wait for ever; here each operation has its own limit.
    parsed.connect_timeout_ = std::chrono::seconds(seconds > 0 ? std::min(seconds, 3600) : 3600);
  }
  auto servers = servers_of(parameters);
  if (!servers)
    return servers.error();
  parsed.servers_ = std::move(*servers);
  // Of several one may be a standby, which nothing can be changed on.
  if (parsed.servers_.size() > 1 && !names_role)
    parameters["target_session_attrs"] = "read-write";
  return parsed;
}

postgres_address::parameter_map postgres_address::parameters_for(server const& one) const {
  auto parameters = parameters_;
  if (!one.host.empty())
    parameters["host"] = one.host;
  if (!one.address.empty())
    parameters["hostaddr"] = one.address;
  if (!one.port.empty())
    parameters["port"] = one.port;
  // libpq's own default would go on in the clear when somebody says that the server has no TLS.
  if (tls_is_up_to_us_ && !is_local(one))
    parameters["sslmode"] = "require";
  return parameters;
}

std::string postgres_address::name() const {
  std::string text = "the database \"postgresql://";
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    auto const& one = servers_[i];
    text.append(i == 0 ? "" : ",").append(one.host.empty() ? one.address : one.host);
    if (!one.port.empty())
      text.append(":").append(one.port);
  }
  auto const database = parameters_.find("dbname");
  return text + "/" + (database == parameters_.end() ? std::string() : database->second) + "\"";
}

} // namespace claudio
