#pragma once

#include "net/call_progress.hpp"

#include <claudio/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace claudio {

/// The addresses of one host, looked up once in a lifetime, and once for all who ask meanwhile. An address is its own
/// answer, without a look-up, and so is localhost. For one serial executor.
///
/// Asio resolves with one thread that nothing can stop: an abandoned look-up keeps the execution context busy until the
/// system answers.
class name_cache : public std::enable_shared_from_this<name_cache> {
public:
  using clock = call_progress::clock;
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  using answer = std::function<void(boost::system::error_code, endpoints)>;
  /// Looks up a host and a port. It answers once, on the cache's executor, whenever it likes, or never.
  using look_up = std::function<void(std::string const&, std::string const&, answer)>;

  static constexpr std::chrono::seconds lifetime{30};

  /// Asks the system.
  name_cache(boost::asio::any_io_executor executor, std::string host, std::string port);
  /// Asks, and reads the time, as it is told to.
  name_cache(boost::asio::any_io_executor executor, std::string host, std::string port, look_up ask,
             std::function<clock::time_point()> now);

  /// Errors: `errc::connect` when the name does not resolve, `errc::timeout` by the phase `resolve`.
  boost::asio::awaitable<result<endpoints>> resolve(call_progress& progress);
  /// These addresses can't be connected to. If they are what is known, whoever asks next has them looked up anew.
  void forget(endpoints const& dead);
  /// Whoever listens at this address accepts connections, and is of no use otherwise. For `lifetime` it comes behind
  /// all others, and whoever asks next has the name looked up anew.
  void blame(boost::asio::ip::tcp::endpoint const& address);

  /// Ends the waits there are as `errc::cancelled`.
  void interrupt();

private:
  class lookup;
  std::shared_ptr<lookup> begin_lookup();
  void note(lookup& state, boost::system::error_code failure, endpoints found);
  endpoints in_order(endpoints addresses) const;

  boost::asio::any_io_executor executor_;
  std::string host_;
  std::string port_;
  look_up look_up_;
  std::function<clock::time_point()> now_;
  std::shared_ptr<lookup> running_;
  endpoints known_;
  std::vector<std::pair<boost::asio::ip::tcp::endpoint, clock::time_point>> blamed_; // and until when
  clock::time_point known_until_ = clock::time_point::min();
};

} // namespace claudio
