#pragma once

#include <claudio/observer.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace claudio::test {

/// An observer that is told of attempts only.
inline std::shared_ptr<observer> on_attempt(std::function<void(attempt_info const&)> tell) {
  class attempt_observer final : public observer {
  public:
    explicit attempt_observer(std::function<void(attempt_info const&)> given) : tell_(std::move(given)) {}
    void attempt_ended(attempt_event const& event) noexcept override { tell_(*event.attempt); }

  private:
    std::function<void(attempt_info const&)> tell_;
  };
  return std::make_shared<attempt_observer>(std::move(tell));
}

} // namespace claudio::test
