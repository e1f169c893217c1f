#pragma once

#include "net/call_progress.hpp"

#include <claudio/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <vector>

namespace claudio {

/// The addresses of one host, looked up at most every half minute, once for all who ask meanwhile. An address is its
/// own answer, without a look-up, and so is localhost. For one serial executor.
///
/// Asio resolves with one thread that nothing can stop: an abandoned look-up keeps the execution context busy until the
/// system answers.
class name_cache : public std::enable_shared_from_this<name_cache> {
public:
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

  name_cache(boost::asio::any_io_executor executor, std::string host, std::string port);

  /// Errors: `errc::connect` when the name does not resolve, `errc::timeout` by the phase `connect`.
  boost::asio::awaitable<result<endpoints>> resolve(call_progress& progress);

  /// Ends the waits there are as `errc::cancelled`.
  void interrupt();

private:
  class lookup;
  static std::shared_ptr<lookup> begin_lookup(std::shared_ptr<name_cache> self);

  boost::asio::any_io_executor executor_;
  std::string host_;
  std::string port_;
  std::shared_ptr<lookup> running_;
  endpoints known_;
  call_progress::clock::time_point known_until_;
};

} // namespace claudio
