#pragma once

#include "core/api_base.hpp"
#include "net/call_progress.hpp"

#include <claudio/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace claudio {

class name_cache;
class tls_context;

/// One whole HTTP response.
class http_response {
public:
  http_response() = default;

  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  /// The value of a header, its name in lower case; empty when it is absent.
  std::string_view header(std::string_view lower_case_name) const noexcept;
};

/// One HTTP/1.1 connection to an endpoint, TLS or plain. All that is inside stays behind this interface.
///
/// One operation at a time, on the executor it was made with. After an operation that failed or was cancelled the
/// session is unusable. The object outlives its operations.
class session {
public:
  virtual ~session() = default;

  /// Resolves, connects, and shakes hands.
  virtual boost::asio::awaitable<result<void>> open(call_progress& progress) = 0;

  /// Sends a serialized request and reads the whole response. An HTTP error status is a response like any other.
  virtual boost::asio::awaitable<result<http_response>> exchange(std::string_view request, call_progress& progress) = 0;

  /// Sends a serialized request and reads the response up to its body, which `read_some()` gives.
  virtual boost::asio::awaitable<result<http_response>> begin(std::string_view request, call_progress& progress) = 0;
  /// More of the body of a response that was begun, at most `into.size()` bytes; 0: the body is complete. What has
  /// arrived already comes without suspending. Bounded by `progress.stream_limit()`.
  virtual boost::asio::awaitable<result<std::size_t>> read_some(std::span<char> into, call_progress& progress) = 0;
  /// The same of what has arrived already; 0: nothing has, or the body is complete.
  virtual result<std::size_t> read_arrived(std::span<char> into) = 0;

  /// Whether anything of the current response has arrived.
  virtual bool response_begun() const noexcept = 0;
  /// Whether the last response left the session fit for another request.
  virtual bool reusable() const noexcept = 0;
  /// Whether an idle session is still open, as far as can be seen without waiting.
  virtual bool alive() noexcept = 0;
};

/// A session that is not open yet. `tls` is null for plain HTTP.
std::unique_ptr<session> make_session(boost::asio::any_io_executor executor, std::shared_ptr<api_base const> endpoint,
                                      std::shared_ptr<name_cache> names, std::shared_ptr<tls_context> tls);

} // namespace claudio
