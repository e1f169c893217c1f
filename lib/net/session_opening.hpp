#pragma once

#include "net/connection.hpp"
#include "net/session.hpp"

#include <string>

namespace claudio {

class tunnel_opening;

/// How a session's connection comes to be open: its addresses, the way through a proxy, TLS. Both parameters outlive
/// it.
class session_opening {
public:
  session_opening(session_environment const& environment, connection& opened)
      : environment_(environment), connection_(opened) {}

  /// `session::connect()`.
  boost::asio::awaitable<result<void>> connect(call_progress& progress);
  /// `session::secure()`.
  boost::asio::awaitable<result<void>> secure(call_progress& progress);

private:
  std::string const& authority() const noexcept;
  std::string peer() const;
  std::string connecting_to() const;
  error unresolved(error const& failure) const;
  boost::asio::awaitable<result<void>> open_tunnel(call_progress& progress);
  result<void> read_answer(tunnel_opening& tunnel, io_status& status);
  error no_tunnel(io_status status, call_progress const& progress) const;
  void blame_address(io_status status);

  session_environment const& environment_;
  connection& connection_;
};

} // namespace claudio
