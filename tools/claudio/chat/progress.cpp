#include "progress.hpp"

#include "../terminal.hpp"
#include "outcome.hpp"

#include <iostream>

namespace claudio::tool {

void progress::attempt_ended(attempt_event const& event) noexcept {
  auto const& attempt = *event.attempt;
  if (!attempt.failure || !attempt.retry_in)
    return;
  std::cerr << "claudio: attempt " << attempt.number << " failed: " << printable(attempt.failure->to_string())
            << "; trying again in " << describe_time(*attempt.retry_in) << std::endl;
}

void progress::fell_back(fallback_event const& event) noexcept {
  std::cerr << "claudio: " << printable(event.failed) << " failed: " << printable(event.failure->to_string())
            << "; asking " << printable(event.next) << std::endl;
}

} // namespace claudio::tool
