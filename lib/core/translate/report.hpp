#pragma once

#include "core/translate/json_path.hpp"

#include <claudio/error.hpp>
#include <claudio/translate.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// What becomes of a request on its way: the warnings, and the first fault. After a fault the translation may go on,
/// its outcome is not used.
class translation_report {
public:
  explicit translation_report(translation_mode mode) : mode_(mode) {}

  /// Something is carried, but otherwise than it was said: a warning.
  void note(json_path const& where, std::string_view message);
  /// Something can't be carried. Strict: a fault that says why. Lenient: a warning that adds what was done instead.
  void lose(json_path const& where, std::string_view reason, std::string_view done = "left out");
  /// Something is wrong, whatever the mode.
  void reject(json_path const& where, std::string_view message);
  void fail(error fault);

  bool failed() const noexcept { return fault_.has_value(); }
  error const& fault() const { return *fault_; }
  std::vector<std::string> take_warnings();

private:
  translation_mode mode_;
  std::vector<std::string> warnings_;
  std::size_t unsaid_ = 0;
  std::optional<error> fault_;
};

} // namespace claudio
