#pragma once

#include <claudio/observer.hpp>

namespace claudio::tool {

/// Says on standard error what a call does while it takes long: that an attempt failed and when the next one is made,
/// and that another model is asked.
class progress : public observer {
public:
  void attempt_ended(attempt_event const& event) noexcept override;
  void fell_back(fallback_event const& event) noexcept override;
};

} // namespace claudio::tool
