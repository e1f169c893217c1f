#include "core/error_kinds.hpp"
#include "core/printable.hpp"

#include <claudio/error.hpp>

#include <ostream>

namespace claudio {

std::string_view to_string(errc code) noexcept { return kind_of(code).name; }

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
  kind_of(e.code()).raise(e);
  throw api_error(e);
}

} // namespace claudio
