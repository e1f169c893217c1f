#pragma once

#include <claudio/observer.hpp>

#include <memory>

namespace claudio {

/// Who watches a client: the log, and whom its user gave. Its members may be called on any thread.
class observation {
public:
  observation();
  observation(endpoint_info about, std::shared_ptr<observer> users);

  endpoint_info const endpoint;

  /// Tells an event, also to the observer that one call brought.
  template <class Event>
  void tell(void (observer::*what)(Event const&) noexcept, Event const& event, observer* of_call = nullptr) const {
    (log_.*what)(event);
    if (users_)
      (users_.get()->*what)(event);
    if (of_call)
      (of_call->*what)(event);
  }

  bool wants_traces(observer const* of_call) const noexcept {
    return (users_ && users_->wants_traces()) || (of_call && of_call->wants_traces());
  }

private:
  observer& log_;
  std::shared_ptr<observer> const users_;
};

} // namespace claudio
