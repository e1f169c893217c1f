#pragma once

#include <claudio/error.hpp>

namespace claudio {

/// A 429 that lasts until the limit is raised or the month ends (Anthropic API, rate limits).
inline bool is_spend_limit(error const& failure) noexcept {
  return failure.error_code() == "enforced_spend_limit_reached" ||
         failure.error_code() == "contract_spend_limit_reached";
}

} // namespace claudio
