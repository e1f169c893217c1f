#include "core/translate/report.hpp"

namespace claudio {
namespace {

// A hostile request must not turn into more warnings than it has bytes.
constexpr std::size_t most_warnings = 100;

std::string join(json_path const& where, std::string_view message) {
  return where.text() + ": " + std::string(message);
}

} // namespace

void translation_report::note(json_path const& where, std::string_view message) {
  if (warnings_.size() == most_warnings)
    ++unsaid_;
  else
    warnings_.push_back(join(where, message));
}

void translation_report::lose(json_path const& where, std::string_view reason, std::string_view done) {
  if (mode_ == translation_mode::strict)
    reject(where, reason);
  else
    note(where, std::string(reason) + "; " + std::string(done));
}

void translation_report::reject(json_path const& where, std::string_view message) {
  if (fault_)
    return;
  error_details details;
  details.type = "invalid_request_error";
  details.message = join(where, message);
  details.param = where.text();
  fault_ = error(errc::transformation, 0, std::move(details));
}

void translation_report::fail(error fault) {
  if (!fault_)
    fault_.emplace(std::move(fault));
}

std::vector<std::string> translation_report::take_warnings() {
  if (unsaid_ > 0)
    warnings_.push_back("… and " + std::to_string(unsaid_) + " more warnings");
  return std::move(warnings_);
}

} // namespace claudio
