#include "observe/observation.hpp"

#include "observe/log_observer.hpp"

#include <algorithm>

namespace claudio {
namespace {

class several_observers final : public observer {
public:
  explicit several_observers(std::vector<std::shared_ptr<observer>> all) : all_(std::move(all)) {}

  bool wants_traces() const noexcept override {
    return std::any_of(all_.begin(), all_.end(), [](auto const& one) { return one->wants_traces(); });
  }
  void call_begun(observed_call const& event) noexcept override { tell(&observer::call_begun, event); }
  void call_ended(call_event const& event) noexcept override { tell(&observer::call_ended, event); }
  void attempt_ended(attempt_event const& event) noexcept override { tell(&observer::attempt_ended, event); }
  void stream_ended(stream_event const& event) noexcept override { tell(&observer::stream_ended, event); }
  void waited(wait_event const& event) noexcept override { tell(&observer::waited, event); }
  void session_opened(session_event const& event) noexcept override { tell(&observer::session_opened, event); }
  void session_closed(session_event const& event) noexcept override { tell(&observer::session_closed, event); }
  void pool_changed(pool_event const& event) noexcept override { tell(&observer::pool_changed, event); }
  void pacing_changed(pacing_event const& event) noexcept override { tell(&observer::pacing_changed, event); }
  void breaker_changed(breaker_event const& event) noexcept override { tell(&observer::breaker_changed, event); }
  void key_changed(key_event const& event) noexcept override { tell(&observer::key_changed, event); }
  void fell_back(fallback_event const& event) noexcept override { tell(&observer::fell_back, event); }

private:
  template <class Event>
  void tell(void (observer::*what)(Event const&) noexcept, Event const& event) noexcept {
    for (auto const& one : all_)
      (one.get()->*what)(event);
  }

  std::vector<std::shared_ptr<observer>> const all_;
};

} // namespace

observation::observation() : log_(log_observer()) {}

observation::observation(endpoint_info about, std::shared_ptr<observer> users)
    : endpoint(std::move(about)), log_(log_observer()), users_(std::move(users)) {}

std::string_view to_string(handshake kind) noexcept {
  constexpr std::array<std::string_view, 3> names{"none", "full", "resumed"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view to_string(session_end reason) noexcept {
  constexpr std::array<std::string_view, 7> names{"idle_timeout", "surplus", "spent",    "peer_closed",
                                                  "not_kept",     "broken",  "shut_down"};
  return names[static_cast<std::size_t>(reason)];
}

std::shared_ptr<observer> observe_with(std::vector<std::shared_ptr<observer>> observers) {
  std::erase(observers, nullptr);
  if (observers.empty())
    return nullptr;
  if (observers.size() == 1)
    return observers.front();
  return std::make_shared<several_observers>(std::move(observers));
}

} // namespace claudio
