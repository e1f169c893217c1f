#pragma once

#include "core/api_base.hpp"
#include "net/pool.hpp"
#include "net/request_writer.hpp"
#include "runtime/message_stream.hpp"

#include <claudio/client.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace claudio::detail {

/// What the copies of a client share: all of it belongs to the home executor.
class client_state {
public:
  /// A client that posts its requests to `target` below the endpoint's path.
  static result<client> make_client(boost::asio::any_io_executor home, provider_options options,
                                    std::string_view target);

  client_state(boost::asio::any_io_executor executor, api_base endpoint, std::shared_ptr<tls_context> tls,
               provider_options given, std::string_view target);

  static boost::asio::awaitable<result<message>> create(std::shared_ptr<client_state> self, std::string body,
                                                        call_options call);
  static boost::asio::awaitable<result<message_stream>> stream(std::shared_ptr<client_state> self, std::string body,
                                                               call_options call);

  boost::asio::any_io_executor const home;
  provider_options const options;
  request_writer const messages;
  std::shared_ptr<session_pool> const pool;

private:
  using text_views = std::vector<std::string_view>;

  // Makes attempts until one succeeds or was the last: `make(request, number, secrets)` begins one.
  template <class T, class MakeAttempt>
  boost::asio::awaitable<result<T>> attempts(std::string const& body, call_options const& call, call_progress& progress,
                                             MakeAttempt const& make);
  boost::asio::awaitable<result<message>> attempt(std::string_view request, unsigned number, text_views const& secrets,
                                                  call_progress& progress);
  // How a session is spoken to: for a whole response, or for its head.
  using exchange_function = boost::asio::awaitable<result<http_response>> (session::*)(std::string_view,
                                                                                       call_progress&);
  boost::asio::awaitable<result<http_response>> exchange(session_lease& lease, std::string_view request,
                                                         exchange_function speak, call_progress& progress);
  retry_context make_retry_context(call_options const& call, call_progress& progress) const;
  boost::asio::awaitable<result<void>> attempt_stream(std::string_view request, unsigned number,
                                                      text_views const& secrets, message_stream_state& stream);
  static result<message> read(http_response const& response, text_views const& secrets, call_progress& progress);
};

} // namespace claudio::detail
