#pragma once

#include <claudio/call_info.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace claudio {

/// What went wrong, as far as a caller would act on it.
enum class errc : std::uint8_t {
  none = 0,          ///< no error
  cancelled,         ///< the caller cancelled the call
  timeout,           ///< a time limit or the deadline passed, or the server answered 408
  connect,           ///< name resolution, TCP connect, or a connection that broke
  tls,               ///< handshake or certificate verification failed
  protocol,          ///< the peer does not speak HTTP/1.1 or did not answer with a Messages API body
  authentication,    ///< 401: the API key is missing, wrong or inactive; 407: a proxy wants credentials or others
  permission,        ///< 403: the key may not do this; or a proxy does not let the endpoint pass
  invalid_request,   ///< 400, 422 and other 4xx: the request is wrong
  model_not_found,   ///< 404, or a model that is not configured
  request_too_large, ///< 413
  conflict,          ///< 409
  rate_limited,      ///< 429
  overloaded,        ///< 529
  server_error,      ///< 500 and above, but 529
  billing,           ///< 402, or a 400 that says that the account has no credit
  transformation,    ///< a request or an answer that can't be carried between the OpenAI and the Anthropic format
  configuration,     ///< a wrong or missing setting, or an empty handle
  unsupported,       ///< something that Anthropic does not offer
  stream_truncated,  ///< a stream ended before its answer was complete
  shut_down,         ///< the client or manager was drained: it takes no new call, or the drain's time was up
  local_resources,   ///< this machine has no file descriptor, port or memory left for a connection: nothing was sent
  circuit_open,      ///< the endpoint failed too often just now: nothing was sent (`circuit_breaker`)
  vault,             ///< a stored secret can't be encrypted or decrypted: a key is missing or wrong, bytes were changed
  storage            ///< the database can't be opened, read or written
};

/// The enumerator's name, e.g. "rate_limited".
std::string_view to_string(errc code) noexcept;

/// Everything known of an error beside its code. `error` shares one immutable copy of it.
class error_details {
public:
  error_details() = default;

  std::string message; ///< one line, safe to show: keys are removed from it
  std::string type;    ///< Anthropic's `error.type`, e.g. "rate_limit_error"; empty when none was sent
  std::string
      error_code; ///< Anthropic's `error.details.error_code`, or PostgreSQL's SQLSTATE; empty when none was sent
  std::string request_id; ///< Anthropic's request id; empty when none was sent
  std::string param;      ///< the field at fault, e.g. "messages[2].content"; empty when unknown
  std::optional<std::chrono::milliseconds> retry_after; ///< how long the server asks to wait
  std::optional<bool> should_retry; ///< the server's `x-should-retry`, or what is known without it: would it help?
  call_info info;                   ///< attempts and times of the failed call
};

/// An expected failure, passed by value. 24 bytes, so that it fits coroutine frames; copying shares the details.
/// Thread safety: distinct objects may be used concurrently, also when they share details.
class error {
public:
  /// No error: what `result::error()` gives beside a value.
  error();
  error(errc code, std::string message);
  error(errc code, int http_status, error_details details);
  // Copies only: a moved-from error would have no details.
  error(error const&) = default;
  error& operator=(error const&) = default;

  errc code() const noexcept { return code_; }
  /// The HTTP status that carried the error, a proxy's if that refused; 0 when no response arrived.
  int http_status() const noexcept { return http_status_; }
  std::string const& message() const noexcept { return details_->message; }
  std::string const& type() const noexcept { return details_->type; }
  std::string const& error_code() const noexcept { return details_->error_code; }
  std::string const& request_id() const noexcept { return details_->request_id; }
  std::string const& param() const noexcept { return details_->param; }
  std::optional<std::chrono::milliseconds> retry_after() const noexcept { return details_->retry_after; }
  std::optional<bool> should_retry() const noexcept { return details_->should_retry; }
  call_info const& info() const noexcept { return details_->info; }

  /// The same error with the call's attempts and times.
  error with_info(call_info info) const;
  /// The same error with something more in its message.
  error with_note(std::string_view note) const;

  /// One line: code, HTTP status and type, message, request id. The message may quote what the server said.
  std::string to_string() const;
  /// The same without the message: nothing in it comes from a prompt or an answer.
  std::string summary() const;

private:
  std::shared_ptr<error_details const> details_;
  int http_status_ = 0;
  errc code_ = errc::none;
};

static_assert(sizeof(error) <= 32);

std::ostream& operator<<(std::ostream& out, error const& e);

/// A value or an `error`. `.value()` throws the `api_error` that fits.
template <class T>
using result = boost::system::result<T, error>;

/// What `.value()` throws; the classes below say which kind. `what()` is `error::to_string()`.
class api_error : public std::runtime_error {
public:
  explicit api_error(error e);
  error const& get() const noexcept { return error_; }

private:
  error error_;
};

/// 401, 403 (`errc::authentication`, `errc::permission`)
class authentication_error : public api_error {
public:
  using api_error::api_error;
};

/// 429 (`errc::rate_limited`)
class rate_limit_error : public api_error {
public:
  using api_error::api_error;
};

/// 404 (`errc::model_not_found`)
class model_not_found_error : public api_error {
public:
  using api_error::api_error;
};

/// 400, 413, 422 (`errc::invalid_request`, `request_too_large`, `transformation`)
class invalid_request_error : public api_error {
public:
  using api_error::api_error;
};

/// 500 and above (`errc::server_error`, `errc::overloaded`, `errc::circuit_open`)
class server_error : public api_error {
public:
  using api_error::api_error;
};

/// No or a broken connection, TLS or HTTP (`errc::connect`, `tls`, `protocol`, `stream_truncated`, `local_resources`)
class connection_error : public api_error {
public:
  using api_error::api_error;
};

/// `errc::timeout`
class timeout_error : public api_error {
public:
  using api_error::api_error;
};

/// `errc::cancelled`, `errc::shut_down`
class cancelled_error : public api_error {
public:
  using api_error::api_error;
};

/// `errc::configuration`, `errc::unsupported`
class configuration_error : public api_error {
public:
  using api_error::api_error;
};

/// `errc::vault`, `errc::storage`
class storage_error : public api_error {
public:
  using api_error::api_error;
};

/// Found by Boost.System through argument-dependent lookup when `.value()` meets an error.
[[noreturn]] void throw_exception_from_error(error const& e, boost::source_location const& where);

} // namespace claudio
