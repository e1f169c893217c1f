#pragma once

#include <claudio/error.hpp>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace claudio {

/// Where a PostgreSQL database is and how it is connected to: what a URL says, and where it says nothing libpq's
/// environment variables, service files and defaults. A server on another machine is spoken to over TLS.
class postgres_address {
public:
  /// One server. What is empty is libpq's default.
  class server {
  public:
    server() = default;

    std::string host;    // a path is the folder of a Unix socket
    std::string address; // numeric; empty: to be looked up
    std::string port;

    bool is_socket() const { return host.starts_with('/') || host.starts_with('@'); }
  };
  /// libpq's connection parameters but for those of `server`.
  using parameter_map = std::map<std::string, std::string>;

  postgres_address() = default;

  /// Reads `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETER=VALUE`. Errors: `errc::configuration`, without
  /// what could be a password.
  static result<postgres_address> parse(std::string const& url);

  /// In the order in which they are tried.
  std::vector<server> const& servers() const noexcept { return servers_; }
  parameter_map parameters_for(server const& one) const;
  /// For one server of the list.
  std::chrono::seconds connect_timeout() const noexcept { return connect_timeout_; }
  /// What messages call it: `the database "postgresql://HOST:PORT/DATABASE"`.
  std::string name() const;

private:
  std::vector<server> servers_;
  parameter_map parameters_;
  bool tls_is_up_to_us_ = true;
  std::chrono::seconds connect_timeout_{3};
};

} // namespace claudio
