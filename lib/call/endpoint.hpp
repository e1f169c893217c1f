#pragma once

#include "async/gate.hpp"
#include "call/credentials.hpp"
#include "call/request_writer.hpp"
#include "call/traffic.hpp"
#include "core/api_base.hpp"
#include "core/proxy.hpp"
#include "net/pool.hpp"
#include "net/trusted_authorities.hpp"

#include <claudio/client.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio::detail {

/// What the copies of a client share. All of it belongs to the home executor.
class endpoint {
public:
  /// @param messages where it takes messages, below its path
  /// @param provider its name in the configuration; empty: the endpoint's address
  /// @param users may be null
  static result<client> make(boost::asio::any_io_executor home, provider_options options,
                             trusted_authorities& authorities, std::string provider = std::string(),
                             std::shared_ptr<observer> users = nullptr, std::string_view messages = "/messages");

  endpoint(boost::asio::any_io_executor executor, api_base base, std::optional<proxy_address> chosen,
           std::shared_ptr<tls_context> tls, provider_options given, std::string_view messages,
           std::shared_ptr<observation const> observed_by);

  static std::shared_ptr<endpoint> const& of(client const& handle) noexcept { return handle.endpoint_; }

  /// On the home executor: opens sessions until that many are idle.
  static boost::asio::awaitable<result<void>> prewarm(std::shared_ptr<endpoint> self, std::size_t sessions,
                                                      call_options call);
  /// On the home executor, which is the same for all: refuses new calls, waits for those in flight, and cuts off what
  /// has not ended in time.
  static boost::asio::awaitable<result<void>> drain(std::vector<std::shared_ptr<endpoint>> endpoints,
                                                    std::chrono::steady_clock::time_point deadline);

  /// From any executor: tells of a call that was refused before it came here.
  static void tell_refusal(std::shared_ptr<endpoint> const& self, std::string model, error failure, bool streams,
                           std::shared_ptr<observer> of_call);
  /// From any executor: tells that another model is asked instead of one of this endpoint.
  static void tell_fallback(std::shared_ptr<endpoint> const& self, std::string failed, std::string next, error failure,
                            std::shared_ptr<observer> of_call);

  /// What a call gets that comes after the drain.
  static error drained();
  /// What an answer costs; nothing: its price is unknown.
  std::optional<cost> cost_of(message const& answer) const;
  /// The error that a response is: the endpoint's, or its proxy's.
  error refusal(http_response const& response, secret_list secrets) const;
  /// Whether the proxy has answered, of which the head says all.
  bool is_proxys(http_response const& response) const noexcept;

  boost::asio::any_io_executor const home;
  provider_options options; // but for the headers, of which the requests' head is made
  api_base const base;
  std::optional<proxy_address> const proxy;
  credentials const secrets;
  std::shared_ptr<observation const> const observed;
  request_writer const writer;
  std::shared_ptr<session_pool> const pool;
  std::shared_ptr<traffic> const turns;
  std::shared_ptr<retry_budget> const budget;
  std::shared_ptr<gate> const calls;

private:
  boost::asio::awaitable<result<void>> open_idle(call_options const& call);
  void shut_down();
};

} // namespace claudio::detail
