#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

/// Sockets that child processes do not inherit: Boost 1.81 opens and accepts sockets without SOCK_CLOEXEC. A child
/// that inherits one keeps the connection open after we have closed it.
namespace claudio {

/// Opens a non-blocking socket.
boost::system::error_code open_socket(boost::asio::ip::tcp::socket& socket, boost::asio::ip::tcp protocol);

/// Opens an acceptor for `accept_socket()` at `endpoint`, with SO_REUSEADDR.
boost::system::error_code listen_on(boost::asio::ip::tcp::acceptor& acceptor,
                                    boost::asio::ip::tcp::endpoint const& endpoint);

/// Waits for a connection and opens `socket` for it, non-blocking. `operation_aborted`: the acceptor was closed, the
/// caller cancelled, or this process is a fork of the one that listens.
boost::asio::awaitable<boost::system::error_code> accept_socket(boost::asio::ip::tcp::acceptor& acceptor,
                                                                boost::asio::ip::tcp::socket& socket);

/// In a forked child: points a descriptor at /dev/null. What its owner does to it before closing it (Asio takes it out
/// of its epoll set, libpq takes its leave) then does not reach what the child shares with its parent.
void leave_to_parent(int descriptor) noexcept;

} // namespace claudio
