#include "core/printable.hpp"

#include <claudio/error.hpp>

#include <ostream>

namespace claudio {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::none:
    return "none";
  case errc::cancelled:
    return "cancelled";
  case errc::timeout:
    return "timeout";
  case errc::connect:
    return "connect";
  case errc::tls:
    return "tls";
  case errc::protocol:
    return "protocol";
  case errc::authentication:
    return "authentication";
  case errc::permission:
    return "permission";
  case errc::invalid_request:
    return "invalid_request";
  case errc::model_not_found:
    return "model_not_found";
  case errc::request_too_large:
    return "request_too_large";
  case errc::conflict:
    return "conflict";
  case errc::rate_limited:
    return "rate_limited";
  case errc::overloaded:
    return "overloaded";
  case errc::server_error:
    return "server_error";
  case errc::billing:
    return "billing";
  case errc::transformation:
    return "transformation";
  case errc::configuration:
    return "configuration";
  case errc::unsupported:
    return "unsupported";
  case errc::stream_truncated:
    return "stream_truncated";
  case errc::shut_down:
    return "shut_down";
  case errc::local_resources:
    return "local_resources";
  case errc::circuit_open:
    return "circuit_open";
  case errc::vault:
    return "vault";
  case errc::storage:
    return "storage";
  }
  return "unknown";
}

error::error() {
  static auto const* const empty = new std::shared_ptr(std::make_shared<error_details const>());
  details_ = *empty;
}

error::error(errc code, std::string message) : code_(code) {
  auto details = std::make_shared<error_details>();
  details->message = std::move(message);
  details_ = std::move(details);
}

error::error(errc code, int http_status, error_details details)
    : details_(std::make_shared<error_details const>(std::move(details))), http_status_(http_status), code_(code) {}

error error::with_info(call_info info) const {
  error_details details = *details_;
  if (info.request_id.empty())
    info.request_id = details.request_id;
  details.info = std::move(info);
  return error(code_, http_status_, std::move(details));
}

error error::with_note(std::string_view note) const {
  error_details details = *details_;
  details.message.append("; ").append(note);
  return error(code_, http_status_, std::move(details));
}

namespace {

std::string one_line(error const& e, std::string const& message) {
  std::string line(to_string(e.code()));
  if (e.http_status() != 0) {
    line += " (HTTP " + std::to_string(e.http_status());
    if (!e.type().empty())
      line += ", " + e.type();
    line += ")";
  }
  if (!message.empty())
    line += ": " + message;
  if (!e.request_id().empty())
    line += " [request id " + e.request_id() + "]";
  // A message may quote a name or a value that a user gave.
  return is_printable_line(line) ? line : printable_line(line);
}

} // namespace

std::string error::to_string() const { return one_line(*this, message()); }

std::string error::summary() const { return one_line(*this, std::string()); }

std::ostream& operator<<(std::ostream& out, error const& e) { return out << e.to_string(); }

api_error::api_error(error e) : std::runtime_error(e.to_string()), error_(std::move(e)) {}

void throw_exception_from_error(error const& e, boost::source_location const&) {
  switch (e.code()) {
  case errc::authentication:
  case errc::permission:
    throw authentication_error(e);
  case errc::rate_limited:
    throw rate_limit_error(e);
  case errc::model_not_found:
    throw model_not_found_error(e);
  case errc::invalid_request:
  case errc::request_too_large:
  case errc::transformation:
    throw invalid_request_error(e);
  case errc::server_error:
  case errc::overloaded:
  case errc::circuit_open:
    throw server_error(e);
  case errc::connect:
  case errc::tls:
  case errc::stream_truncated:
  case errc::protocol:
  case errc::local_resources:
    throw connection_error(e);
  case errc::timeout:
    throw timeout_error(e);
  case errc::cancelled:
  case errc::shut_down:
    throw cancelled_error(e);
  case errc::configuration:
  case errc::unsupported:
    throw configuration_error(e);
  case errc::vault:
  case errc::storage:
    throw storage_error(e);
  case errc::none:
  case errc::conflict:
  case errc::billing:
    break;
  }
  throw api_error(e);
}

} // namespace claudio
