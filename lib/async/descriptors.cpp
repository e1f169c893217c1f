#include "async/descriptors.hpp"

#include "core/process_id.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace claudio {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

error_code last_error() { return error_code(errno, boost::system::system_category()); }

// Hands a descriptor to an Asio object, or closes it.
template <class Socket>
error_code assign(Socket& socket, tcp const& protocol, int descriptor) {
  if (descriptor < 0)
    return last_error();
  error_code failure;
  socket.assign(protocol, descriptor, failure);
  if (failure)
    ::close(descriptor);
  return failure;
}

int make_socket(tcp const& protocol) {
  return ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol.protocol());
}

} // namespace

error_code open_socket(tcp::socket& socket, tcp protocol) { return assign(socket, protocol, make_socket(protocol)); }

error_code listen_on(tcp::acceptor& acceptor, tcp::endpoint const& endpoint) {
  auto failure = assign(acceptor, endpoint.protocol(), make_socket(endpoint.protocol()));
  if (!failure)
    acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure)
    acceptor.bind(endpoint, failure);
  if (!failure)
    acceptor.listen(tcp::acceptor::max_listen_connections, failure);
  return failure;
}

void leave_to_parent(int descriptor) noexcept {
  int const nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere < 0)
    return;
  ::dup3(nowhere, descriptor, O_CLOEXEC);
  ::close(nowhere);
}

asio::awaitable<error_code> accept_socket(tcp::acceptor& acceptor, tcp::socket& socket) {
  auto const process = process_id();
  error_code failure;
  auto const protocol = acceptor.local_endpoint(failure).protocol();
  while (!failure) {
    co_await acceptor.async_wait(tcp::acceptor::wait_read, asio::redirect_error(asio::use_awaitable, failure));
    if (!failure && process != process_id())
      failure = asio::error::operation_aborted;
    if (failure)
      break;
    int const accepted = ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0)
      co_return assign(socket, protocol, accepted);
    // The connection that was waiting has gone, or another process has accepted it.
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED)
      failure = last_error();
  }
  co_return failure;
}

} // namespace claudio
