#pragma once

#include <algorithm>
#include <chrono>
#include <string>

namespace claudio {

/// When key sources are asked again for a key that they did not give: seldom enough for a key service that is called
/// each time, soon enough for a key that arrives after what it encrypts. For one thread at a time.
class asking_pace {
public:
  using clock = std::chrono::steady_clock;

  /// Whether they may be asked now, which is then noted. The first time at once; for the same key after pauses that
  /// double, for another key after the shortest one.
  bool may_ask(std::string const& key_id, clock::time_point now) {
    if (key_id != key_id_)
      pause_ = shortest_pause;
    if (has_asked_ && now < asked_ + pause_)
      return false;
    if (key_id == key_id_)
      pause_ = std::min(2 * pause_, longest_pause);
    key_id_ = key_id;
    asked_ = now;
    has_asked_ = true;
    return true;
  }

private:
  static constexpr std::chrono::seconds shortest_pause{1};
  static constexpr std::chrono::seconds longest_pause{64};

  std::string key_id_;
  clock::time_point asked_;
  std::chrono::seconds pause_ = shortest_pause;
  bool has_asked_ = false;
};

} // namespace claudio
