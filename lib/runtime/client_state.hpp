#pragma once

#include "async/gate.hpp"
#include "core/api_base.hpp"
#include "core/proxy.hpp"
#include "core/utf8.hpp"
#include "net/pool.hpp"
#include "net/request_writer.hpp"
#include "net/trusted_authorities.hpp"
#include "runtime/message_stream.hpp"
#include "runtime/traffic.hpp"

#include <claudio/client.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio::detail {

/// Of the model's name in an answer, which stands in accounts, logs and traces.
constexpr std::size_t longest_model_name = 256;

/// What the copies of a client share: all of it belongs to the home executor.
class client_state {
public:
  /// A client that posts its requests to `target` below the endpoint's path.
  /// @param provider its name in the configuration; empty: the endpoint's address
  /// @param users may be null
  static result<client> make_client(boost::asio::any_io_executor home, provider_options options,
                                    std::string_view target, trusted_authorities& authorities,
                                    std::string provider = std::string(), std::shared_ptr<observer> users = nullptr);

  client_state(boost::asio::any_io_executor executor, api_base base, std::optional<proxy_address> chosen,
               std::shared_ptr<tls_context> tls, provider_options given, std::string_view target,
               std::shared_ptr<observation const> observed_by);

  /// From any executor. Each call waits with its frame, so that on the home executor it is the outermost of few.
  static boost::asio::awaitable<result<message>> create(std::shared_ptr<client_state> self, std::string body,
                                                        call_options call);
  /// On the home executor.
  static boost::asio::awaitable<result<message_stream>> stream(std::shared_ptr<client_state> self, std::string body,
                                                               call_options call);

  /// Opens sessions until that many are idle.
  static boost::asio::awaitable<result<void>> prewarm(std::shared_ptr<client_state> self, std::size_t sessions,
                                                      call_options call);
  /// On the home executor, which is the same for all: refuses new calls, waits for those in flight, and cuts off what
  /// has not ended in time.
  static boost::asio::awaitable<result<void>> drain(std::vector<std::shared_ptr<client_state>> clients,
                                                    std::chrono::steady_clock::time_point deadline);
  static std::shared_ptr<client_state> const& of(client const& handle) noexcept { return handle.state_; }

  /// On the home executor: tells of a call that was refused before it came here.
  static boost::asio::awaitable<result<void>> tell_refusal(std::shared_ptr<client_state> self, std::string model,
                                                           error failure, bool streams,
                                                           std::shared_ptr<observer> of_call);
  /// On the home executor: tells that another model is asked instead of one of this client.
  static boost::asio::awaitable<result<void>> tell_fallback(std::shared_ptr<client_state> self, std::string failed,
                                                            std::string next, error failure,
                                                            std::shared_ptr<observer> of_call);

  /// What an answer costs; nothing: its price is unknown.
  std::optional<cost> cost_of(message const& answer) const;

  boost::asio::any_io_executor const home;
  std::vector<secret> const credentials; // in the configured headers
  provider_options options;              // but for the headers, of which the requests' head is made
  api_base const endpoint;
  std::optional<proxy_address> const proxy;
  std::shared_ptr<observation const> const observed;
  request_writer const messages;
  std::shared_ptr<session_pool> const pool;
  std::shared_ptr<traffic> const turns;
  std::shared_ptr<retry_budget> const budget;
  std::shared_ptr<gate> const calls;

private:
  using text_views = std::vector<std::string_view>;

  // What all attempts of a call send.
  struct outgoing {
    http_request const& request;
    limiter::demand wanted;
    call_options const& options;
  };

  // The call begins, as far as others are to know. Gives the headers of its requests.
  header_list const& tell_begin(call_options& call, call_progress& progress, std::string_view model,
                                bool streams) const;
  limiter::demand demand_of(std::string_view body, call_options const& call) const;
  boost::asio::awaitable<result<message>> attempt(outgoing const& call, unsigned number, call_progress& progress);
  boost::asio::awaitable<result<void>> attempt_stream(outgoing const& call, unsigned number,
                                                      message_stream_state& stream);
  boost::asio::awaitable<result<void>> open_stream(outgoing const& call, traffic::permit& permit,
                                                   message_stream_state& stream, response_headers& headers);
  // These two are no coroutines, so that what they put together takes no room in the frame that waits.
  static boost::asio::awaitable<result<message>> create_elsewhere(std::shared_ptr<client_state> self, std::string body,
                                                                  call_options call);
  template <class Attempt>
  auto retry_attempts(call_options const& call, call_progress& progress, Attempt& attempt) const;
  // The call's last word: what Asio or the caller cancelled, or a drain, or the failure itself.
  error failed(error const& failure, call_progress& progress) const;
  error cancelled(call_progress& progress) const;
  // The client has been drained.
  error refuse(std::string const& body, call_options& call, call_progress& progress, bool streams) const;
  boost::asio::awaitable<result<void>> open_idle(call_options const& call);
  void shut_down();
  text_views secrets_of(call_options const& call) const;
  bool is_proxys(http_response const& response) const noexcept;
  error refusal(http_response const& response, call_options const& call) const;
  result<message> read(http_response const& response, call_options const& call, call_progress& progress) const;
  // The same for a large answer, in slices, between which the executor gets to other work.
  boost::asio::awaitable<result<message>> read_slowly(http_response const& response, call_options const& call,
                                                      call_progress& progress) const;
  result<message> read(http_response const& response, result<boost::json::value> parsed, call_options const& call,
                       call_progress& progress) const;
};

} // namespace claudio::detail
