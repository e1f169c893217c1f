#include "net/connection_failure.hpp"

#include <boost/asio/error.hpp>

#include <string>

namespace claudio {
namespace asio = boost::asio;

namespace {

error socket_error(boost::system::error_code code, std::string_view doing) {
  if (is_local_fault(code))
    return error(errc::local_resources, "while " + std::string(doing) + ": " + code.message() +
                                            "; raise the limit (ulimit -n) or lower pool.max_sessions");
  if (code == asio::error::connection_reset || code == asio::error::connection_aborted ||
      code == asio::error::broken_pipe)
    return error(errc::connect, "the connection broke while " + std::string(doing) + ": " + code.message());
  return error(errc::connect, "while " + std::string(doing) + ": " + code.message());
}

} // namespace

bool is_local_fault(boost::system::error_code code) {
  namespace errc = boost::system::errc;
  return code == errc::too_many_files_open || code == errc::too_many_files_open_in_system ||
         code == errc::not_enough_memory || code == errc::no_buffer_space ||
         code == errc::no_space_on_device || // of epoll's watches
         code == errc::address_not_available;
}

error connection_failure(connection const& broken, io_status status, call_phase phase, call_progress const& progress,
                         std::string_view doing) {
  switch (status) {
  case io_status::cancelled:
    return progress.cancelled(doing);
  case io_status::timed_out:
    return progress.timeout(phase);
  case io_status::closed:
  case io_status::truncated:
    return error(errc::connect,
                 "the connection broke while " + std::string(doing) + ": the peer closed it" +
                     (status == io_status::truncated && phase != call_phase::tls ? " without TLS's close_notify" : ""));
  case io_status::tls_failed:
    return error(errc::tls, "TLS failed while " + std::string(doing) + ": " + broken.tls_failure());
  case io_status::socket_failed:
  case io_status::done:
    break;
  }
  return socket_error(broken.socket_failure(), doing);
}

} // namespace claudio
