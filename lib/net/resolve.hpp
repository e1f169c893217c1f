#pragma once

#include "net/call_progress.hpp"

#include <claudio/error.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <vector>

namespace claudio {

/// The addresses of a host; an address is its own answer, without a look-up. Runs on the caller's executor.
///
/// A look-up that was cancelled or timed out is abandoned at once, but the system's resolver can't be stopped: the
/// execution context stays busy until it answers.
boost::asio::awaitable<result<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(std::string host, std::string port,
                                                                                    call_progress& progress);

} // namespace claudio
