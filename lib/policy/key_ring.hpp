#pragma once

#include <claudio/error.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace claudio {

/// Which keys of a provider may be used. One that the server refuses is set aside, and tried again after a while by one
/// call. A provider's only key never is: its refusals are the callers' to see. The clock is passed in.
class key_ring {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit key_ring(std::vector<unsigned> const& weights);

  /// Whether the key may carry a call now.
  bool usable(std::size_t key, time_point now) const noexcept;
  /// How long until a key that was set aside may be tried again; 0: it may be used now.
  std::chrono::nanoseconds time_to_trial(std::size_t key, time_point now) const noexcept;
  /// Whether one of them may.
  bool any_usable(time_point now) const noexcept;
  /// Whether `first` is to be preferred: a key that is due to be tried again, then the one that is behind its share.
  bool before(std::size_t first, std::size_t second) const noexcept;
  /// A call takes the key. True: it is the one that tries a key again.
  bool use(std::size_t key) noexcept;

  /// Whether an error is about the key: 401, 402, or a spend limit's 429.
  static bool is_at_fault(error const& failure) noexcept;
  /// @param on_trial by the call that tried it again. True: the key was usable before.
  bool set_aside(std::size_t key, error const& reason, bool on_trial, time_point now);
  /// It works. True: it had been set aside.
  bool restore(std::size_t key) noexcept;
  /// The trial came to nothing; the next one is as far as this one was.
  void abandon_trial(std::size_t key, time_point now) noexcept;

  std::size_t size() const noexcept { return keys_.size(); }
  bool is_set_aside(std::size_t key) const noexcept { return keys_[key].fault.has_value(); }
  /// The error of a call for which there is no key.
  error none_usable(time_point now) const;

private:
  struct entry {
    double weight = 1;
    double used = 0; // calls by weight
    std::optional<error> fault;
    time_point try_again;
    std::chrono::seconds pause{0};
    bool on_trial = false;
  };

  std::vector<entry> keys_;
};

} // namespace claudio
